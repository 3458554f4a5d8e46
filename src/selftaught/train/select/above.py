"""Attempts above a threshold that is found during the run."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from selftaught.parts import part
from selftaught.protocols import Run
from selftaught.stages import Select
from selftaught.types import Group


@part
@dataclass(frozen=True, kw_only=True)
class Above(Select):
    """Drops attempts whose score is not above the threshold that `state` holds, and groups that are left without any.

    Attributes:
        state: name of the `Settings`.
        score: name of the scores that are compared; unscored attempts are dropped.
    """

    state: str = "settings"
    score: str = "reward"

    def select(self, run: Run, groups: Sequence[Group]) -> list[Group]:
        """The groups with fewer attempts, in order."""
        threshold = run.state[self.state]["threshold"]
        cut = []
        for group in groups:
            kept = tuple(a for a, value in zip(group.attempts_G, group.values(self.score), strict=True) if value > threshold)
            if kept:
                cut.append(replace(group, attempts_G=kept))
        return cut
