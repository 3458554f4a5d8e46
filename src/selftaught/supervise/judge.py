"""Supervise: the model judges its own attempts."""

from asyncio import gather
from dataclasses import dataclass

import numpy as np

from selftaught.models.base import Run
from selftaught.parts import BadInput, part
from selftaught.stages import Supervise
from selftaught.supervise.vote import unscored
from selftaught.types import Group, Message, Score

QUESTION = "Is that right? Answer yes or no."


@part
@dataclass(frozen=True, kw_only=True)
class Judge(Supervise):
    """Reward is the share of `n` verdicts that begin with yes, asked in the attempt's own conversation.

    Source: self-rewarding language models, arXiv:2401.10020. There one verdict gives 0 to 5 points; here several
    yes-or-no verdicts are averaged, which a small model can do.

    Attributes:
        n: verdicts an attempt.
        question: the turn that asks.
    """

    signal = ("self",)
    continues = True
    n: int = 4
    question: str = QUESTION

    def __post_init__(self) -> None:
        if self.n < 1:
            raise BadInput(f"judge: n={self.n} must be at least 1")

    async def read_group(self, run: Run, group: Group) -> Group:
        attempts = unscored(group)
        asked = (Message("user", self.question),)
        verdicts = await gather(*(run.sample(f"judge-{a.id}", group.task, asked, n=self.n, role="judge", after=a) for a in attempts))
        scores = []
        for attempt, replies in zip(attempts, verdicts, strict=True):
            said = [reply.text.strip().lower() for reply in replies]
            votes = [text.startswith("yes") for text in said if text.startswith(("yes", "no"))]
            run.fault("verdicts", len(said) - len(votes), len(said))
            if votes:
                scores.append(Score(attempt=attempt.id, value=float(np.mean(votes)), source="self", judge=self.name))
        return group.scored(scores)
