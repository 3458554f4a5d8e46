"""Requests: whatever leaves the process is keyed, admitted by the budget, journaled and counted here."""

from asyncio import gather
from collections.abc import Mapping, Sequence
from typing import Any, cast

from selftaught.coroutines import OneAtATime
from selftaught.decoding import second_question
from selftaught.format import Format
from selftaught.interaction import Reply
from selftaught.parts import build, find
from selftaught.prompts import PLAIN, continued, new_tokens, wrapped
from selftaught.protocols import Model, TextModel
from selftaught.recipe import Phase, Recipe
from selftaught.run.budget import Budget
from selftaught.run.calls import called
from selftaught.run.dispatch import Dispatcher, Perform
from selftaught.run.faults import Kind
from selftaught.run.folder import RunFolder
from selftaught.run.grader import Grader
from selftaught.run.ledger import Ledger
from selftaught.run.views import Make, drawn
from selftaught.types import (
    Attempt,
    Floats,
    Group,
    Message,
    Purpose,
    SampleRequest,
    SamplerSettings,
    ScoreRequest,
    Task,
    Tokens,
    content_hash,
)

# Roles whose attempts are judgments.
JUDGES = ("judge", "critic")


def sealed(digest: str) -> str:
    """The end of a journal key that says whose reply it is. A space sorts before whatever keys are made of, so waves keep their order."""
    return f" {digest}"


