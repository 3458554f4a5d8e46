"""Explore: find sampler settings on a few tasks, then sample all tasks with them."""

import math
from asyncio import gather
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from selftaught.explore.sample import Sample
from selftaught.parts import BadInput, part
from selftaught.protocols import Run
from selftaught.stages import State
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
class Grid(Sample):
    """Sample each task n times at every temperature of a grid, all in one group (B-STaR, arXiv:2412.17256).

    Attributes:
        temperatures: the grid, each >= 0.
    """

    paper: ClassVar[str] = "arXiv:2412.17256"
    temperatures: tuple[float, ...] = (0.5, 0.7, 0.9, 1.1)

    def __post_init__(self) -> None:
        Sample.__post_init__(self)
        if self.temperature is not None:
            raise BadInput(f"grid: temperature={self.temperature} does nothing: give temperatures")
        if not self.temperatures or not all(0 <= t < math.inf for t in self.temperatures):
            raise BadInput(f"grid: temperatures={self.temperatures} must be one or more numbers of at least 0")

    async def explore(self, run: Run, request: Request) -> Group:
        task = request.task
        tried = [replace(request.settings, temperature=t) for t in dict.fromkeys(self.temperatures)]
        drawn = await gather(*(run.sample(f"at-{s.temperature:g}", task, task.messages, n=request.n, settings=s) for s in tried))
        return Group(key=task.id, task=task, attempts_G=tuple(a for attempts in drawn for a in attempts))


@part
@dataclass(frozen=True, kw_only=True)
class Tuned(Sample):
    """Sample at the temperature that `state` holds.

    Attributes:
        state: name of the `Settings`.
    """

    state: str = "settings"

    def __post_init__(self) -> None:
        Sample.__post_init__(self)
        if self.temperature is not None:
            raise BadInput(f"tuned: temperature={self.temperature} does nothing, the state holds it: take explore=sample to fix it")

    def request(self, run: Run, task: Task) -> Request:
        settings = replace(run.settings, temperature=run.state[self.state]["temperature"])
        return Request(task=task, n=self.n, settings=settings)
