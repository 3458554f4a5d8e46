"""RunAccess: the part of a run that parts speak through."""

import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import MappingProxyType
from typing import Any

from selftaught.interaction import Ended
from selftaught.parts import BadInput
from selftaught.protocols import Member
from selftaught.recipe import Recipe
from selftaught.run.requests import Requests
from selftaught.run.stopwatch import Ahead, T
from selftaught.run.wishes import Wish
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

    def scratch(self, source: str = "policy") -> AbstractAsyncContextManager[str]:
        """See `protocols.Run.scratch`."""
        return self.adapted(source)

    @asynccontextmanager
    async def adapted(self, source: str) -> AsyncIterator[str]:
        """Scratch weights while they last."""
        async with self.scratching.lock():
            await self.average(source, SCRATCH, 0.0)
            try:
                yield SCRATCH
            finally:
                self.model.drop(SCRATCH)
                self.dispatcher.forget()

    async def child(
        self, tag: str, recipe: Recipe, *, budget: int, weights: str = "policy", tasks: tuple[str, ...] = ()
    ) -> Ended | None:  # fmt: skip
        """See `protocols.Run.child`; raises BadInput for one that reads answers where this run has not said so."""
        if "child" not in self.dispatcher.performers:
            raise BadInput(f"no run can be opened inside this one for {recipe.name}: take a recipe without child runs")
        if recipe.reads_gold and not (self.grader.declared and self.counted):
            raise BadInput(f"{recipe.name} reads answers, and {self.recipe.name} does not say so: take one that reads none")
        # Whatever it spends may be training, which costs most.
        most = self.ledger.budget.calls
        if self.counted and ((most is not None and self.ledger.calls >= most) or not self.ledger.admit(0, budget)):
            return None
        key = f"{self.mark}/child/{recipe.digest()}/{tag}{self.seal}"
        wish = Wish(key=key, recipe=recipe, budget=budget, weights=weights, tasks=tuple(tasks))
        reply = await self.dispatcher.ask("child", key, wish)
        self.ledger.release(0, budget if self.counted else 0)
        self.ledger.take(reply["ledger"], "" if self.counted else self.purpose)
        tokens = sum(n for table, kind, *_, n in reply["ledger"] if table == "tokens" and kind != "evaluated")
        return Ended(steps=reply["steps"], state=reply["state"], numbers=reply["numbers"], tokens=tokens)

    def ahead(self, stage: str, work: Coroutine[Any, Any, T]) -> Awaitable[T]:
        """Await work of a later stage than the one under way; it is counted there."""
        return Ahead(self.ledger.watch, stage, work)

    def note(self, name: str, value: float) -> None:
        """Record a number of this step."""
        self.notes[name] = float(value)
