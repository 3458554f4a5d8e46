"""Explore: learn for one task what the model is unsure of, and forget it afterwards."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from selftaught.explore.neighbors import Pair, learned_from, written
from selftaught.objectives import Loss, Objective, Optimizer
from selftaught.parts import BadInput, part
from selftaught.protocols import Run
from selftaught.stages import Explore
from selftaught.types import Attempt, Group, Message, Request


@part
@dataclass(frozen=True, kw_only=True)
class Adapt(Explore):
    """Answer a task after a few steps on neighbors of it that the model writes itself, where it is unsure; then the steps are undone.

    u = p(1) - p(2), the margin of the likeliest candidate over the next, of p = softmax(l), where exp(l) is what the different
    solutions of `candidates` samples that give an answer have for probability together; one answer alone is sure (u = 1), none
    is not (u = 0). Where u < threshold the model writes `neighbors` tasks like this one, answers each `votes` times, and learns
    of each the first solution with the most common answer, on scratch weights, which then answer the task and are dropped.

    Source: TT-SI, arXiv:2510.07841, sections on its uncertainty estimator, data synthesis and test-time tuning.

    Attributes:
        threshold: below this margin the model is unsure; 0 never adapts, above 1 always does.
        candidates: samples that the margin is read from.
        neighbors: tasks the model writes (K).
        votes: answers to each of them.
        agree: share of these that the most common one needs, or the neighbor is left out.
        temperature: of all these samples; the plan's is that of the reply.
        loss: what is learned of the neighbors, from stream "weight"; None shows them in context instead.
        optimizer: how; its epochs are the steps.
    """

    paper: ClassVar[str] = "arXiv:2510.07841"
    threshold: float = 0.5
    candidates: int = 8
    neighbors: int = 4
    votes: int = 4
    agree: float = 0.5
    temperature: float = 1.0
    loss: Loss | None = None
    optimizer: Optimizer | None = None

    @property
    def asks(self) -> tuple[str, ...]:  # type: ignore[override]
        """To learn, where neighbors are learned."""
        return ("learn",) if self.loss else ()

    def __post_init__(self) -> None:
        for name in ("candidates", "neighbors", "votes"):
            if getattr(self, name) < 1:
                raise BadInput(f"adapt: {name}={getattr(self, name)} must be at least 1")
        if not 0 <= self.agree <= 1:
            raise BadInput(f"adapt: agree={self.agree} must lie in [0, 1]")
        if not 0 <= self.threshold <= 2 or not 0 <= self.temperature < math.inf:
            raise BadInput(f"adapt: threshold={self.threshold} must lie in [0, 2] and temperature={self.temperature} be at least 0")
        if self.loss and (self.optimizer is None or set(self.loss.reads) != {"weight"}):
            raise BadInput(f"adapt: loss '{self.loss.name}' needs an optimizer, and must read weight alone: give nll, and adamw")

    async def explore(self, run: Run, request: Request) -> Sequence[Group]:
        pairs: list[Pair] = []
        if await self.unsure(run, request):
            pairs = await written(run, request, self.neighbors, self.votes, self.agree, self.temperature)
        if self.loss is None or not pairs:
            attempts = await self.reply(run, request, shown=pairs)
        else:
            async with run.scratch() as name:
                objective = Objective(loss=self.loss, optimizer=self.optimizer, updates=(name,))  # type: ignore[arg-type]
                learned = await run.learn([learned_from(run, pair) for pair in pairs], [objective])
                attempts = await self.reply(run, request, weights="policy" if learned is None else name)
        return [Group(key=request.task.id, task=request.task, attempts_G=tuple(attempts))]

    async def reply(self, run: Run, request: Request, shown: Sequence[Pair] = (), weights: str = "policy") -> list[Attempt]:
        """The attempts that were asked for, behind what is shown."""
        before = tuple(Message(role, said) for pair in shown for role, said in zip(("user", "assistant"), pair, strict=True))
        messages = (*before, *request.task.messages)
        return await run.sample("reply", request.task, messages, n=request.n, settings=request.settings, weights=weights)

    async def unsure(self, run: Run, request: Request) -> bool:
        """Whether the margin of the likeliest answer is below the threshold."""
        settings = replace(request.settings, temperature=self.temperature)
        if not 0 < self.threshold <= 1:
            return self.threshold > 1
        tried = await run.sample("candidate", request.task, request.task.messages, n=self.candidates, settings=settings)
        solutions = {attempt.text: attempt for attempt in tried}.values()
        found: dict[str, float] = {}
        for attempt in solutions:
            if (answer := run.answer(attempt.text, request.task)) is not None:
                found[answer] = float(np.logaddexp(found.get(answer, -math.inf), attempt.logprob))
        return margin(tuple(found.values())) < self.threshold


def margin(logs: Sequence[float]) -> float:
    """softmax(logs)(1) - softmax(logs)(2), the highest and the next; 1 for one alone, 0 for none."""
    if len(logs) < 2:
        return float(len(logs))
    chances = np.exp(np.array(sorted(logs, reverse=True)) - max(logs))
    return float((chances[0] - chances[1]) / chances.sum())
