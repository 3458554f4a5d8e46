"""Documents: task sources whose tasks are about texts that can be searched."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from selftaught.format import canonical
from selftaught.prompts import WRITE_QUESTION
from selftaught.stages import TaskSource
from selftaught.tasks.text import make_task, text_fingerprint
from selftaught.types import Split, Task


@dataclass(frozen=True, kw_only=True)
class Documents(TaskSource):
    """Texts, questions about those that are held out, and answers to write questions for about the others.

    A training task shows an answer and asks for a question that has it: its `key` is no secret, and nobody grades the task
    itself. Tasks of the other splits are questions with a sealed answer.
    """

    checker = "equal"

    @abstractmethod
    def library(self, split: Split) -> tuple[str, ...]:
        """What may be searched for a task of a split, in a fixed order: while training, nothing that is held out."""

    def truth(self, question: str) -> str | None:
        """The right answer to a question that anybody wrote, for measurements; None where this source cannot tell."""
        return None

    def fingerprint(self, task: Task) -> str:
        return text_fingerprint(task.prompt)

    def check(self, task: Task, answer: str, entry: Mapping[str, Any] | None) -> float:
        return float("nan") if entry is None else float(canonical(answer) == canonical(str(entry["answer"])))

    def asked(self, question: str, answer: str, split: Split) -> Task:
        """A question with its answer sealed."""
        return make_task(question, self.text(), split, {"answer": answer})

    def sought(self, answer: str, split: Split) -> Task:
        """An answer that wants a question."""
        return replace(make_task(WRITE_QUESTION + answer, self.text(), split), key=answer)
