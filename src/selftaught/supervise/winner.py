"""Supervise: hold later attempts against what the group has already settled on."""

from dataclasses import dataclass

from selftaught.parts import part
from selftaught.protocols import Run
from selftaught.stages import Supervise
from selftaught.supervise.vote import unscored
from selftaught.types import Group, Score, Task


@part
@dataclass(frozen=True, kw_only=True)
class Winner(Supervise):
    """Reward 1 for attempts that arrived after a vote (revisions) and give its winner, else 0.

    The winner is the note of the vote's scores; a group without one is left alone.
    """

    signal = ("self",)

    def scores(self, task: Task) -> bool:
        return False

    async def read_group(self, run: Run, group: Group) -> Group:
        views = {a.id: a.view for a in group.attempts_G}
        winners = {views[s.attempt]: s.note for s in group.scores if s.name == "reward" and s.source == "self" and s.note}
        return group.scored(
            [
                Score(attempt=a.id, value=float(run.answer(a.text, group.task) == winners[a.view]), source="self", judge=self.name)
                for a in unscored(group)
                if a.view in winners
            ]
        )
