"""Explore: sample n attempts of each drawn task."""

import math
from dataclasses import dataclass, replace

from selftaught.decoding import Decoder
from selftaught.parts import BadInput, part
from selftaught.protocols import Pool, Run
from selftaught.stages import Explore
from selftaught.types import Group, Request, Task


@part
@dataclass(frozen=True, kw_only=True)
class Sample(Explore):
    """Draw tasks evenly from the pool's sources and sample each one n times.

    Attributes:
        tasks: tasks a step.
        n: attempts a task (G).
        temperature: sampling temperature; None takes the run's stated sampler.
        decoder: says what logits tokens are drawn from; None takes them as they are.
    """

    tasks: int = 16
    n: int = 8
    temperature: float | None = None
    decoder: Decoder | None = None

    def __post_init__(self) -> None:
        if self.tasks < 1 or self.n < 1:
            raise BadInput(f"explore: tasks={self.tasks} and n={self.n} must be at least 1")
        if self.temperature is not None and not 0 <= self.temperature < math.inf:
            raise BadInput(f"explore: temperature={self.temperature} must be at least 0, or none for the run's sampler")

    def plan(self, run: Run, pool: Pool) -> list[Request]:
        return [self.request(run, task) for task in pool.draw(run.rng("plan"), self.tasks)]

    def request(self, run: Run, task: Task) -> Request:
        """The plan's line for one task."""
        settings = run.settings if self.temperature is None else replace(run.settings, temperature=self.temperature)
        return Request(task=task, n=self.n, settings=settings)

    async def explore(self, run: Run, request: Request) -> Group:
        attempts = await run.sample(
            "sample", request.task, request.task.messages, n=request.n, settings=request.settings, decoder=self.decoder
        )
        return Group(key=request.task.id, task=request.task, attempts_G=tuple(attempts))
