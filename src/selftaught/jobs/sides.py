"""What a measure is given: one side of an open session."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from selftaught.jobs.job import DEFAULT_TASKS
from selftaught.jobs.session import Session
from selftaught.protocols import Answered, Run
from selftaught.prove.cache import CachedSampler
from selftaught.prove.side import AS_IS, measure_side
from selftaught.tasks.source import parse_source

T = TypeVar("T")
# The sides of a run, and whose weights they are; a model has one side.
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

    async def answered(self, n: int, best: bool = False) -> Answered:
        """See `protocols.Subject`."""
        label, sampler = "start" if self.weights == "start" else "result", CachedSampler(run=self.session.run, seed=self.seed)
        plain: dict[str, Any] = {} if best else {"temperatures": (), "templates": (AS_IS,)}
        development = self.session.splits["development"]
        found = await measure_side(sampler, label, self.weights, self.tasks, development, self.settings, n, **plain)
        sampler.settle()
        return found
