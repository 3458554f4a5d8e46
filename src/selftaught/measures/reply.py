"""How often what a method replies is right."""

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
class ReplyRight(Measure):
    """Share of held-out tasks whose one reply is right, by the recipe's whole method: explore, read, decide.

    The start replies by the method with what it remembered at first, where that is what changes, else plainly. Noise is that of the
    evaluation and the run's seed, so that two recipes of one seed are paired, and seeds of a recipe that learns nothing differ.

    Attributes:
        tasks: how many held-out tasks, the first ones.
    """

    name: ClassVar[str] = "reply"
    label: ClassVar[str] = "one reply"
    tasks: int = 120

    def __post_init__(self) -> None:
        refuse_attempts(f"{self.name}: tasks", self.tasks, 2)

    async def measure(self, subject: Subject) -> Evaluation:
        return evaluated(self.name, await subject.right_replies(self.tasks), seed=subject.seed)
