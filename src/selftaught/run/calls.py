"""Calls of tools, performed beside what the model does."""

import asyncio
import math
from collections.abc import Sequence
from typing import Any

from selftaught.shown import reason
from selftaught.stages import Tool
from selftaught.types import Task


async def called(wave: Sequence[tuple[Tool, str, Task]]) -> list[list[Any]]:
    """[text, whether it went well, value] a call of a wave, in a thread: the model goes on meanwhile."""
    return await asyncio.to_thread(lambda: [one(*call) for call in wave])


def one(tool: Tool, argument: str, task: Task) -> list[Any]:
    """One call; whatever it raises is what the model is told."""
    try:
        reply = tool.call(argument, task)
    except Exception as error:
        return [f"{tool.name} failed: {reason(error)}", False, math.nan]
    return [reply.text, reply.ok, reply.value]
