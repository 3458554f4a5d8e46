"""The method of a recipe: how it makes and reads attempts, in a step of its run and wherever else it answers questions."""

import random
from asyncio import gather
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any

from selftaught.decoding import second_question
from selftaught.parts import BadInput
from selftaught.prompts import continued, new_tokens
from selftaught.recipe import Phase, Recipe
from selftaught.run.access import RunAccess
from selftaught.run.requests import sealed
from selftaught.stages import PerGroup, Reader
from selftaught.types import Attempt, Floats, Group, Message, Purpose, Request, SamplerSettings, Task, content_hash


async def attempted(phase: Phase, run: RunAccess, requests: Sequence[Request]) -> list[Group]:
    """Explore and read: the groups that were made of these requests, as they stand after the last reader."""
    run.stage = "explore"
    # Readers of single groups need not wait for other groups, until the first that wants to see all of them.
    early = leading(phase.read)
    made = await gather(*(followed(phase, early, run, request) for request in requests))
    groups = [group for groups in made for group in groups]
    if groups:
        run.stage = "read"
        for part in phase.read[len(early) :]:
            groups = await part.read(run, groups)
    return groups


async def followed(phase: Phase, early: Sequence[PerGroup], run: RunAccess, request: Request) -> list[Group]:
    """Make a request's groups, and have them read at once; those without attempts are left out."""
    groups = [group for group in await phase.explore.explore(run, request) if group.attempts_G]
    for part in early:
        groups = [await run.ahead("read", part.read_group(run, group)) for group in groups]
    return groups


def leading(readers: Sequence[Reader]) -> list[PerGroup]:
    """The readers of single groups before the first reader that wants all of them."""
    found: list[PerGroup] = []
    for reader in readers:
        if not isinstance(reader, PerGroup):
            break
        found.append(reader)
    return found


class Method(RunAccess):
    """A run's method beside its run: explore, read, decide; nothing is trained or written, and nothing is spent.

    Model, dispatcher, grader, ledger and format are the run's, so that everything is journaled and counted (as evaluated).
    The run's position is not moved. Noise depends on (seed, task, mark) alone. A part that would read an answer is told
    nothing: a method that knew held-out answers would be no method.

    Attributes:
        spent: {task id: {"prompted", "sampled"}}, the tokens of the requests behind each reply.
    """

    def __init__(
        self, run: RunAccess, settings: SamplerSettings, seed: int, label: str, digest: str = "", *, phase: Phase | None = None,
        purpose: Purpose = "evaluate", weights: str = "policy", state: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        """Stand beside `run`.

        Args:
            run: whose method it is.
            settings: the sampler where the method has none.
            seed: of its noise.
            label: keeps those beside one run apart.
            digest: of `weights` as they are now, where it is known already.
            phase: the one whose parts answer; the recipe's last when left out.
            purpose: what its tokens and gradings are counted under.
            weights: stand for the policy.
            state: what it remembers; what the run remembers now when left out.
        """
        vars(self).update(vars(run))
        self.weights, self.states = weights, dict(run.state if state is None else state)
        # What was said with other memories is no reply of this method.
        self.seal = sealed((digest or digest_of(run, weights)) + (content_hash(self.states) if self.states else ""))
        self.settings, self.seed, self.label, self.purpose = settings, seed, label, purpose
        self.notes, self.train_reserve, self.train_reserves = {}, 0, {}
        self.phase: Phase = replace(phase or run.recipe.phases[-1], objectives=())
        self.spent: dict[str, dict[str, int]] = {}

    @property
    def mark(self) -> str:
        """First part of every request's key."""
        at = self.settings
        return f"trial/{self.label}/{content_hash(at.temperature, at.top_p, at.max_tokens)}"

    @property
    def stage(self) -> str:
        """The stage the run is in: what a method does beside it belongs there."""
        return self.ledger.stage

    @stage.setter
    def stage(self, stage: str) -> None:
        pass

    def rng(self, *key: Any) -> random.Random:
        """Random numbers of this seed, label and key."""
        return random.Random(content_hash(self.seed, self.mark, *key))

    async def groups(self, tasks: Sequence[Task]) -> list[Group]:
        """The method's attempts at each task, read; none where it made none."""
        return await attempted(self.phase, self, [self.phase.plan.request(self, task) for task in tasks])

    async def read(self, groups: Sequence[Group]) -> list[Group]:
        """Given attempts, as the method reads them."""
        found = list(groups)
        for part in self.phase.read:
            found = await part.read(self, found)
        return found

    async def reply(self, tasks: Sequence[Task]) -> list[Attempt | None]:
        """The attempt the method decides on for each task, None where it made none."""
        groups = await self.groups(tasks)
        decided = await gather(*(self.decided(group) for group in groups))
        replies = {group.task.id: attempt for group, attempt in zip(groups, decided, strict=True)}
        return [replies.get(task.id) for task in tasks]

    async def decided(self, group: Group) -> Attempt:
        """The reply among a group's attempts: the first, where the recipe decides nothing."""
        return await self.recipe.decide.decide(self, group) if self.recipe.decide else group.attempts_G[0]

    async def sample(self, tag: str, task: Task, messages: tuple[Message, ...], **options: Any) -> list[Attempt]:
        """See `protocols.Run.sample`; counts what the task's reply costs."""
        if options.get("weights", "policy") == "policy":
            options["weights"] = self.weights
        attempts = await super().sample(tag, task, messages, **options)
        context = self.model.count(messages, options.get("after"), options.get("cut"), options.get("weights", "policy"))
        spent = self.spent.setdefault(task.id, {"prompted": 0, "sampled": 0})
        beside = second_question(options.get("decoder"), messages)
        spent["prompted"] += context - continued(options.get("after"), options.get("cut")) + (self.model.count(beside) if beside else 0)
        spent["sampled"] += sum(new_tokens(attempt, context) for attempt in attempts) * (1 + bool(beside))
        return attempts

    async def score(self, tag: str, payload: Any, *, weights: str = "policy", **options: Any) -> dict[str, Floats]:
        """See `protocols.Run.score`."""
        return await super().score(tag, payload, weights=self.weights if weights == "policy" else weights, **options)

    def scratch(self, source: str = "policy") -> AbstractAsyncContextManager[str]:
        """See `protocols.Run.scratch`."""
        return super().scratch(self.weights if source == "policy" else source)

    async def check(self, task: Task, texts: Sequence[str], purpose: Purpose = "train", gold: bool = False) -> list[float]:
        """Grade by a checker that decides from the prompt; NaN from any other."""
        return await super().check(task, texts, self.purpose, False)

    def reveal(self, task: Task, purpose: Purpose = "train") -> str | None:
        """No answer is shown beside a run."""
        return None

    def write(self, name: str, value: Any) -> None:
        """Nothing is written beside a run."""
        raise BadInput(f"state '{name}' is written outside the run's updates: write it in an update")


def digest_of(run: RunAccess, weights: str) -> str:
    """Content hash of named weights, and of those of a shape of their own that the run's recipe keeps beside them."""
    own, kept = run.model.digest(weights), [run.model.digest(name) for name in run.recipe.weights]
    return content_hash(own, kept) if kept else own


def own_temperature(recipe: Recipe) -> bool:
    """Whether the method samples at a temperature of its own, whatever the stated sampler."""
    phase = recipe.phases[-1]
    return phase.plan.temperature is not None or hasattr(phase.explore, "temperatures")
