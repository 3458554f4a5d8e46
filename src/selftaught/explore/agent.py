"""Explore: a program asks the model, and says which of its replies counts."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

from selftaught.explore.archive import best_of
from selftaught.parts import BadInput, part
from selftaught.protocols import Run
from selftaught.stages import Explore, Tool
from selftaught.types import Attempt, Group, Message, Request, SamplerSettings, Task

Which = Literal["candidate", "best"]


@part
@dataclass(frozen=True, kw_only=True)
class Agent(Explore):
    """One attempt a task: what the program of an archive makes of the replies it asks the model for.

    The program's `main` is given {"do": "ask", "prompt"} and says {"prompt", "n", "temperature"}, then {"do": "answer", "prompt",
    "replies"} and says the reply. It gets no more replies than the plan's n; one that asks for nothing sensible has the model
    asked plainly once, and an attempt without text, as has one that answers nothing. The model is frozen.

    Source: the agents of DGM, arXiv:2505.22954, which are code around a frozen model.

    Attributes:
        state: name of the `Archive`.
        which: "candidate", the newest program, not yet scored, or "best", the one with the highest score so far.
        tool: runs programs; None runs none, and the model is asked plainly.
    """

    paper: ClassVar[str] = "arXiv:2505.22954"
    state: str = "archive"
    which: Which = "candidate"
    tool: Tool | None = None

    def __post_init__(self) -> None:
        if self.which not in ("candidate", "best"):
            raise BadInput(f"agent: which={self.which!r} must be candidate or best")

    async def explore(self, run: Run, request: Request) -> Sequence[Group]:
        task, archive = request.task, run.state[self.state]
        program = archive["candidate"]["source"] if self.which == "candidate" else best_of(archive)
        wish = wished(await told(run, task, self.tool, "ask", program, {"do": "ask", "prompt": task.text}), request)
        prompt, n, settings = wish or (task.text, 1, request.settings)
        made = await run.sample("agent", task, (Message("user", prompt),), n=n, settings=settings)
        if not made:
            return []
        data = {"do": "answer", "prompt": task.text, "replies": [attempt.text for attempt in made]}
        said = await told(run, task, self.tool, "answer", program, data) if wish else None
        return [Group(key=task.id, task=task, attempts_G=(attempt_of(run, task, made, said),))]


def attempt_of(run: Run, task: Task, made: Sequence[Attempt], said: Any) -> Attempt:
    """What a program said, as an attempt at the task."""
    text = said if isinstance(said, str) else ""
    failed: dict[str, Any] = {} if text else {"stop": "error", "error": "the program gave no answer"}
    return replace(
        made[0], id=f"{made[0].id}/agent", payload=run.tokens(task.messages, text), text=text, messages=task.messages,
        parents=tuple(attempt.id for attempt in made), fork=None, **failed,
    )  # fmt: skip


def wished(said: Any, request: Request) -> tuple[str, int, SamplerSettings] | None:
    """Prompt, how many replies, and sampler, as a program asks for them; None for what cannot be asked."""
    if not isinstance(said, Mapping):
        return None
    prompt, n = said.get("prompt"), said.get("n")
    heat: Any = said.get("temperature")
    if not isinstance(prompt, str) or type(n) is not int or type(heat) not in (int, float) or n < 1:
        return None
    if not 0 <= heat <= 2 or not math.isfinite(heat):
        return None
    return prompt, min(n, request.n), replace(request.settings, temperature=float(heat))


async def told(run: Run, task: Task, tool: Tool | None, tag: str, program: str, data: Mapping[str, Any]) -> Any:
    """What a program gives for data; None when it gives nothing."""
    if tool is None:
        return None
    reply = await run.call(tag, task, tool, json.dumps({"program": program, "data": data}))
    return json.loads(reply.text).get("value") if reply.ok else None
