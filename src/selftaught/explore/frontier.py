"""Plan: spend attempts where the model is neither sure nor lost."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from selftaught.parts import BadInput, part
from selftaught.protocols import Pool, Run
from selftaught.stages import Plan, State, Update
from selftaught.types import Group, Task


@part
@dataclass(frozen=True, kw_only=True)
class Ranking(State):
    """Running mean of the label-free reward of each task source: {source: value in [0, 1]}."""

    def initial(self) -> dict[str, float]:
        """No source has been tried."""
        return {}


@part
@dataclass(frozen=True, kw_only=True)
class Frontier(Plan):
    """Draw tasks from sources in proportion to p(1-p), p being the running reward of the source.

    Source: learnability as in curricula by success rate (e.g. arXiv:2502.01612, easy to hard); p comes from
    votes and rules, not from answers.

    Attributes:
        state: name of the `Ranking` that holds p.
        floor: share of the draws spread evenly, so that no source is forgotten.
    """

    state: str = "ranking"
    floor: float = 0.2

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.floor <= 1:
            raise BadInput(f"frontier: floor={self.floor} must lie in [0, 1]")

    def drawn(self, run: Run, pool: Pool) -> list[Task]:
        rng, ranking = run.rng("plan"), run.state[self.state]
        values = [ranking.get(source, 0.5) for source in pool.sources]
        total = sum(p * (1 - p) for p in values) or 1.0
        weights = [self.floor / len(values) + (1 - self.floor) * p * (1 - p) / total for p in values]
        wanted = dict.fromkeys(pool.sources, 0)
        for source in rng.choices(pool.sources, weights, k=self.tasks):
            wanted[source] += 1
        drawn = {task.id: task for source, count in wanted.items() if count for task in pool.draw(rng, count, source)}
        return list(drawn.values())


@part
@dataclass(frozen=True, kw_only=True)
class Track(Update):
    """Move the running reward of each source in `state` towards this step's mean.

    Attributes:
        state: name of the ranking.
        decay: share of the old value that stays, in [0, 1).
    """

    state: str = "ranking"
    decay: float = 0.7

    def __post_init__(self) -> None:
        if not 0 <= self.decay < 1:
            raise BadInput(f"track: decay={self.decay} must lie in [0, 1)")

    async def update(self, run: Run, groups: Sequence[Group]) -> None:
        seen: dict[str, list[float]] = defaultdict(list)
        for group in groups:
            # A group without a verdict counts as not mastered: its views disagree.
            values = [0.0 if np.isnan(v) else min(1.0, max(0.0, float(v))) for v in group.values()]
            seen[group.task.source].append(float(np.mean(values)))
        ranking = dict(run.state[self.state])
        for source, values in sorted(seen.items()):
            ranking[source] = self.decay * ranking.get(source, 0.5) + (1 - self.decay) * float(np.mean(values))
        run.write(self.state, ranking)
