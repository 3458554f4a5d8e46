"""Decide: which attempt of a group is the reply. What ends a test-time method."""

from dataclasses import dataclass

import numpy as np

from selftaught.answers.votes import majority
from selftaught.parts import part
from selftaught.protocols import Run
from selftaught.stages import Decide
from selftaught.types import Attempt, Group


@part
@dataclass(frozen=True, kw_only=True)
class First(Decide):
    """The earliest attempt: what the model says when asked once. Raises ValueError for a group without attempts."""

    async def decide(self, run: Run, group: Group) -> Attempt:
        return attempts_of(group)[0]


@part
@dataclass(frozen=True, kw_only=True)
class Last(Decide):
    """The latest attempt: the revision where one follows a draft. Raises ValueError for a group without attempts."""

    async def decide(self, run: Run, group: Group) -> Attempt:
        return attempts_of(group)[-1]


@part
@dataclass(frozen=True, kw_only=True)
class Majority(Decide):
    """The earliest attempt that gives the group's most common answer, the first one when there is no answer at all.

    Source: self-consistency, arXiv:2203.11171. Attempts without an answer do not vote; ties go to the answer that
    came first. Raises ValueError for a group without attempts.
    """

    async def decide(self, run: Run, group: Group) -> Attempt:
        attempts = attempts_of(group)
        answers = [run.answer(a.text, group.task) for a in attempts]
        return attempts[answers.index(majority(answers)[0])]


@part
@dataclass(frozen=True, kw_only=True)
class Best(Decide):
    """The attempt with the highest score, the earliest of equals; the first one when none is scored.

    Raises ValueError for a group without attempts.

    Attributes:
        score: name of the scores that are compared.
    """

    score: str = "reward"

    async def decide(self, run: Run, group: Group) -> Attempt:
        attempts = attempts_of(group)
        values_G = group.values(self.score)
        return attempts[0 if np.isnan(values_G).all() else int(np.nanargmax(values_G))]


def attempts_of(group: Group) -> tuple[Attempt, ...]:
    """The attempts of a group that has some."""
    if not group.attempts_G:
        raise ValueError(f"group {group.key} has no attempts to choose from: the budget was spent before one was made")
    return group.attempts_G
