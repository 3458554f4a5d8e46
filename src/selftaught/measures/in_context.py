"""What documents in the context are worth: questions answered with all of them before the question, and with none."""

from asyncio import gather
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from selftaught.parts import BadInput, part
from selftaught.protocols import Subject
from selftaught.stages import Measure
from selftaught.statistics.evaluated import evaluated
from selftaught.types import Evaluation, Message, SampleRequest


@part
@dataclass(frozen=True, kw_only=True)
class InContext(Measure):
    """Share of right answers of a model, asked plainly, with every document of its task sources as a system turn.

    The upper line of what is studied into weights, at the price of reading all documents with each question (cartridges,
    arXiv:2506.06266). Its baseline is the same questions without the documents.

    Attributes:
        n: attempts a question, whose noise both share.

    Raises:
        BadInput: for n below 1; for task sources without documents.
    """

    paper: ClassVar[str] = "arXiv:2506.06266"
    label: ClassVar[str] = "documents in the context"
    baseline: ClassVar[str] = "an empty context"
    n: int = 4

    def __post_init__(self) -> None:
        if self.n < 1:
            raise BadInput(f"in-context: n={self.n} must be at least 1")

    async def measure(self, subject: Subject) -> Evaluation:
        documents = [document for source in subject.sources for document in source.documents()]
        if not documents:
            raise BadInput(f"'{self.name}' needs documents, and these tasks are about none: give --tasks docs:FOLDER or records:people=24")
        return await self.asked(subject, "whole", (Message("system", "\n\n".join(documents)),))

    async def measure_baseline(self, subject: Subject) -> Evaluation:
        return await self.asked(subject, "empty", ())

    async def asked(self, subject: Subject, mark: str, before: tuple[Message, ...]) -> Evaluation:
        """All questions behind some turns."""
        requests = [
            SampleRequest(
                key=f"in-context/{mark}/{subject.weights}/{task.id}", task=task, messages=(*before, *task.messages), n=self.n,
                settings=subject.settings, weights=subject.weights, noise=f"in-context/{subject.seed}/{task.id}",
            )
            for task in subject.tasks
        ]  # fmt: skip
        replies = zip(subject.tasks, await subject.model.sample(requests), strict=True)
        graded = [subject.run.check(task, [a.text for a in attempts], "evaluate", gold=True) for task, attempts in replies]
        right_B_n = np.array(await gather(*graded), np.float32) >= 1
        return evaluated(self.name if before else self.baseline, right_B_n.astype(np.float32), seed=subject.seed)
