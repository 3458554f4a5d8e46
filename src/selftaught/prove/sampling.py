"""How the gate draws and grades attempts through a run, outside its budget: of plain weights, or of a whole method."""

from asyncio import gather
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from selftaught.prompts import PLAIN
from selftaught.run.method import Method, digest_of, own_temperature
from selftaught.run.training import TrainingRun
from selftaught.types import Attempt, Floats, Group, SamplerSettings, Score, Task


@dataclass(frozen=True, kw_only=True)
class RunSampler:
    """Implements `prove.record.GateSampler`: what weights say when they are asked once.

    Weights are hashed once a sampler: make one for each measurement, and `settle` it at the end.

    Attributes:
        run: whose model, journal and ledger are used.
        seed: evaluation seed; attempt i of a task has the same noise on every side.
        digests: hashes of the weights asked so far, by name.
    """

    run: TrainingRun
    seed: int = 0
    digests: dict[str, str] = field(default_factory=dict)

    def digest(self, weights: str) -> str:
        """Content hash of named weights, as they were when this sampler first asked them."""
        if weights not in self.digests:
            self.digests[weights] = digest_of(self.run, weights)
        return self.digests[weights]

    def settle(self) -> None:
        """Raises RuntimeError when weights have changed since they were hashed: then nobody knows whose attempts were drawn."""
        for weights, known in self.digests.items():
            if digest_of(self.run, weights) != known:
                raise RuntimeError(f"weights '{weights}' changed while they were measured: nothing may learn or load meanwhile")

    async def draw(
        self, tasks: Sequence[Task], n: int, settings: SamplerSettings, weights: str, label: str, template: str = PLAIN
    ) -> list[Group]:
        """One group a task."""
        return await self.run.draw(tasks, n, settings, weights, label, self.seed, template=template, digest=self.digest(weights))

    async def grade(self, groups: Sequence[Group]) -> list[Floats]:
        """A grade per attempt; answers are read under "evaluate"."""
        texts = [[attempt.text for attempt in group.attempts_G] for group in groups]
        grades = await gather(*(self.run.check(g.task, t, "evaluate", gold=True) for g, t in zip(groups, texts, strict=True)))
        return [np.array(grade, np.float32) for grade in grades]

    def answer(self, text: str, task: Task) -> str | None:
        """The canonical answer in a reply to a task."""
        return self.run.answer(text, task)


@dataclass(frozen=True, kw_only=True)
class MethodSampler(RunSampler):
    """What a recipe's method replies: explore, read, decide. An attempt of a group is one whole run of the method.

    The stated temperature is used where the method has none of its own, and only then is there one to choose.

    Attributes:
        state: what the method remembers; what the run remembers now when None.
    """

    state: Mapping[str, Any] | None = None

    @property
    def templates(self) -> tuple[str, ...]:
        """A method words its own prompts."""
        return (PLAIN,)

    @property
    def temperatures(self) -> tuple[float, ...]:
        """Nothing to choose from for a method with a temperature of its own, else 1, 0.7, 0.3 and greedy."""
        return () if own_temperature(self.run.recipe) else (1.0, 0.7, 0.3, 0.0)

    async def draw(
        self, tasks: Sequence[Task], n: int, settings: SamplerSettings, weights: str, label: str, template: str = PLAIN
    ) -> list[Group]:
        """One group a task, of n replies; scores "prompted" and "sampled" hold all the tokens a reply took."""
        digest = self.digest(weights)
        methods = [Method(self.run, settings, self.seed, f"{label}/{i}", digest, weights=weights, state=self.state) for i in range(n)]
        replies = await gather(*(method.reply(tasks) for method in methods))
        groups = []
        for task, replies_n in zip(tasks, zip(*replies, strict=True), strict=True):
            made = [(method, attempt) for method, attempt in zip(methods, replies_n, strict=True) if attempt is not None]
            scores = [score for method, attempt in made for score in costs(method, attempt)]
            groups.append(Group(key=task.id, task=task, attempts_G=tuple(attempt for _, attempt in made), scores=tuple(scores)))
        return groups


def costs(method: Method, attempt: Attempt) -> list[Score]:
    """The tokens of all requests behind a reply, as scores of it."""
    spent = method.spent[attempt.task]
    return [Score(attempt=attempt.id, name=name, value=count, source="self", judge="method") for name, count in spent.items()]
