"""Whether anything was learned at all."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from selftaught.parts import part
from selftaught.protocols import Subject
from selftaught.stages import Measure
from selftaught.statistics.evaluated import evaluated
from selftaught.types import Evaluation


@part
@dataclass(frozen=True, kw_only=True)
class WeightsChanged(Measure):
    """1 where the weights differ from the start's in any bit, 0 where they are its own; one number a run."""

    label: ClassVar[str] = "weights changed"
    unit: ClassVar[str] = "seed"
    share: ClassVar[bool] = False
    higher: ClassVar[bool] = False
    takes: ClassVar[str] = ""

    async def measure(self, subject: Subject) -> Evaluation:
        differ = subject.model.digest(subject.weights) != subject.model.digest("start")
        return evaluated(self.name, np.array([differ], np.float64), self.unit, subject.seed)
