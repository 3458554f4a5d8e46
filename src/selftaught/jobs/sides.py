"""What a measure is given: one side of an open session."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from selftaught.jobs.job import DEFAULT_TASKS
from selftaught.jobs.session import Session
from selftaught.protocols import Answered, Run
from selftaught.prove.cache import CachedSampler
from selftaught.prove.proof import sampler_for
from selftaught.prove.sampling import MethodSampler, RunSampler
from selftaught.prove.side import AS_IS, measure_side
from selftaught.run.method import Method
from selftaught.tasks.source import parse_source
from selftaught.types import Floats, Group, Task

T = TypeVar("T")
# The sides of a run, and whose weights they are; a model has one side.
# Noise of replies differs from seed to seed of the run, which is below this.
SEEDS = 2**32
SIDES = {"start": "start", "result": "policy"}


class SessionSide:
    """A `protocols.Subject`: one side of an open session."""

    def __init__(self, session: Session, weights: str, sources: Sequence[str] = ()) -> None:
        run: Run = session.run
        self.run, self.model, self.weights = run, session.run.model, weights
        self.tasks, self.settings, self.seed = session.splits["held-out"], session.run.settings, session.job.evaluation_seed
        self.sources = tuple(map(parse_source, sources or session.job.tasks or session.recipe.tasks or DEFAULT_TASKS))
        self.steps: Sequence[Mapping[str, float]] = session.run.watcher.steps
        self.session = session
        self.known: dict[str, Any] = {}

    async def once(self, key: str, ask: Callable[[], Awaitable[T]]) -> T:
        """See `protocols.Subject`."""
        if key not in self.known:
            self.known[key] = await ask()
        found: T = self.known[key]
        return found

    @property
    def label(self) -> str:
        """Which side it is."""
        return "start" if self.weights == "start" else "result"

    async def answered(self, n: int, best: bool = False) -> Answered:
        """See `protocols.Subject`."""
        return await self.drawn(CachedSampler(run=self.session.run, seed=self.seed), n, best)

    async def replied(self, n: int) -> Answered:
        """See `protocols.Subject`."""
        return await self.drawn(MethodSampler(run=self.session.run, seed=self.seed), n)

    async def drawn(self, sampler: RunSampler, n: int, best: bool = False) -> Answered:
        """This side as a sampler draws it."""
        plain: dict[str, Any] = {} if best else {"temperatures": (), "templates": (AS_IS,)}
        development = self.session.splits["development"]
        found = await measure_side(sampler, self.label, self.weights, self.tasks, development, self.settings, n, **plain)
        sampler.settle()
        return found

    async def made(self, tasks: Sequence[Task]) -> Sequence[Group]:
        """See `protocols.Subject`."""
        return await Method(self.session.run, self.settings, self.seed, f"{self.label}/made", weights=self.weights).groups(tasks)

    async def right_replies(self, count: int) -> Floats:
        """See `protocols.Subject`; a recipe that decides nothing is asked plainly."""
        run, tasks, seed = self.session.run, self.tasks[:count], self.seed * SEEDS + self.session.job.seed
        sampler = sampler_for(run, seed, self.weights == "start", self.session.recipe.initial())
        groups = await sampler.draw(tasks, 1, self.settings, self.weights, "reply")
        grades = await sampler.grade(groups)
        sampler.settle()
        return np.array([grade[0] if len(grade) else np.nan for grade in grades], np.float32)
