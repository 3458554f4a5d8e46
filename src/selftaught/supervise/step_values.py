"""Supervise: how far each step of a searched solution gets, inferred from which solutions turned out right."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from selftaught.parts import BadInput, part
from selftaught.protocols import Run
from selftaught.stages import Supervise
from selftaught.types import Attempt, Floats, Group, Score, Task


@part
@dataclass(frozen=True, kw_only=True)
class InferredValues(Supervise):
    """Step values out of a tree whose ends were checked, and the quality of each solution.

        v_0 = 0,  v_k = max(0, v_{k-1} + (1 - v_{k-1}) (1 - 2 e_k) / (m_k + 1))

    e_k is 0 when some right solution goes through step k, else 1; m_k is the least number of steps from there to the
    end of a right solution, and where there is none that of the step before (it has to be undone). A right
    solution of K steps, the shortest through its steps, therefore has v_k = k / K.

    Source: ReST-MCTS*, arXiv:2406.03816. Gives "value" (v_K, and v_k per item at the end of each step) and "trace"
    (0 for a wrong solution, else the value model's mean estimate put into [1/2, 1]), which picks what the policy
    learns. Attempts without a reward are left out.

    Attributes:
        search: name of the scores whose per_item marks where steps end and holds the value model's estimates.
        right: rewards of at least this count as right.
    """

    signal = ("self",)
    search: str = "search"
    right: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.right <= 1:
            raise BadInput(f"inferred-values: right={self.right} must lie in (0, 1]")

    def scores(self, task: Task) -> bool:
        return False

    async def read_group(self, run: Run, group: Group) -> Group:
        marks = {s.attempt: s for s in group.scores if s.name == self.search and s.per_item is not None}
        rewards = {s.attempt: s for s in group.scores if s.name == "reward" and not np.isnan(s.value)}
        solved = [a for a in group.attempts_G if a.id in marks and a.id in rewards]
        ends_G = [np.flatnonzero(~np.isnan(marks[a.id].per_item)) for a in solved]  # type: ignore[arg-type]
        rights_G = [rewards[a.id].value >= self.right for a in solved]
        paths_G = [prefixes(a, ends.tolist()) for a, ends in zip(solved, ends_G, strict=True)]
        scores = []
        for attempt, ends_K, right, values_K in zip(solved, ends_G, rights_G, step_values(paths_G, rights_G), strict=True):
            values_T = np.full(len(attempt.payload), np.nan, np.float32)
            values_T[ends_K] = values_K
            quality = (1 + min(1.0, max(0.0, marks[attempt.id].value))) / 2 if right else 0.0
            common: dict[str, Any] = {"attempt": attempt.id, "source": rewards[attempt.id].source, "judge": self.name}
            scores.append(Score(value=float(values_K[-1]), name="value", per_item=values_T, **common))
            scores.append(Score(value=quality, name="trace", **common))
        return group.scored(scores)


def prefixes(attempt: Attempt, ends: Sequence[int]) -> list[bytes]:
    """What names each step: all tokens up to its end."""
    return [attempt.payload.ids[: end + 1].tobytes() for end in ends]


def step_values(paths: Sequence[Sequence[bytes]], rights: Sequence[bool]) -> list[Floats]:
    """v_k of every step of every path, f32[K] each; equal names are one step of the tree."""
    left: dict[bytes, int] = {}
    for path, right in zip(paths, rights, strict=True):
        for k, step in enumerate(path, 1):
            if right:
                left[step] = min(left.get(step, len(path)), len(path) - k)
    shortest = min((len(path) for path, right in zip(paths, rights, strict=True) if right), default=0)
    found = []
    for path in paths:
        value, distance, values = 0.0, shortest, []
        for step in path:
            wrong = step not in left
            distance = distance if wrong else left[step]
            value = max(0.0, value + (1 - value) * (1 - 2 * wrong) / (distance + 1))
            values.append(value)
        found.append(np.array(values, np.float32))
    return found
