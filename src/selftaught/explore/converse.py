"""Explore: answers in several turns, with tools in between."""

import re
from asyncio import gather
from collections.abc import Sequence
from dataclasses import dataclass, replace

from selftaught.parts import BadInput, part
from selftaught.protocols import Run
from selftaught.stages import Explore, Tool
from selftaught.types import Attempt, Group, Message, Request, Task


@part
@dataclass(frozen=True, kw_only=True)
class Converse(Explore):
    """Each attempt goes on, turn by turn, as long as it ends in a call of a tool, and holds the whole conversation.

    What a tool replies stands in the sequence as a turn of its own, whose tokens the model did not sample. A call of no
    tool that is there is answered with the names of those that are. When turns or budget are over, an attempt stays as it
    stands. Source: interleaved tool calls as in Search-R1, arXiv:2503.09516.

    Attributes:
        tools: what may be called.
        turns: most turns of the model.
        opening: begins a call, which says NAME ARGUMENT.
        closing: ends it, and with it the attempt.
        speaker: role of a tool's turn, for chat templates that know it.
        role: label of its attempts.
        weights: whose attempts they are.
    """

    continues = True
    equips = True
    tools: tuple[Tool, ...] = ()
    turns: int = 4
    opening: str = "<call>"
    closing: str = "</call>"
    speaker: str = "user"
    role: str = "solver"
    weights: str = "policy"

    def __post_init__(self) -> None:
        names = [tool.name for tool in self.tools]
        if self.turns < 1 or not self.opening or not self.closing or len(set(names)) < len(names):
            raise BadInput(f"converse: turns={self.turns} must be at least 1, opening and closing some text, tools of different names")

    async def explore(self, run: Run, request: Request) -> Sequence[Group]:
        task = request.task
        request = replace(request, settings=replace(request.settings, stop=(*request.settings.stop, self.closing)))
        first = await run.sample(
            "turn-0", task, self.asked(task), n=request.n, settings=request.settings, role=self.role, weights=self.weights
        )
        attempts = await gather(*(self.followed(run, request, attempt, i) for i, attempt in enumerate(first)))
        return [Group(key=task.id, task=task, attempts_G=tuple(attempts))]

    def asked(self, task: Task) -> tuple[Message, ...]:
        """The task's conversation, behind a turn that says which tools there are."""
        if not self.tools:
            return task.messages
        about = "\n".join(f"{tool.name}: {tool.about}" for tool in self.tools)
        how = f"Tools, called as {self.opening}NAME ARGUMENT{self.closing}:\n{about}"
        first, *rest = task.messages
        return (first._replace(content=f"{how}\n\n{first.content}"), *rest)

    async def followed(self, run: Run, request: Request, attempt: Attempt, number: int) -> Attempt:
        """An attempt as it stands at its end."""
        for turn in range(1, self.turns):
            call = self.called(attempt.text)
            if call is None:
                break
            said = await self.replied(run, request.task, call, f"{number}.{turn}")
            messages = (Message(self.speaker, said),)
            made = await run.sample(
                f"turn-{turn}.{number}", request.task, messages, settings=request.settings, after=attempt, role=self.role,
                weights=self.weights,
            )  # fmt: skip
            if not made:
                break
            attempt = made[0]
        return attempt

    async def replied(self, run: Run, task: Task, call: tuple[str, str], tag: str) -> str:
        """What the model is told."""
        name, argument = call
        tool = next((tool for tool in self.tools if tool.name == name), None)
        if tool is None:
            return f"no tool is called {name!r}: there are {', '.join(tool.name for tool in self.tools) or 'none'}"
        return (await run.call(tag, task, tool, argument, role=self.role)).text

    def called(self, text: str) -> tuple[str, str] | None:
        """(tool, argument) of the call a text ends with, None where it ends with none."""
        found = re.search(f"{re.escape(self.opening)}((?:(?!{re.escape(self.opening)}).)*){re.escape(self.closing)}\\s*$", text, re.DOTALL)
        name, _, argument = found[1].strip().partition(" ") if found else ("", "", "")
        return (name, argument.strip()) if found else None
