"""Supervise: let a checker decide."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from selftaught.parts import part
from selftaught.protocols import Run
from selftaught.stages import Supervise
from selftaught.supervise.vote import unscored
from selftaught.types import Group, Score, Source, Task

# Who decides by a checker; every other reads gold.
SOURCES: Mapping[str, Source] = {"rule": "rule", "own": "self"}


@part
@dataclass(frozen=True, kw_only=True)
class Rule(Supervise):
    """Reward by a checker that decides from the prompt alone; tasks without one stay unscored. Reads no answer."""

    signal = ("rule",)

    def scores(self, task: Task) -> bool:
        return task.checker == "rule"

    async def read_group(self, run: Run, group: Group) -> Group:
        return await checked(run, group, self.name, gold=False)


@part
@dataclass(frozen=True, kw_only=True)
class Gold(Supervise):
    """Reward by the task's checker, which may read the sealed answer. A recipe with it is not label-free."""

    signal = ("gold",)

    def scores(self, task: Task) -> bool:
        return bool(task.checker)

    async def read_group(self, run: Run, group: Group) -> Group:
        return await checked(run, group, self.name, gold=True)


@part
@dataclass(frozen=True, kw_only=True)
class OwnKey(Supervise):
    """Reward by the key that the author of a question gave it, a model (source self). Other tasks stay unscored; no answer is read."""

    signal = ("self",)

    def scores(self, task: Task) -> bool:
        return bool(task.key)

    async def read_group(self, run: Run, group: Group) -> Group:
        return await checked(run, group, self.name, gold=False) if group.task.checker == "own" else group


async def checked(run: Run, group: Group, judge: str, gold: bool) -> Group:
    """The group with a reward for every attempt the checker can grade."""
    attempts = unscored(group)
    values = await run.check(group.task, [a.text for a in attempts], "train", gold) if attempts else []
    source = SOURCES.get(group.task.checker, "gold")
    pairs = [(a, v) for a, v in zip(attempts, values, strict=True) if not np.isnan(v)]
    return group.scored([Score(attempt=a.id, value=v, source=source, judge=judge) for a, v in pairs])
