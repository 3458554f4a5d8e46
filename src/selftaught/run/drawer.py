"""RunDrawer: how the gate draws and grades attempts through a run, outside its budget."""

from asyncio import gather
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from selftaught.run.live import LiveRun
from selftaught.types import Floats, Group, SamplerSettings, Task


@dataclass(frozen=True, kw_only=True)
class RunDrawer:
    """Implements `evaluate.side.Drawer`.

    Attributes:
        run: whose model, journal and ledger are used.
        seed: evaluation seed; attempt i of a task has the same noise on every side.
    """

    run: LiveRun
    seed: int = 0

    async def draw(self, tasks: Sequence[Task], n: int, settings: SamplerSettings, weights: str, label: str) -> list[Group]:
        """One group a task."""
        return await self.run.draw(tasks, n, settings, weights, label, self.seed)

    async def grade(self, groups: Sequence[Group]) -> list[Floats]:
        """A grade per attempt; answers are read under "evaluate"."""
        texts = [[attempt.text for attempt in group.attempts_G] for group in groups]
        grades = await gather(*(self.run.check(g.task, t, "evaluate", gold=True) for g, t in zip(groups, texts, strict=True)))
        return [np.array(grade, np.float32) for grade in grades]

    def answer(self, text: str) -> str | None:
        """The canonical answer in a text."""
        return self.run.answer(text)
