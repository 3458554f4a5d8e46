"""Explore: the model talks to itself about a document."""

from asyncio import gather
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from selftaught.parts import BadInput, part
from selftaught.protocols import Run
from selftaught.stages import Explore
from selftaught.types import Attempt, Group, Message, Request, Score

ASKER = "asker"
# What the asking side is told, one for each kind of talk: a fact, a summary, a structure, a use, whatever comes to mind.
SEEDS = (
    "Ask one question about a detail of the text. Name who or what it is about. Write the question only.",
    "Write one request to sum up a part of the text. Name the part. Write the request only.",
    "Write one request to put facts of the text into a list. Name the facts. Write the request only.",
    "Ask one question that somebody who uses the text at work would ask. Write the question only.",
    "Ask one surprising question about the text. Write the question only.",
)


@part
@dataclass(frozen=True, kw_only=True)
class SelfStudy(Explore):
    """Conversations of one question and its answer, both by the model with the document as a system turn (arXiv:2506.06266).

    The task's prompt is the document, or a piece of one. What asks is given one of the seed prompts at random and is no attempt of
    the group; what answers sees document and question.

    Departs from the paper: a document comes in pieces that were cut once, not at random places; the seed prompts are ours; no
    request to think step by step; one round of talk, as in its experiments.

    Attributes:
        seeds: what the asking side may be told; empty asks what is usual.
        answer_temperature: of the answers; questions are sampled as planned.

    Raises:
        BadInput: for a temperature below 0.
    """

    paper: ClassVar[str] = "arXiv:2506.06266"
    seeds: tuple[str, ...] = ()
    answer_temperature: float = 0.0

    def __post_init__(self) -> None:
        if not self.answer_temperature >= 0:
            raise BadInput(f"self-study: answer_temperature={self.answer_temperature} must be at least 0")

    async def explore(self, run: Run, request: Request) -> Sequence[Group]:
        talks = await gather(*(self.talk(run, request, i) for i in range(request.n)))
        task = request.task
        return [Group(key=task.id, task=task, attempts_G=tuple(attempt for talk in talks for attempt in talk))]

    async def talk(self, run: Run, request: Request, i: int) -> list[Attempt]:
        """One conversation's answer; none where nothing was asked, or the budget is spent."""
        task = request.task
        document = Message("system", task.text)
        seed = run.rng("study", task.id, i).choice(self.seeds or SEEDS)
        asked = await run.sample(f"ask:{i}", task, (document, Message("user", seed)), settings=request.settings, role=ASKER)
        if not asked or not (question := asked[0].text.strip()):
            return []
        calm = replace(request.settings, temperature=self.answer_temperature)
        answers = await run.sample(f"answer:{i}", task, (document, Message("user", question)), settings=calm)
        return [replace(answer, parents=(asked[0].id,)) for answer in answers]


@part
@dataclass(frozen=True, kw_only=True)
class Recite(Explore):
    """The document itself as the one attempt, which nobody sampled, rewarded with 1; its log-probabilities are not known (0)."""

    signal = ("human",)

    async def explore(self, run: Run, request: Request) -> Sequence[Group]:
        task = request.task
        attempt = Attempt(
            id=f"{run.step:05d}/reciter/{task.id}/0", task=task.id, payload=run.tokens((), task.text), text=task.text, role="reciter",
            sampler="", generation=run.generation,
        )  # fmt: skip
        score = Score(attempt=attempt.id, value=1.0, source="human", judge=self.name)
        return [Group(key=task.id, task=task, attempts_G=(attempt,), scores=(score,))]


@part
@dataclass(frozen=True, kw_only=True)
class Behind(Explore):
    """Attempts at the prompt as it is, by named weights: what was studied stands before an otherwise empty context.

    Attributes:
        weights: their name; "a+b" is two prefixes, one behind the other.
    """

    weights: str = "notes"

    async def explore(self, run: Run, request: Request) -> Sequence[Group]:
        task = request.task
        attempts = await run.sample("behind", task, task.messages, n=request.n, settings=request.settings, weights=self.weights)
        return [Group(key=task.id, task=task, attempts_G=tuple(attempts))]
