"""Supervise: the model judges its own attempts."""

from asyncio import gather
from collections.abc import Sequence
from dataclasses import dataclass
from math import nan

import numpy as np

from selftaught.parts import BadInput, part
from selftaught.prompts import IS_RIGHT
from selftaught.protocols import Run
from selftaught.stages import Supervise
from selftaught.supervise.vote import unscored
from selftaught.types import Group, Message, Score


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
    question: str = IS_RIGHT

    def __post_init__(self) -> None:
        if self.n < 1:
            raise BadInput(f"judge: n={self.n} must be at least 1")

    async def read_group(self, run: Run, group: Group) -> Group:
        attempts = unscored(group)
        asked = (Message("user", self.question),)
        verdicts = await gather(*(run.sample(f"judge-{a.id}", group.task, asked, n=self.n, role="judge", after=a) for a in attempts))
        scores = []
        for attempt, replies in zip(attempts, verdicts, strict=True):
            votes = self.votes([reply.text for reply in replies])
            run.fault("verdicts", len(replies) - len(votes), len(replies))
            if votes:
                scores.append(Score(attempt=attempt.id, value=float(np.mean(votes)), source="self", judge=self.name))
        return group.scored(scores)

    def votes(self, replies: Sequence[str]) -> list[bool]:
        """Which of the verdicts that begin with yes or no begin with yes."""
        said = [text.strip().lower() for text in replies]
        return [text.startswith("yes") for text in said if text.startswith(("yes", "no"))]

    def paid(self, replies: Sequence[str]) -> float:
        """Share of the votes that are yes; NaN without any."""
        votes = self.votes(replies)
        return float(np.mean(votes)) if votes else nan
