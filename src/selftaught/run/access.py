"""RunAccess: the part of a run that parts speak through."""

import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any

from selftaught.parts import BadInput
from selftaught.protocols import Member
from selftaught.run.requests import Requests
from selftaught.run.stopwatch import Ahead, T
from selftaught.stages import Objective
from selftaught.types import Example, content_hash

# Weights that are adapted for a while and dropped.
SCRATCH = "scratch"
# Stages that write state: both come after learning.
WRITERS = ("update", "keep")


class RunAccess(Requests):
    """Implements the `Run` protocol of `protocols`."""

    def rng(self, *key: Any) -> random.Random:
        """Random numbers of this seed, step and key."""
        return random.Random(content_hash(self.seed, self.position, *key))

    @property
    def state(self) -> Mapping[str, Any]:
        """What the recipe remembers, by name."""
        return MappingProxyType(self.states)

    def write(self, name: str, value: Any) -> None:
        """See `protocols.Run.write`."""
        if self.stage not in WRITERS or name not in self.states:
            raise BadInput(f"state '{name}' is written in stage {self.stage}: declare it in state=, and write it in an update")
        self.states[name] = value

    async def average(self, source: str, into: str, decay: float) -> None:
        """See `protocols.Run.average`."""
        await self.model.average(source, into, decay)
        self.dispatcher.forget()

    async def learn(self, examples: Sequence[Example], objectives: Sequence[Objective]) -> dict[str, float] | None:
        """See `protocols.Run.learn`."""
        items = sum(len(payload) for example in examples for payload in example.payloads)
        trained_by: Counter[Member] = Counter()
        for optimizer, member in {(objective.optimizer, self.model.member(objective.updates[0])) for objective in objectives}:
            trained_by[member] += items * getattr(optimizer, "epochs", 1)
        trained = trained_by.total() if self.counted else 0
        if not self.ledger.admit(0, trained):
            return None
        self.ledger.release(0, trained)
        metrics = await self.model.learn(examples, objectives)
        # What was sampled before was computed by other weights, and is remembered no longer.
        self.dispatcher.forget()
        for member, count in sorted(trained_by.items()):
            self.ledger.tokens("trained", count, purpose=self.purpose, parameters=member.parameters)
        for example in examples if self.counted else ():
            self.ledger.add("source", example.source)
        return metrics

    @asynccontextmanager
    async def scratch(self, source: str = "policy") -> AsyncIterator[str]:
        """See `protocols.Run.scratch`."""
        async with self.scratching:
            await self.average(source, SCRATCH, 0.0)
            try:
                yield SCRATCH
            finally:
                self.model.drop(SCRATCH)
                self.dispatcher.forget()

    def ahead(self, stage: str, work: Coroutine[Any, Any, T]) -> Awaitable[T]:
        """Await work of a later stage than the one under way; it is counted there."""
        return Ahead(self.ledger.watch, stage, work)

    def note(self, name: str, value: float) -> None:
        """Record a number of this step."""
        self.notes[name] = float(value)
