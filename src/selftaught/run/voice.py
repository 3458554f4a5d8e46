"""Voice: the part of a run that parts speak through. Everything that leaves the process is journaled and counted here."""

import random
from asyncio import gather
from collections.abc import Mapping, Sequence
from typing import Any

from selftaught.format import Format
from selftaught.models.base import Model
from selftaught.parts import build, find
from selftaught.recipe import Phase, Recipe
from selftaught.run.folder import RunFolder
from selftaught.run.grader import Grader
from selftaught.run.ledger import Ledger
from selftaught.run.seam import Seam
from selftaught.types import Attempt, Floats, Group, Message, Purpose, SampleRequest, SamplerSettings, ScoreRequest, Task, content_hash


class Voice:
    """Implements the `Run` protocol of `models.base`.

    Attributes:
        position: steps of the schedule that are done.
        generation: version of the policy, as the model counts it.
        train_reserve: tokens set aside for training on what this step has sampled.
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
    ) -> None:
        self.recipe, self.model, self.pool, self.folder = recipe, model, pool, folder
        self.settings, self.format, self.seed = settings, format, seed
        self.ledger = Ledger(budget)
        self.grader = Grader(format, self.ledger)
        self.seam = Seam(folder.journal, {"sample": model.sample, "score": model.score, "check": self.grader.perform})
        self.state = {name: part.initial() for name, part in recipe.state.items()}
        self.position = self.generation = self.train_reserve = 0
        self.notes: dict[str, float] = {}
        self.phase: Phase | None = None

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


def new_tokens(attempt: Attempt, prompted: int) -> int:
    """Tokens sampled by the request itself: an attempt that continues another holds older ones too."""
    payload = attempt.payload
    return int(payload.sampled[prompted:].sum()) if hasattr(payload, "sampled") else 0
