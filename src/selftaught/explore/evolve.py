"""Update: score the newest program, and have one of the archive write its successor."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from selftaught.explore.agent import told, wished
from selftaught.explore.archive import Parents, chances, stones
from selftaught.parts import BadInput, part
from selftaught.protocols import Run
from selftaught.stages import Tool, Update
from selftaught.types import Group, Request


@part
@dataclass(frozen=True, kw_only=True)
class Evolve(Update):
    """After a step: the candidate joins the archive with its mean reward, a parent is drawn, and writes the next candidate.

    The parent's `main` is given {"do": "write", "source": its own text, "seed"} and gives the successor's text. That must be viable:
    it asks, answers the step's first task with a text, and writes a successor of its own, in the same sandbox. Where none of
    `tries` is, the parent itself is the candidate once more. All that were scored are kept. Source: arXiv:2505.22954.

    Attributes:
        state: name of the `Archive`.
        tool: runs programs; None makes no successor.
        parents: who is drawn: "archive" by score and few children (`archive.chances`), "latest" always the newest, "best" the best.
        tries: successors written until one is viable.
    """

    paper: ClassVar[str] = "arXiv:2505.22954"
    state: str = "archive"
    tool: Tool | None = None
    parents: Parents = "archive"
    tries: int = 4

    def __post_init__(self) -> None:
        if self.parents not in ("archive", "latest", "best") or not 1 <= self.tries <= 1000:
            raise BadInput(f"evolve: parents={self.parents!r} must be archive, latest or best, and tries={self.tries} 1 to 1000")

    async def update(self, run: Run, groups: Sequence[Group]) -> None:
        archive = run.state[self.state]
        rewards = [value for group in groups for value in group.values().tolist() if not math.isnan(value)]
        programs = list(archive["programs"])
        if rewards:
            programs.append({**archive["candidate"], "score": float(np.mean(rewards)), "tasks": len(rewards)})
            run.note("score", programs[-1]["score"])
            run.note("best", max(program["score"] for program in programs))
            run.note("stones", stones(programs))
        if programs:
            run.write(self.state, {"programs": programs, "candidate": await self.successor(run, groups[0], programs)})

    async def successor(self, run: Run, group: Group, programs: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """The next candidate."""
        rng = run.rng("parent")
        if self.parents == "archive":
            parent = rng.choices(range(len(programs)), chances(programs))[0]
        else:
            parent = len(programs) - 1 if self.parents == "latest" else max(range(len(programs)), key=lambda i: programs[i]["score"])
        source = programs[parent]["source"]
        for i in range(self.tries):
            data = {"do": "write", "source": source, "seed": rng.getrandbits(32)}
            made = await told(run, group.task, self.tool, f"write-{i}", source, data)
            if made != source and await self.viable(run, group, made, str(i)):
                run.note("tried", i + 1)
                return {"source": made, "parent": parent}
        run.note("tried", self.tries)
        return {"source": source, "parent": parent}

    async def viable(self, run: Run, group: Group, source: Any, tag: str) -> bool:
        """Whether a program still asks, answers and writes."""
        if not isinstance(source, str):
            return False
        task, replies = group.task, [attempt.text for attempt in group.attempts_G]
        asks = await told(run, task, self.tool, f"{tag}-asks", source, {"do": "ask", "prompt": task.text})
        answers = await told(run, task, self.tool, f"{tag}-answers", source, {"do": "answer", "prompt": task.text, "replies": replies})
        writes = await told(run, task, self.tool, f"{tag}-writes", source, {"do": "write", "source": source, "seed": 0})
        fits = wished(asks, Request(task=task, n=1, settings=run.settings)) is not None
        return fits and isinstance(answers, str) and isinstance(writes, str) and bool(writes)
