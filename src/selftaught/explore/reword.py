"""Explore: look at each task in two wordings."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from selftaught.parts import part
from selftaught.prompts import REWORD
from selftaught.protocols import Run
from selftaught.stages import Explore
from selftaught.types import Group, Message, Request


@part
@dataclass(frozen=True, kw_only=True)
class Reword(Explore):
    """Half of a task's attempts answer it as given, half answer the model's own rewording of it (view 1).

    A rewording that changes the multiset of numbers in the prompt is not used; the second half then answers the
    prompt as given, still as a view of its own.

    Source: the two views of Co-Reward, arXiv:2508.00410; there a larger model rewords.
    """

    async def explore(self, run: Run, request: Request) -> Sequence[Group]:
        task, half = request.task, (request.n + 1) // 2
        first = await run.sample("view-0", task, task.messages, n=half, settings=request.settings)
        asked = (Message("user", REWORD + task.text),)
        written = await run.sample("reword", task, asked, settings=request.settings, role="reworder")
        messages = task.messages
        if written and numbers(written[0].text) == numbers(task.text) and written[0].stop == "end":
            messages = (*task.messages[:-1], Message("user", written[0].text))
        second = await run.sample("view-1", task, messages, n=request.n - half, settings=request.settings, view=1)
        return [Group(key=task.id, task=task, attempts_G=(*first, *second))]


def numbers(text: str) -> list[str]:
    """Every number of a text, sorted."""
    return sorted(re.findall(r"\d+", text))
