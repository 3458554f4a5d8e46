"""Supervise: a soft vote."""

from collections import Counter
from dataclasses import dataclass

from selftaught.parts import part
from selftaught.protocols import Run
from selftaught.stages import Supervise
from selftaught.supervise.vote import unscored
from selftaught.types import Group, Score


@part
@dataclass(frozen=True, kw_only=True)
class Share(Supervise):
    """Score an attempt by the share of the group's attempts that give its answer, 0 where it has none: a soft vote.

    Shares are counted among attempts sampled with equal settings.

    Attributes:
        score: name of the scores; under "reward" attempts that have one are left alone.
    """

    signal = ("self",)
    score: str = "reward"

    async def read_group(self, run: Run, group: Group) -> Group:
        attempts = unscored(group) if self.score == "reward" else list(group.attempts_G)
        answers = {a.id: run.answer(a.text, group.task) for a in attempts}
        votes = Counter((a.settings, answers[a.id]) for a in attempts)
        sizes = Counter(a.settings for a in attempts)
        scores = []
        for a in attempts:
            share = votes[a.settings, answers[a.id]] / sizes[a.settings] if answers[a.id] is not None else 0.0
            scores.append(Score(attempt=a.id, value=share, source="self", judge=self.name, name=self.score, confidence=share))
        return group.scored(scores)
