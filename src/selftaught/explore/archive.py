"""An archive of programs: what is remembered of each, which is the best, and which may have a successor."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal

from selftaught.parts import part
from selftaught.stages import State

FIRST = "first_agent.py"
Parents = Literal["archive", "latest", "best"]
# Steepness and middle of the sigmoid of scores.
STEEP, MIDDLE = 10.0, 0.5


@part
@dataclass(frozen=True, kw_only=True)
class Archive(State):
    """{"programs": every one that was scored, in order, "candidate": the next to be scored}.

    A program is {"source", "parent": its place or None, "score": mean reward in [0, 1], "tasks": of how many}. The candidate has
    no score yet. The best one is a file of every generation, `state/NAME/program.py`.
    """

    def initial(self) -> Any:
        return {"programs": [], "candidate": {"source": first(), "parent": None}}

    def files(self, value: Any) -> Mapping[str, str]:
        return {"program.py": best_of(value)}


def first() -> str:
    """The text of the program that every archive begins with."""
    return files("selftaught.explore").joinpath(FIRST).read_text(encoding="utf-8")


def best_of(archive: Mapping[str, Any]) -> str:
    """The program with the highest score, the earliest of equals; the candidate where none is scored."""
    return str(max(archive["programs"], key=lambda program: program["score"], default=archive["candidate"])["source"])


def chances(programs: Sequence[Mapping[str, Any]]) -> list[float]:
    """Probability of each to be the parent: w = sigmoid(10 (score - 0.5)) / (1 + its children), over the sum.

    As in the released code of arXiv:2505.22954 (`score_child_prop`).
    """
    children = [sum(other["parent"] == i for other in programs) for i in range(len(programs))]
    weights = [
        1 / (1 + math.exp(-STEEP * (program["score"] - MIDDLE))) / (1 + many) for program, many in zip(programs, children, strict=True)
    ]
    return [weight / sum(weights) for weight in weights]


def stones(programs: Sequence[Mapping[str, Any]]) -> int:
    """How many that the best program descends from scored below the parent they came from: what hill climbing would have lost."""
    best = max(range(len(programs)), key=lambda i: programs[i]["score"])
    found, place = 0, programs[best]["parent"]
    while place is not None and (before := programs[place]["parent"]) is not None:
        found += programs[place]["score"] < programs[before]["score"]
        place = before
    return found
