"""Explore: sample each task n times."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from selftaught.decoding import Decoder
from selftaught.parts import BadInput, part
from selftaught.protocols import Pool, Run
from selftaught.stages import Explore, Plan
from selftaught.types import Group, Request, Task, content_hash


@part
@dataclass(frozen=True, kw_only=True)
class Even(Plan):
    """Draw tasks evenly from the pool's sources."""

    def drawn(self, run: Run, pool: Pool) -> list[Task]:
        return pool.draw(run.rng("plan"), self.tasks)


@part
@dataclass(frozen=True, kw_only=True)
class Same(Plan):
    """The same tasks in every step of a run, drawn evenly once: what is scored on them can be compared from step to step."""

    def drawn(self, run: Run, pool: Pool) -> list[Task]:
        return pool.draw(random.Random(content_hash(run.seed, self.name)), self.tasks)


@part
@dataclass(frozen=True, kw_only=True)
class OneSource(Plan):
    """Draw tasks from one of the pool's sources.

    Attributes:
        source: which, counted from 0.

    Raises:
        BadInput: below 0, or when tasks are drawn and there are not so many.
    """

    source: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.source < 0:
            raise BadInput(f"one-source: source={self.source} must be at least 0")

    def drawn(self, run: Run, pool: Pool) -> list[Task]:
        if self.source >= len(pool.sources):
            raise BadInput(f"source {self.source} of {', '.join(pool.sources)} is asked for, counted from 0: give more --tasks")
        return pool.draw(run.rng("plan"), self.tasks, pool.sources[self.source])


@part
@dataclass(frozen=True, kw_only=True)
class Sample(Explore):
    """Attempts at the prompt as it is, one group a task.

    Attributes:
        decoder: says what logits tokens are drawn from; None takes them as they are.
    """

    decoder: Decoder | None = None

    async def explore(self, run: Run, request: Request) -> Sequence[Group]:
        task = request.task
        attempts = await run.sample("sample", task, task.messages, n=request.n, settings=request.settings, decoder=self.decoder)
        return [Group(key=task.id, task=task, attempts_G=tuple(attempts))]
