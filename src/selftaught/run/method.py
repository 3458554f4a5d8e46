"""Method: a recipe's method answers held-out questions, beside its run: explore, read, decide; nothing is trained or spent."""

import copy
import random
from asyncio import gather
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from selftaught.decoding import second_question
from selftaught.prompts import new_tokens
from selftaught.recipe import Recipe
from selftaught.run.access import RunAccess, sealed
from selftaught.types import Attempt, Message, Purpose, SamplerSettings, Task, content_hash


class OneTask:
    """A pool that holds one task."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.sources: tuple[str, ...] = (task.source,)

    def draw(self, rng: Any, count: int, source: str = "") -> list[Task]:
        """The task."""
        return [self.task]

    def add(self, tasks: Sequence[Task]) -> int:
        """Nothing is added."""
        return 0


class Method(RunAccess):
    """One reply of a run's method to each task, as the gate asks for it.

    Model, dispatcher, grader, ledger and format are the run's, so that everything is journaled and counted (as evaluated).
    State is a copy, and the run's position is not moved. Noise depends on (seed, task, mark) alone. A part that would
    read an answer is told nothing: a method that knew held-out answers would be no method.

    Attributes:
        spent: {task id: {"prompted", "sampled"}}, the tokens of the requests behind each reply.
    """

    def __init__(self, run: RunAccess, settings: SamplerSettings, seed: int, label: str, digest: str = "") -> None:
        """Stand beside `run`; `settings` is the sampler where the method has none, `label` keeps trials apart.

        `digest` is the policy's as it is now, where it is known already.
        """
        vars(self).update(vars(run))
        self.seal = sealed(digest or run.model.digest("policy"))
        self.settings, self.seed, self.label = settings, seed, label
        self.state, self.notes, self.train_reserve = copy.deepcopy(run.state), {}, 0
        self.purpose: Purpose = "evaluate"
        self.phase = replace(run.recipe.phases[-1], objectives=())
        self.spent: dict[str, dict[str, int]] = {}

    @property
    def mark(self) -> str:
        """First part of every request's key."""
        at = self.settings
        return f"trial/{self.label}/{content_hash(at.temperature, at.top_p, at.max_tokens)}"

    def rng(self, *key: Any) -> random.Random:
        """Random numbers of this seed, trial and key."""
        return random.Random(content_hash(self.seed, self.mark, *key))

    async def reply(self, tasks: Sequence[Task]) -> list[Attempt | None]:
        """The attempt the method decides on for each task, None where it made none."""
        assert self.phase is not None and self.recipe.decide is not None
        requests = [self.phase.explore.plan(self, OneTask(task))[:1] for task in tasks]
        groups = await gather(*(self.phase.explore.explore(self, request) for planned in requests for request in planned))
        read = [group for group in groups if group.attempts_G]
        for part in self.phase.read:
            read = await part.read(self, read)
        decided = await gather(*(self.recipe.decide.decide(self, group) for group in read))
        replies = {group.task.id: attempt for group, attempt in zip(read, decided, strict=True)}
        return [replies.get(task.id) for task in tasks]

    async def sample(self, tag: str, task: Task, messages: tuple[Message, ...], **options: Any) -> list[Attempt]:
        """See `protocols.Run.sample`; counts what the task's reply costs."""
        attempts = await super().sample(tag, task, messages, **options)
        prompted = self.model.count(messages, options.get("after"), options.get("cut"), options.get("weights", "policy"))
        said, beside = sum(new_tokens(attempt, prompted) for attempt in attempts), second_question(options.get("decoder"), messages)
        self._spend(task.id, prompted + (self.model.count(beside) if beside else 0), said * (1 + bool(beside)))
        return attempts

    async def check(self, task: Task, texts: Sequence[str], purpose: Purpose = "train", gold: bool = False) -> list[float]:
        """Grade by a checker that decides from the prompt; NaN from any other."""
        return await super().check(task, texts, self.purpose, False)

    def _spend(self, task: str, prompted: int, sampled: int) -> None:
        spent = self.spent.setdefault(task, {"prompted": 0, "sampled": 0})
        spent["prompted"] += prompted
        spent["sampled"] += sampled


def own_temperature(recipe: Recipe) -> bool:
    """Whether the method samples at a temperature of its own, whatever the stated sampler."""
    explore = recipe.phases[-1].explore
    return getattr(explore, "temperature", None) is not None or hasattr(explore, "temperatures")
