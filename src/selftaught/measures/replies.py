"""How often a method's replies are right: tools, memory and decision in it, on both sides."""

from dataclasses import dataclass
from typing import ClassVar

from selftaught.measures.right import refuse_attempts
from selftaught.parts import part
from selftaught.protocols import Subject
from selftaught.stages import Measure
from selftaught.statistics.evaluated import evaluated
from selftaught.types import Evaluation


@part
@dataclass(frozen=True, kw_only=True)
class Replies(Measure):
    """Share of right replies of a run's whole method at the stated sampler; its baseline is the model asked plainly, without it.

    Attributes:
        n: replies a task, 1 to 1024.
    """

    label: ClassVar[str] = "replies of the method"
    baseline: ClassVar[str] = "asked plainly"
    n: int = 4

    def __post_init__(self) -> None:
        refuse_attempts(f"{self.name}: n", self.n, 1)

    async def measure(self, subject: Subject) -> Evaluation:
        return evaluated(self.name, (await subject.replied(self.n)).correct_B_n, seed=subject.seed)

    async def measure_baseline(self, subject: Subject) -> Evaluation:
        return evaluated(self.baseline, (await subject.answered(self.n)).correct_B_n, seed=subject.seed)
