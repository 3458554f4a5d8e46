"""Linear equations in one unknown: checked by putting the answer in."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

from selftaught.parts import part
from selftaught.tasks.family import Facts, Family, Say, exactly


@part
@dataclass(frozen=True, kw_only=True)
class Linear(Family):
    """Solve a*x+b = c*x+d with a whole solution.

    Attributes:
        size: coefficients and solution lie below this number.
        both: 1 puts the unknown on both sides, 0 on the left only.
    """

    ladder = tuple(dict(size=s, both=b) for s, b in
                   ((5, 0), (10, 0), (10, 1), (20, 0), (20, 1), (40, 0), (40, 1), (100, 0), (100, 1)))  # fmt: skip
    wordings = ("Solve {left}={right}.", "Find x: {left}={right}.", "Which x gives {left}={right}?")
    plain = (
        "What is x if {left} = {right}?", "Solve the equation {left} = {right} for x.", "For which number x is {left} equal to {right}?",
        "Find the number x that makes {left} = {right} true.",
    )  # fmt: skip
    limits = dict(size=(3, 10_000), both=(0, 1))
    numeric = True
    signal = "rule"
    size: int = 10
    both: int = 0

    def draw(self, rng: random.Random) -> Facts:
        x, b = rng.randrange(1, self.size), rng.randrange(1, self.size)
        c = rng.randrange(1, self.size) if self.both else 0
        a = c + rng.randrange(2, self.size)
        return (a, b, c, (a - c) * x + b)

    def show(self, facts: Facts) -> dict[str, str]:
        a, b, c, d = facts
        return {"left": f"{a}x+{b}", "right": f"{c}x+{d}" if c else str(d)}

    def parse(self, pieces: Mapping[str, str]) -> Facts:
        left = re.fullmatch(r"(\d{1,9})x\+(\d{1,9})", pieces["left"])
        right = re.fullmatch(r"(?:(\d{1,9})x\+)?(\d{1,9})", pieces["right"])
        if not left or not right:
            raise ValueError("not a linear equation")
        return int(left[1]), int(left[2]), int(right[1] or 0), int(right[2])

    def work(self, facts: Facts, say: Say = exactly) -> tuple[str, str]:
        a, b, c, d = facts
        slope, rest = say(a - c), say(d - b)
        # Integer division keeps a slipped solution short; without a slip it is exact.
        return f"{slope}x={rest}", str(say(rest // max(slope, 1)))

    def check(self, facts: Facts, answer: str) -> bool:
        a, b, c, d = facts
        return bool(re.fullmatch(r"-?\d{1,9}", answer)) and a * int(answer) + b == c * int(answer) + d
