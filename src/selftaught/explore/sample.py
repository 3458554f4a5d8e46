"""Explore: sample each task n times."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from selftaught.decoding import Decoder
from selftaught.parts import part
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