class Requests:
    """What a run asks of its model, checkers and tools: keyed, admitted, journaled and counted.

    Attributes:
        position: steps of the schedule that are done.
        generation: version of the policy, as the model counts it.
        train_reserve: tokens set aside for training on what this step has sampled; `train_reserves` says how many for an attempt.
        purpose: what requests are for; under "evaluate" and "audit" nothing is admitted, reserved or spent.
        seal: ends the keys under which replies are journaled; no part of the noise.
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
        budget: int | str | Budget | None = None,
    ) -> None:
        self.recipe, self.model, self.pool, self.folder = recipe, model, pool, folder
        self.settings, self.format, self.seed = settings, format, seed
        self.ledger = Ledger(budget, model.parameters)
        self.grader = Grader(format, self.ledger, declared=recipe.reads_gold)
        performers: dict[str, Perform] = {"sample": model.sample, "score": model.score, "check": self.grader.perform, "call": called}
        self.dispatcher = Dispatcher(folder.journal, performers, model, self.ledger.watch)
        self.states: dict[str, Any] = recipe.initial()
        self.position = self.generation = self.train_reserve = 0
        self.train_reserves: dict[str, int] = {}
        self.scratching = OneAtATime()
        self.purpose: Purpose = "train"
        self.notes: dict[str, float] = {}
        self.phase: Phase | None = None
        self.seal = ""

    @property
    def stage(self) -> str:
        """The stage under way, which the ledger puts rows and seconds down to; the loop sets it."""
        return self.ledger.stage

    @stage.setter
    def stage(self, stage: str) -> None:
        self.ledger.stage = stage

    @property
    def mark(self) -> str:
        """First part of every request's key; a subclass that asks beside the schedule gives its own."""
        return f"{self.position:05d}"

    @property
    def counted(self) -> bool:
        """Whether what is asked belongs to the budget; otherwise its tokens count as evaluated."""
        return self.purpose not in ("evaluate", "audit")

    @property
    def epochs(self) -> int:
        """How often the phase learns from an attempt."""
        return self.phase.epochs if self.phase else 0

    @property
    def step(self) -> int:
        """Index of the step that is under way."""
        return self.position

    def tokens(self, messages: tuple[Message, ...], reply: str = "") -> Tokens:
        """See `protocols.Run.tokens`."""
        return cast(TextModel, self.model).tokens(messages, reply)

    def fault(self, kind: Kind, failed: int, tried: int) -> None:
        """See `protocols.Run.fault`."""
        self.grader.faults.count(kind, failed, tried, self.purpose)

    def answer(self, text: str, task: Task) -> str | None:
        """The canonical answer in a reply to a task."""
        return self.format.suited(task.reads).canonical(text, task.numeric)

    def written(self, answer: str, task: Task) -> str:
        """See `protocols.Run.written`."""
        return self.format.suited(task.reads).written(answer, task.numeric)

    def asked_by(self, format: Format) -> None:
        """Render prompts and read answers by another format from now on."""
        self.format = self.grader.format = format
        cast(TextModel, self.model).asked_by(format)

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """The text of each token."""
        return self.model.pieces(ids)

    def world(self, name: str, options: Mapping[str, Any]) -> Any:
        """A world by name."""
        return build(find("world", name), options)

    async def call(self, tag: str, task: Task, tool: Any, argument: str, *, role: str = "solver") -> Reply:
        """See `protocols.Run.call`."""
        self.ledger.add("calls", "tool", 1, role, self.purpose)
        with self.ledger.watch.outside(self.purpose):
            key = f"{self.mark}/{role}/{task.id}/{tool.name}/{tag}{self.seal}"
            text, ok, value = await self.dispatcher.ask("call", key, (tool, argument, task))
        self.fault("calls", int(not ok), 1)
        return Reply(text=text, ok=ok, value=value)

    def reveal(self, task: Task, purpose: Purpose = "train") -> str | None:
        """See `protocols.Run.reveal`."""
        return self.grader.reveal(task, purpose if self.counted else self.purpose)

    async def sample(
        self, tag: str, task: Task, messages: tuple[Message, ...], *, n: int = 1, settings: SamplerSettings | None = None,
        role: str = "solver", view: int = 0, weights: str = "policy", after: Attempt | None = None, cut: int | None = None,
        decoder: Any = None,
    ) -> list[Attempt]:  # fmt: skip
        """See `protocols.Run.sample`."""
        settings = settings or self.settings
        key = f"{self.mark}/{role}/{task.id}/{tag}"
        request = SampleRequest(
            key=key, task=task, messages=messages, n=n, settings=settings, role=role, view=view, weights=weights,
            after=after, cut=cut, noise=f"{self.seed}/{key}", remember=bool(self.phase and self.phase.continues), decoder=decoder,
        )  # fmt: skip
        context, size = self.model.count(messages, after, cut, weights), self.model.member(weights).parameters
        prompted = context - continued(after, cut)
        # what a decoder compares with is read too: the second context, and the reply behind it
        second = self.model.count(beside, weights=weights) if (beside := second_question(decoder, messages)) else 0
        worst = prompted + second + n * settings.max_tokens * (1 + bool(second))
        each = (context + settings.max_tokens) * self.epochs
        # An attempt that goes on is trained on once, as what it becomes.
        train = n * each - (self.train_reserves.get(after.id, 0) if after and n == 1 and after.role == role else 0)
        if self.counted and not self.ledger.admit(worst, train, size):
            return []
        self.train_reserve += train if self.counted else 0
        with self.ledger.watch.outside(self.purpose):
            attempts: list[Attempt] = await self.dispatcher.ask("sample", key + self.seal, request, checked=self.grader.checks_apart(task))
        self.train_reserves |= {attempt.id: each for attempt in attempts}
        self.ledger.release(worst if self.counted else 0, parameters=size)
        self.fault("attempts", sum(a.stop == "error" for a in attempts), len(attempts))
        if role in JUDGES:
            self.ledger.add("calls", "judge", len(attempts), role, self.purpose)
        said = sum(new_tokens(a, context) for a in attempts)
        self.ledger.tokens("prompted", prompted + second, role, self.purpose, size)
        self.ledger.tokens("sampled", said, role, self.purpose, size)
        if second:
            self.ledger.tokens("scored", said, role, self.purpose, size)
        return attempts

    def view(self, tag: str, task: Task, make: Make, *, n: int = 1, role: str = "solver") -> list[Attempt]:
        """See `protocols.Run.view`."""
        return drawn(self, tag, task, make, n, role)

    async def score(
        self, tag: str, payload: Any, *, outputs: tuple[str, ...] = ("logprobs",), weights: str = "policy", role: str = "solver",
        attempt: str = "", start: int = 0,
    ) -> dict[str, Floats]:  # fmt: skip
        """See `protocols.Run.score`."""
        key, worst = f"{self.mark}/{role}/{weights}/{tag}", len(payload) if self.counted else 0
        size = self.model.member(weights).parameters
        if worst and not self.ledger.admit(worst, parameters=size):
            return {}
        request = ScoreRequest(key=key, payload=payload, outputs=outputs, weights=weights, role=role, attempt=attempt, start=start)
        with self.ledger.watch.outside(self.purpose):
            reply: dict[str, Floats] = await self.dispatcher.ask("score", key + self.seal, request)
        self.ledger.release(worst, parameters=size)
        self.ledger.tokens("scored", len(payload), role, self.purpose, size)
        return reply

    async def check(self, task: Task, texts: Sequence[str], purpose: Purpose = "train", gold: bool = False) -> list[float]:
        """See `protocols.Run.check`."""
        purpose = purpose if self.counted else self.purpose
        with self.ledger.watch.outside(purpose):
            return await self.grader.check(self.dispatcher, task, texts, purpose, gold)

    async def draw(
        self, tasks: Sequence[Task], n: int, settings: SamplerSettings, weights: str, label: str, seed: int, *,
        template: str = PLAIN, purpose: Purpose = "evaluate", digest: str = "",
    ) -> list[Group]:  # fmt: skip
        """Attempts outside the budget, for the gate ("evaluate") or a monitor ("audit"), one group a task.

        Noise depends on (seed, task, index) alone, so two sides pair up. Replies are journaled under label and digest:
        what other weights said is never taken for an answer of these.

        Args:
            tasks: what is asked; the groups hold them unchanged.
            n: attempts a task.
            settings: the sampler.
            weights: whose attempts.
            label: which side or measurement it is.
            seed: evaluation seed.
            template: wraps the last user turn, which stands where `{prompt}` does.
            purpose: "evaluate" or "audit"; the tokens are counted under it.
            digest: of these weights as they are now, where it is known already.
        """
        seal = sealed(digest or self.model.digest(weights))

        async def one(task: Task) -> Group:
            mark = content_hash(n, settings.temperature, settings.top_p, settings.max_tokens)
            mark += "" if template == PLAIN else f"/{content_hash(template)}"
            key, messages = f"{purpose}/{label}/{seed}/{task.id}/{mark}", wrapped(task.messages, template)
            request = SampleRequest(
                key=key, task=task, messages=messages, n=n, settings=settings, weights=weights, noise=f"evaluate/{seed}/{task.id}"
            )
            attempts = await self.dispatcher.ask("sample", key + seal, request, whole=True)
            prompted = self.model.count(messages, weights=weights)
            self.ledger.tokens("prompted", prompted, purpose=purpose)
            self.ledger.tokens("sampled", sum(new_tokens(a, prompted) for a in attempts), purpose=purpose)
            return Group(key=task.id, task=task, attempts_G=tuple(attempts))

        with self.ledger.watch.outside(purpose):
            return list(await gather(*(one(task) for task in tasks)))
