"""Supervise: remember how well each task source goes, for the frontier."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from selftaught.parts import BadInput, part
from selftaught.protocols import Run
from selftaught.stages import Reader
from selftaught.types import Group


@part
@dataclass(frozen=True, kw_only=True)
class Track(Reader):
    """Move the running reward of each source in `state` towards this step's mean. Gives no scores.

    Attributes:
        state: name of the ranking.
        decay: share of the old value that stays, in [0, 1).
    """

    kind = "supervise"
    state: str = "ranking"
    decay: float = 0.7

    def __post_init__(self) -> None:
        if not 0 <= self.decay < 1:
            raise BadInput(f"track: decay={self.decay} must lie in [0, 1)")

    async def read(self, run: Run, groups: Sequence[Group]) -> list[Group]:
        seen: dict[str, list[float]] = defaultdict(list)
        for group in groups:
            # A group without a verdict counts as not mastered: its views disagree.
            values = [0.0 if np.isnan(v) else min(1.0, max(0.0, float(v))) for v in group.values()]
            seen[group.task.source].append(float(np.mean(values)))
        ranking = run.state[self.state]
        for source, values in sorted(seen.items()):
            ranking[source] = self.decay * ranking.get(source, 0.5) + (1 - self.decay) * float(np.mean(values))
        return list(groups)
