"""Reflect: look at an attempt again and answer once more."""

from asyncio import gather
from dataclasses import dataclass

import numpy as np

from selftaught.parts import BadInput, part
from selftaught.prompts import CHECK_AGAIN
from selftaught.protocols import Run
from selftaught.stages import Reflect
from selftaught.types import Group, Message


@part
@dataclass(frozen=True, kw_only=True)
class Revise(Reflect):
    """Ask for a revision, in the attempt's own conversation, of attempts whose reward is at most `below`.

    Revisions join the group with role "reviser" and no reward: supervise parts after this one score them.
    Source: Self-Refine, arXiv:2303.17651, reduced to one turn without a separate critique.

    Attributes:
        below: attempts with a reward up to this are revised; unscored ones are not.
        most: at most so many a group, the earliest first.
        question: the turn that asks.
    """

    continues = True
    below: float = 0.0
    most: int = 2
    question: str = CHECK_AGAIN

    def __post_init__(self) -> None:
        if self.most < 1:
            raise BadInput(f"revise: most={self.most} must be at least 1")

    async def read_group(self, run: Run, group: Group) -> Group:
        failed = [a for a, v in zip(group.attempts_G, group.values(), strict=True) if not np.isnan(v) and v <= self.below]
        asked = (Message("user", self.question),)
        revised = await gather(
            *(run.sample(f"revise-{a.id}", group.task, asked, role="reviser", view=a.view, after=a) for a in failed[: self.most])
        )
        return group.joined([attempt for attempts in revised for attempt in attempts])
