"""Budget: what a run may spend, in tokens, seconds, checker calls or FLOPs, and how people write it."""

import math
import re
from dataclasses import dataclass

from selftaught.parts import BadInput

SIZES = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "B": 10**9, "T": 10**12, "P": 10**15}
TIMES = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
NUMBER = r"(?P<number>\d[\d_]*(?:\.\d+)?(?:e\d+)?)"
WRITTEN = re.compile(NUMBER + r"\s*(?:(?P<time>s|min|m|h|d)|(?P<size>[kKMGBTP]?)\s*(?P<unit>tokens|calls|flops)?)")
HELP = "write tokens (1M), seconds (90s, 30m, 2h), checker calls (5000calls) or FLOPs (2e15flops), several with commas"


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """The most a run may spend; a limit that is None does not bind. Evaluation, gate and audit are outside of it.

    Attributes:
        tokens: prompted + sampled + scored + trained.
        seconds: by the clock, over all sittings of a run: no request starts once they have passed.
        calls: answers a checker grades for training or selection.
        flops: 2 N for each token prompted, sampled or scored, 6 N for each trained, N the model's parameters.

    Raises:
        BadInput: a limit is not above zero.
    """

    tokens: int | None = None
    seconds: float | None = None
    calls: int | None = None
    flops: float | None = None

    def __post_init__(self) -> None:
        for unit, most in self.limits().items():
            if not 0 < most < math.inf:
                raise BadInput(f"budget={most:g} {unit}: give a positive number")

    @classmethod
    def parse(cls, given: "int | str | Budget | None") -> "Budget":
        """The budget that a text names: `1M`, `500k`, `90s`, `30m`, `2h`, `5000calls`, `2e12flops`, or several: `1M,10m`.

        A small `m` is minutes, a capital one millions. A number is tokens, None no limit, a budget itself.
        Raises BadInput on anything else, and on a unit given twice.
        """
        if not isinstance(given, str):
            return given if isinstance(given, Budget) else cls(tokens=given)
        limits: dict[str, float] = {}
        for piece in given.split(","):
            found = WRITTEN.fullmatch(piece.strip())
            if found is None:
                raise BadInput(f"budget '{piece.strip()[:40]}' is not understood: {HELP}")
            unit = "seconds" if found["time"] else found["unit"] or "tokens"
            if unit in limits:
                raise BadInput(f"budget '{given[:40]}' limits {unit} twice: {HELP}")
            limits[unit] = float(found["number"]) * (TIMES[found["time"]] if found["time"] else SIZES[found["size"]])
        whole = {unit: int(limits[unit]) for unit in ("tokens", "calls") if limits.get(unit, math.inf) < math.inf}
        return cls(**limits | whole)  # type: ignore[arg-type]

    def limits(self) -> dict[str, float]:
        """The limits that bind, by unit."""
        named = {"tokens": self.tokens, "seconds": self.seconds, "calls": self.calls, "flops": self.flops}
        return {unit: most for unit, most in named.items() if most is not None}

    def text(self) -> str:
        """In words that `parse` reads back; "" when nothing binds."""
        short = {"tokens": "", "seconds": "s", "calls": "calls", "flops": "flops"}
        return ",".join(f"{int(most) if most == int(most) else most}{short[unit]}" for unit, most in self.limits().items())
