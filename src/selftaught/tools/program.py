"""Tool: run a program that nobody trusts."""

import json
from dataclasses import dataclass
from functools import cache

from selftaught.interaction import Reply
from selftaught.parts import BadInput, part
from selftaught.sandbox import Limits, Sandbox, found
from selftaught.stages import Tool
from selftaught.types import Task

# Loaded before the walls go up: what most programs import.
READY = ("ast", "random", "re", "math", "collections", "itertools")


@part
@dataclass(frozen=True, kw_only=True)
class Program(Tool):
    """Run the text of a Python module with a function `main(data)` in the sandbox, on data of JSON's kinds.

    The argument is JSON {"program", "data"}, the reply's text JSON too: {"value"}, or {"why", "note"} of a program that gave none
    (`sandbox.Outcome`), which is a result, no failure of the call. A program sees neither answers nor files nor the network.

    Attributes:
        seconds: of processor time.
        memory: bytes.
    """

    about = 'run a program, as {"program": "def main(data): ...", "data": 1}'
    seconds: float = 2.0
    memory: int = 256 << 20

    def __post_init__(self) -> None:
        if not 0 < self.seconds <= 3600 or not 1 << 20 <= self.memory < 1 << 40:
            raise BadInput(f"program: seconds={self.seconds} must lie in (0, 3600] and memory={self.memory} be at least {1 << 20}")

    def ready(self) -> None:
        kind, why = found()
        if kind == "none":
            raise BadInput(f"programs are not run here, for nothing can hold them ({why}): install bubblewrap, or take another recipe")

    def call(self, argument: str, task: Task) -> Reply:
        asked = json.loads(argument)
        made = sandbox().run(asked["program"], asked["data"], Limits(seconds=self.seconds, memory=self.memory))
        if made.why == "start":
            raise OSError(made.note)
        said = {"why": made.why, "note": made.note} if made.why else {"value": made.value}
        return Reply(text=json.dumps(said, sort_keys=True))


@cache
def sandbox() -> Sandbox:
    """The one sandbox of this process. Raises BadInput where no walls can be put up."""
    return Sandbox(workers=1, preload=READY)
