"""Named weights that follow others: teachers, references, what a phase begins from."""

from collections.abc import Sequence
from dataclasses import dataclass

from selftaught.parts import BadInput, part
from selftaught.protocols import Run
from selftaught.stages import Update
from selftaught.types import Group


@part
@dataclass(frozen=True, kw_only=True)
class Average(Update):
    """After learning: into = decay * into + (1 - decay) * source. `into` starts as a copy of `source`.

    A name nothing was written to yet reads as the policy: it can be copied from, and folded into the policy it changes
    nothing.

    Attributes:
        source: what is followed.
        into: what follows it.
        decay: share of the old values that stays.

    Raises:
        BadInput: for a decay outside [0, 1], weights averaged with themselves, or "start", which is frozen.
    """

    source: str = "policy"
    into: str = "ema"
    decay: float = 0.99

    def __post_init__(self) -> None:
        if not 0 <= self.decay <= 1:
            raise BadInput(f"decay={self.decay} must lie in [0, 1]")
        if self.source == self.into:
            raise BadInput(f"an average of '{self.source}' with itself changes nothing: name other weights as source or into")
        if self.into == "start":
            raise BadInput("weights 'start' are frozen: name others in into")

    @property
    def folds(self) -> tuple[tuple[str, str], ...]:
        return ((self.source, self.into),)

    async def update(self, run: Run, groups: Sequence[Group]) -> None:
        await run.average(self.source, self.into, self.decay)
