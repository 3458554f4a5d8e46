"""What a run was paid along its way: for methods that are at work while they learn."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from selftaught.parts import BadInput, part
from selftaught.protocols import Subject
from selftaught.stages import Measure
from selftaught.statistics.evaluated import evaluated
from selftaught.types import Evaluation


@part
@dataclass(frozen=True, kw_only=True)
class LastQuarter(Measure):
    """Mean reward of a run's steps in its last quarter; of its start, in its first.

    Two runs of one training seed that draw alike meet the same tasks in the same order, and are paired step by step. A step
    without a reward is left out. Read from the run's log: nothing is asked.
    """

    label: ClassVar[str] = "last quarter"
    unit: ClassVar[str] = "step"

    async def measure(self, subject: Subject) -> Evaluation:
        rewards_S = np.array([row.get("reward", np.nan) for row in subject.steps], np.float64)
        quarter = len(rewards_S) // 4
        if not quarter:
            raise BadInput(f"last-quarter: {len(rewards_S)} steps have no quarters: give the folder of a run of at least 4 steps")
        seen_Q = rewards_S[:quarter] if subject.weights == "start" else rewards_S[-quarter:]
        return evaluated(self.name, seen_Q, self.unit, subject.seed)
