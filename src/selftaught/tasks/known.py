"""Marks: questions that are kept apart, known by whichever source and in whichever shape they come."""

from collections.abc import Iterable
from functools import lru_cache

from selftaught.stages import TaskSource
from selftaught.tasks.data.columns import Columns
from selftaught.tasks.question import Asked
from selftaught.tasks.source import parse_source
from selftaught.types import Task, content_hash


class Marks:
    """Fingerprints of tasks under every scope that matters, so that a question is known by whichever source it comes."""

    def __init__(self, sources: Iterable[TaskSource]) -> None:
        self.readers = {str(getattr(source, "scope", source.text())): source for source in sources}
        self.taken: set[str] = set()
        self.asked = Asked()

    def of(self, task: Task) -> set[str]:
        """Every fingerprint of a task."""
        return {content_hash(scope, reader.fingerprint(task)) for scope, reader in self.readers.items()}

    def take(self, task: Task) -> None:
        """Keep a question apart from training."""
        self.taken |= self.of(task)
        self.asked.add(task.prompt, task.id)

    def holds(self, task: Task, marks: set[str]) -> bool:
        """Whether a task with these marks is one that was taken, or a prompt out of data holds one."""
        return bool(marks & self.taken) or (is_data(task.source) and bool(self.asked.met(task.prompt)))


@lru_cache(maxsize=1024)
def is_data(text: str) -> bool:
    """Whether a source's tasks come out of a file or data set."""
    return bool(text) and isinstance(parse_source(text), Columns)
