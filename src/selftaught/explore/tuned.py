"""Sampler settings that are found on a few tasks, and used on all."""

import math
from asyncio import gather
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from selftaught.explore.sample import Even
from selftaught.parts import BadInput, part
from selftaught.protocols import Run
from selftaught.stages import Explore, State, Update
from selftaught.types import Group, Request, Task


@part
@dataclass(frozen=True, kw_only=True)
class Settings(State):
    """The sampling temperature and the score threshold in use.

    Attributes:
        temperature: before the first search, >= 0.
        threshold: the same; attempts must score above it.
    """

    temperature: float = 1.0
    threshold: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < math.inf:
            raise BadInput(f"settings: temperature={self.temperature} must be at least 0")

    def initial(self) -> Any:
        return {"temperature": self.temperature, "threshold": self.threshold}


@part
@dataclass(frozen=True, kw_only=True)
class Grid(Explore):
    """Sample each task n times at every temperature of a grid, all in one group (B-STaR, arXiv:2412.17256).

    Attributes:
        temperatures: the grid, each >= 0.
    """

    paper: ClassVar[str] = "arXiv:2412.17256"
    temperatures: tuple[float, ...] = (0.5, 0.7, 0.9, 1.1)

    def __post_init__(self) -> None:
        if not self.temperatures or not all(0 <= t < math.inf for t in self.temperatures):
            raise BadInput(f"grid: temperatures={self.temperatures} must be one or more numbers of at least 0")

    async def explore(self, run: Run, request: Request) -> Sequence[Group]:
        task = request.task
        tried = [replace(request.settings, temperature=t) for t in dict.fromkeys(self.temperatures)]
        drawn = await gather(*(run.sample(f"at-{s.temperature:g}", task, task.messages, n=request.n, settings=s) for s in tried))
        return [Group(key=task.id, task=task, attempts_G=tuple(a for attempts in drawn for a in attempts))]


@part
@dataclass(frozen=True, kw_only=True)
class Tuned(Even):
    """Draw tasks evenly, to be sampled at the temperature that `state` holds.

    Attributes:
        state: name of the `Settings`.
    """

    state: str = "settings"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.temperature is not None:
            raise BadInput(f"tuned: temperature={self.temperature} does nothing, the state holds it: take plan=even to fix it")

    def request(self, run: Run, task: Task) -> Request:
        request = super().request(run, task)
        return replace(request, settings=replace(request.settings, temperature=run.state[self.state]["temperature"]))


@part
@dataclass(frozen=True, kw_only=True)
class Balance(Update):
    """Put into `state` the temperature and threshold with the highest mean balance score.

        bs = min(n_ok / wanted, 1) * n_ok / n_sel

    n_sel is the number of a task's attempts at that temperature with a score above the threshold, n_ok how many
    different right ones there are among them; bs is 0 where nothing is selected. The first of equals is taken.

    Source: B-STaR, arXiv:2412.17256.

    Attributes:
        state: name of the `Settings`.
        score: name of the scores the threshold is held against.
        right: name of the scores that say what is right, those above one half.
        thresholds: what is tried.
        wanted: right attempts of a task that are enough (n*).
    """

    paper: ClassVar[str] = "arXiv:2412.17256"
    state: str = "settings"
    score: str = "share"
    right: str = "reward"
    thresholds: tuple[float, ...] = (0.0, 0.2, 0.4, 0.6)
    wanted: int = 4

    def __post_init__(self) -> None:
        if self.wanted < 1 or not self.thresholds:
            raise BadInput(f"balance: wanted={self.wanted} must be at least 1 and thresholds={self.thresholds} not empty")

    async def update(self, run: Run, groups: Sequence[Group]) -> None:
        temperatures = dict.fromkeys(a.settings.temperature for group in groups for a in group.attempts_G)
        best, found = -1.0, dict(run.state[self.state])
        for temperature in temperatures:
            for threshold in self.thresholds:
                value = float(np.mean([self.balance(group, temperature, threshold) for group in groups]))
                if value > best:
                    best, found = value, {"temperature": temperature, "threshold": threshold}
        run.write(self.state, found)
        for name, number in (("balance", best), *found.items()):
            run.note(name, number)

    def balance(self, group: Group, temperature: float, threshold: float) -> float:
        """The balance score of one task."""
        rows = zip(group.attempts_G, group.values(self.score), group.values(self.right), strict=True)
        selected = [(a.text, right > 0.5) for a, score, right in rows if a.settings.temperature == temperature and score > threshold]
        ok = len({text for text, right in selected if right})
        return min(ok / self.wanted, 1.0) * ok / len(selected) if selected else 0.0
