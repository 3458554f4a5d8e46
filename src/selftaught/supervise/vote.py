"""Supervise: agree with the crowd."""

from dataclasses import dataclass

import numpy as np

from selftaught.answers.votes import majority
from selftaught.parts import BadInput, part
from selftaught.protocols import Run
from selftaught.stages import Supervise
from selftaught.types import Attempt, Group, Score


def unscored(group: Group) -> list[Attempt]:
    """Attempts that no earlier part has rewarded."""
    return [a for a, value in zip(group.attempts_G, group.values(), strict=True) if np.isnan(value)]


@part
@dataclass(frozen=True, kw_only=True)
class Vote(Supervise):
    """Reward 1 for attempts that give the group's most common answer, else 0.

    Source: TTRL, arXiv:2504.16084. Attempts without an answer are wrong but do not vote. Attempts that already
    have a reward are left alone.

    Attributes:
        min_share: below this share of the winner nobody is scored.
    """

    signal = ("self",)
    min_share: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.min_share <= 1:
            raise BadInput(f"vote: min_share={self.min_share} must lie in [0, 1]")

    async def read_group(self, run: Run, group: Group) -> Group:
        voters = unscored(group)
        answers = [run.answer(a.text, group.task) for a in voters]
        winner, share = majority(answers)
        if winner is None or share < self.min_share:
            return group
        return group.scored(
            [
                Score(attempt=a.id, value=float(answer == winner), source="self", judge=self.name, confidence=share, note=winner)
                for a, answer in zip(voters, answers, strict=True)
            ]
        )


@part
@dataclass(frozen=True, kw_only=True)
class CrossVote(Supervise):
    """Pay each view's attempts by the other view's majority answer.

    Source: Co-Reward, arXiv:2508.00410. A task with one view only is left unscored.

    Attributes:
        agree: score only tasks whose views have the same winner; a task on which they differ teaches nothing.
        min_share: both winners need at least this share of their view.
    """

    signal = ("self",)
    agree: bool = False
    min_share: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.min_share <= 1:
            raise BadInput(f"cross-vote: min_share={self.min_share} must lie in [0, 1]")

    async def read_group(self, run: Run, group: Group) -> Group:
        voters = unscored(group)
        views = sorted({a.view for a in voters})
        if len(views) < 2:
            return group
        answers = {a.id: run.answer(a.text, group.task) for a in voters}
        wins = {view: majority([answers[a.id] for a in voters if a.view == view]) for view in views}
        winners = {winner for winner, _ in wins.values()}
        if (self.agree and len(winners) > 1) or min(share for _, share in wins.values()) < self.min_share:
            return group
        scores = []
        for a in voters:
            winner, share = wins[views[(views.index(a.view) + 1) % len(views)]]
            if winner is not None:
                right = float(answers[a.id] == winner)
                scores.append(Score(attempt=a.id, value=right, source="self", judge=self.name, confidence=share, note=winner))
        return group.scored(scores)
