"""Supervise: how well a temperature and a threshold balance exploration and exploitation."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from selftaught.parts import BadInput, part
from selftaught.protocols import Run
from selftaught.stages import Reader, Supervise
from selftaught.supervise.vote import unscored
from selftaught.types import Group, Score, Task


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


@part
@dataclass(frozen=True, kw_only=True)
class Balance(Reader):
    """Put into `state` the temperature and threshold with the highest mean balance score. Gives no scores.

        bs = min(n_ok / wanted, 1) * n_ok / n_sel

    n_sel is the number of a task's attempts at that temperature with a score above the threshold, n_ok how many
    different right ones there are among them; bs is 0 where nothing is selected. The first of equals is taken.

    Source: B-STaR, arXiv:2412.17256.

    Attributes:
        state: name of the `Settings`.
        score: name of the scores the threshold is held against.
        right: name of the scores that say what is right, those above one half.
        thresholds: what is tried.
        wanted: right attempts of a task that are enough (n*).
    """

    kind = "supervise"
    paper: ClassVar[str] = "arXiv:2412.17256"
    state: str = "settings"
    score: str = "share"
    right: str = "reward"
    thresholds: tuple[float, ...] = (0.0, 0.2, 0.4, 0.6)
    wanted: int = 4

    def __post_init__(self) -> None:
        if self.wanted < 1 or not self.thresholds:
            raise BadInput(f"balance: wanted={self.wanted} must be at least 1 and thresholds={self.thresholds} not empty")

    def scores(self, task: Task) -> bool:
        return False

    async def read(self, run: Run, groups: Sequence[Group]) -> list[Group]:
        temperatures = dict.fromkeys(a.settings.temperature for group in groups for a in group.attempts_G)
        best, found = -1.0, dict(run.state[self.state])
        for temperature in temperatures:
            for threshold in self.thresholds:
                value = float(np.mean([self.balance(group, temperature, threshold) for group in groups]))
                if value > best:
                    best, found = value, {"temperature": temperature, "threshold": threshold}
        run.state[self.state] = found
        for name, number in (("balance", best), *found.items()):
            run.note(name, number)
        return list(groups)

    def balance(self, group: Group, temperature: float, threshold: float) -> float:
        """The balance score of one task."""
        rows = zip(group.attempts_G, group.values(self.score), group.values(self.right), strict=True)
        selected = [(a.text, right > 0.5) for a, score, right in rows if a.settings.temperature == temperature and score > threshold]
        ok = len({text for text, right in selected if right})
        return min(ok / self.wanted, 1.0) * ok / len(selected) if selected else 0.0
