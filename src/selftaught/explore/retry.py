"""Explore: every attempt gets a second turn."""

from asyncio import gather
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from selftaught.parts import part
from selftaught.prompts import CHECK_AGAIN
from selftaught.protocols import Run
from selftaught.stages import Explore
from selftaught.types import Group, Message, Request


@part
@dataclass(frozen=True, kw_only=True)
class Retry(Explore):
    """Sample n drafts, then ask each, in its own conversation, to check and answer again.

    The group holds the drafts, then their revisions (role "reviser", parent the draft), whose payload is the whole
    conversation. Drafts whose revision no longer fits the budget stay alone.

    Source: the two-turn rollout of SCoRe, arXiv:2409.12917.

    Attributes:
        question: the turn that asks for the second answer; it must not tell whether the first is right.
    """

    paper: ClassVar[str] = "arXiv:2409.12917"
    continues = True
    question: str = CHECK_AGAIN

    async def explore(self, run: Run, request: Request) -> Sequence[Group]:
        task, settings, asked = request.task, request.settings, (Message("user", self.question),)
        drafts = await run.sample("draft", task, task.messages, n=request.n, settings=settings)
        revised = await gather(
            *(run.sample(f"retry-{i}", task, asked, settings=settings, role="reviser", after=a) for i, a in enumerate(drafts))
        )
        return [Group(key=task.id, task=task, attempts_G=(*drafts, *(a for attempts in revised for a in attempts)))]
