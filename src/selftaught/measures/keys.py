"""What a model's own questions are worth: how many can be asked, and how many have the wrong key."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from selftaught.parts import BadInput, part
from selftaught.protocols import Subject
from selftaught.stages import Measure
from selftaught.statistics.evaluated import evaluated
from selftaught.types import Evaluation, Group, Task, content_hash


async def proposed(subject: Subject, count: int) -> list[tuple[Task, Sequence[Group]]]:
    """Training tasks, each with the groups at questions that were written for it."""
    sources: dict[str, Any] = {source.text(): source for source in subject.sources if hasattr(source, "truth")}
    if not sources:
        raise BadInput("questions are told right from wrong by sources that know: give --tasks pages:world=0")
    tasks = subject.run.pool.draw(random.Random(content_hash("keys", subject.seed)), count)
    groups = await subject.made(tasks)
    of_task = {group.task.id: {attempt.id for attempt in group.attempts_G} for group in groups if group.task.origin == "data"}
    return [(task, [group for group in groups if group.key in of_task.get(task.id, ())]) for task in tasks]


@part
@dataclass(frozen=True, kw_only=True)
class WrongKeys(Measure):
    """Share of a method's accepted questions whose own answer is not the right one, by a source that knows the truth.

    A question the source cannot read has no right answer, so its key is wrong. A task for which nothing was accepted is not
    measured. Asked of training tasks, which only the author of a question sees.

    Attributes:
        tasks: how many tasks, 1 to 100,000.
    """

    label: ClassVar[str] = "wrong keys"
    higher: ClassVar[bool] = False
    tasks: int = 200

    def __post_init__(self) -> None:
        if not 1 <= self.tasks <= 100_000:
            raise BadInput(f"{self.name}: tasks={self.tasks} must be 1 to 100000")

    async def measure(self, subject: Subject) -> Evaluation:
        truths: dict[str, Any] = {source.text(): source.truth for source in subject.sources if hasattr(source, "truth")}
        found = [
            [float(truths[group.task.source](group.task.text) != group.task.key) for group in groups]
            for _, groups in await proposed(subject, self.tasks)
        ]
        return evaluated(self.name, np.array([np.mean(wrong) if wrong else np.nan for wrong in found]), self.unit, subject.seed)


@part
@dataclass(frozen=True, kw_only=True)
class Proposed(Measure):
    """Share of training tasks for which a method accepts at least one question of its own.

    Attributes:
        tasks: how many tasks, 1 to 100,000.
    """

    label: ClassVar[str] = "questions accepted"
    tasks: int = 200

    def __post_init__(self) -> None:
        if not 1 <= self.tasks <= 100_000:
            raise BadInput(f"{self.name}: tasks={self.tasks} must be 1 to 100000")

    async def measure(self, subject: Subject) -> Evaluation:
        found = [float(bool(groups)) for _, groups in await proposed(subject, self.tasks)]
        return evaluated(self.name, np.array(found), self.unit, subject.seed)
