"""LiveRun: what parts speak through. Counts, journals, checks, saves; decides nothing."""

import math
import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from selftaught.format import Format
from selftaught.models.base import Model
from selftaught.parts import build, find
from selftaught.recipe import Phase, Recipe
from selftaught.run.folder import RunFolder
from selftaught.run.grader import Grader
from selftaught.run.ledger import Ledger
from selftaught.run.seam import Seam
from selftaught.stages import Average, Objective
from selftaught.types import (
    Attempt,
    Example,
    Floats,
    Group,
    Message,
    Purpose,
    SampleRequest,
    SamplerSettings,
    ScoreRequest,
    Task,
    content_hash,
)


class LiveRun:
    """One run of one recipe; implements the `Run` protocol of `models.base` and the hooks of the loop.

    Attributes:
        position: steps of the schedule that are done.
        generation: version of the policy, as the model counts it.
        best_measure: label-free measure of the best generation kept so far.
        watch: called with each finished step's numbers (progress, monitors).
    """

    def __init__(
        self,
        *,
        recipe: Recipe,
        model: Model,
        pool: Any,
        folder: RunFolder,
        settings: SamplerSettings,
        format: Format,
        seed: int = 0,
        budget: int | None = None,
        watch: Callable[[Mapping[str, float]], None] | None = None,
    ) -> None:
        self.recipe, self.model, self.pool, self.folder = recipe, model, pool, folder
        self.settings, self.format, self.seed, self.watch = settings, format, seed, watch
        self.ledger = Ledger(budget)
        self.grader = Grader(format, self.ledger)
        self.seam = Seam(folder.journal, {"sample": model.sample, "score": model.score, "check": self.grader.perform})
        self.state = {name: part.initial() for name, part in recipe.state.items()}
        self.position = self.generation = 0
        self.best_measure = -math.inf
        self.notes: dict[str, float] = {}
        self.alarms: list[dict[str, Any]] = []
        self.phase: Phase | None = None
        self.train_reserve = 0
        self.clock = time.monotonic()

    @property
    def step(self) -> int:
        """Index of the step that is under way."""
        return self.position

    def rng(self, *key: Any) -> random.Random:
        """Random numbers of this seed, step and key."""
        return random.Random(content_hash(self.seed, self.position, *key))

    def note(self, name: str, value: float) -> None:
        """Record a number of this step."""
        self.notes[name] = float(value)

    def answer(self, text: str) -> str | None:
        """The canonical answer in a text."""
        return self.format.canonical(text)

    def environment(self, name: str, options: Mapping[str, Any]) -> Any:
        """A game or world by name."""
        return build(find("environment", name), options)

    async def sample(
        self,
        tag: str,
        task: Task,
        messages: tuple[Message, ...],
        *,
        n: int = 1,
        settings: SamplerSettings | None = None,
        role: str = "solver",
        view: int = 0,
        weights: str = "policy",
        after: Attempt | None = None,
        cut: int | None = None,
    ) -> list[Attempt]:
        """See `models.base.Run.sample`."""
        settings = settings or self.settings
        key = f"{self.position:05d}/{role}/{task.id}/{tag}"
        request = SampleRequest(
            key=key, task=task, messages=messages, n=n, settings=settings, role=role, view=view, weights=weights,
            after=after, cut=cut, noise=f"{self.seed}/{key}",
        )  # fmt: skip
        prompted = self.model.count(messages, after, cut)
        worst, train = prompted + n * settings.max_tokens, n * (prompted + settings.max_tokens) * self._epochs()
        if not self.ledger.admit(worst + train):
            return []
        self.train_reserve += train
        attempts: list[Attempt] = await self.seam.ask("sample", key, request)
        self.ledger.release(worst)
        self.ledger.tokens("prompted", prompted, role)
        self.ledger.tokens("sampled", sum(new_tokens(a, prompted) for a in attempts), role)
        return attempts

    async def score(
        self, tag: str, payload: Any, *, outputs: tuple[str, ...] = ("logprobs",), weights: str = "policy", role: str = "solver"
    ) -> dict[str, Floats]:
        """See `models.base.Run.score`."""
        key = f"{self.position:05d}/{role}/{weights}/{tag}"
        if not self.ledger.admit(len(payload)):
            return {}
        request = ScoreRequest(key=key, payload=payload, outputs=outputs, weights=weights, role=role)
        reply: dict[str, Floats] = await self.seam.ask("score", key, request)
        self.ledger.release(len(payload))
        self.ledger.tokens("scored", len(payload), role)
        return reply

    async def check(self, task: Task, texts: Sequence[str], purpose: Purpose = "train", gold: bool = False) -> list[float]:
        """See `models.base.Run.check`."""
        return await self.grader.check(self.seam, task, texts, purpose, gold)

    async def draw(self, tasks: Sequence[Task], n: int, settings: SamplerSettings, weights: str, label: str, seed: int) -> list[Group]:
        """Evaluation attempts outside the budget; noise depends on (seed, task, index) alone, so two sides pair up."""
        from asyncio import gather

        async def one(task: Task) -> Group:
            mark = content_hash(n, settings.temperature, settings.top_p, settings.max_tokens)
            key = f"evaluate/{label}/{seed}/{task.id}/{mark}"
            request = SampleRequest(
                key=key, task=task, messages=task.messages, n=n, settings=settings, weights=weights, noise=f"evaluate/{seed}/{task.id}"
            )
            attempts = await self.seam.ask("sample", key, request)
            prompted = self.model.count(task.messages)
            self.ledger.tokens("evaluated", prompted + sum(new_tokens(a, prompted) for a in attempts), purpose="evaluate")
            return Group(key=task.id, task=task, attempts_G=tuple(attempts))

        return list(await gather(*(one(task) for task in tasks)))

    def _epochs(self) -> int:
        """How often the phase's optimizers go over an attempt."""
        optimizers = {objective.optimizer for objective in self.phase.objectives} if self.phase else set()
        return sum(getattr(optimizer, "epochs", 1) for optimizer in optimizers)

    async def learn(self, examples: Sequence[Example], objectives: Sequence[Objective]) -> None:
        """Hand examples to the model's learner and count them; skipped when they no longer fit the budget."""
        due = [objective for objective in objectives if self.position % objective.every == 0]
        items = sum(len(payload) for example in examples for payload in example.payloads)
        trained = items * sum(getattr(optimizer, "epochs", 1) for optimizer in {objective.optimizer for objective in due})
        self.settle_reserve()
        if not due or not self.ledger.admit(trained):
            return
        self.ledger.release(trained)
        metrics = await self.model.learn(examples, due)
        self.ledger.tokens("trained", trained)
        for example in examples:
            self.ledger.add("source", example.source)
        self.notes |= metrics

    async def average(self, update: Average) -> None:
        """Fold one set of weights into another."""
        await self.model.average(update.source, update.into, update.decay)  # type: ignore[attr-defined]

    async def publish(self) -> None:
        """Let samplers see the policy."""
        self.generation = await self.model.publish()

    def record(self, groups: Sequence[Group]) -> None:
        """Log the step's attempts and scores."""
        rewards = [float(v) for group in groups for v in group.values() if not np.isnan(v)]
        self.note("groups", len(groups))
        self.note("attempts", sum(len(group.attempts_G) for group in groups))
        self.note("reward", float(np.mean(rewards)) if rewards else math.nan)
        self.note("sampled_length", float(np.mean([a.sampled_count for g in groups for a in g.attempts_G if hasattr(a.payload, "sampled")] or [0])))
        self.folder.write_groups(self.position, groups)

    def begin_step(self, phase: Phase, of: int) -> None:
        """Open a step."""
        self.phase, self.notes, self.clock = phase, {"of": of}, time.monotonic()

    def settle_reserve(self) -> None:
        """Give back what was set aside for training on attempts that were not trained on."""
        self.ledger.release(self.train_reserve)
        self.train_reserve = 0

    def end_step(self) -> None:
        """Close a step: give back what was reserved, log its numbers."""
        self.settle_reserve()
        numbers = {"step": self.position, "generation": self.generation, "spent": self.ledger.spent} | self.notes
        self.folder.write_step(numbers | {"seconds": round(time.monotonic() - self.clock, 3)})
        if self.watch:
            self.watch(numbers)

    def promote(self, measure: float) -> None:
        """The policy as it is becomes the best generation."""
        if measure > self.best_measure:
            self.best_measure = measure
        self.folder.mark_best = True

    async def return_to(self, which: str) -> None:
        """Go back to a saved generation: "start" or "best". Budget, position and pool stay."""
        saved = await self.folder.load(which, self.model)
        self.state, self.generation = saved["state"], saved["generation"]
        self.note("rolled_back", 1.0)

    async def hand_back(self) -> None:
        """The best generation kept so far becomes the policy."""
        if self.folder.has("best") and self.folder.pointers["best"] != self.folder.pointers["latest"]:
            await self.folder.load("best", self.model)

    async def save(self) -> None:
        """Write a generation: all weights, all part states, and where the run stands."""
        self.settle_reserve()
        await self.folder.save(self.model, self.snapshot())

    def snapshot(self) -> dict[str, Any]:
        """Everything but the weights, JSON-ready."""
        return {
            "position": self.position, "generation": self.generation, "best_measure": self.best_measure,
            "state": self.state, "pool": self.pool.snapshot(), "ledger": self.ledger.snapshot(),
        }  # fmt: skip

    async def resume(self) -> bool:
        """Load the last saved generation; False when there is none yet."""
        if not self.folder.has("latest"):
            return False
        saved = await self.folder.load("latest", self.model)
        self.position, self.generation, self.best_measure = saved["position"], saved["generation"], saved["best_measure"]
        self.state = saved["state"]
        self.pool.restore(saved["pool"])
        self.ledger.restore(saved["ledger"])
        self.folder.forget_after(self.position)
        return True


def new_tokens(attempt: Attempt, prompted: int) -> int:
    """Tokens sampled by the request itself: an attempt that continues another holds older ones too."""
    payload = attempt.payload
    return int(payload.sampled[prompted:].sum()) if hasattr(payload, "sampled") else 0
