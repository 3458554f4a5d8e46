"""The grader: applies a task's checker, opens seals only when asked to, and counts every reading."""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from selftaught.format import Format, canonical
from selftaught.run.ledger import Ledger
from selftaught.stages import TaskSource
from selftaught.types import Purpose, Task, content_hash


@lru_cache(maxsize=256)
def source_of(text: str) -> TaskSource:
    """The task source a text names."""
    from selftaught.tasks.source import parse_source

    return parse_source(text)


class Grader:
    """Grades texts in [0, 1]. Checkers that run foreign code go through the killable pool, and so the journal."""

    def __init__(self, format: Format, ledger: Ledger) -> None:
        self.format, self.ledger = format, ledger
        self.pool: Any = None

    async def check(self, seam: Any, task: Task, texts: Sequence[str], purpose: Purpose, gold: bool) -> list[float]:
        """See `models.base.Run.check`."""
        if task.checker == "rule":
            self.ledger.add("calls", "checker", len(texts))
            return [self._rule(task, text) for text in texts]
        if not gold or not task.checker or task.sealed is None:
            return [math.nan] * len(texts)
        entry = task.sealed.open(lambda: self.ledger.gold(purpose))
        answers = [self.format.canonical(text) for text in texts]
        if task.checker == "equal":
            right = canonical(str(entry["answer"]))
            return [float(answer is not None and same(answer, right)) for answer in answers]
        # A foreign checker is sent the answer as it was written: squeezing would spoil grids and lists.
        answers = [self.format.extract(text) for text in texts]
        self.ledger.add("calls", "checker", len(texts))
        key = content_hash(task.id, answers, purpose)
        if (("check", key)) in seam.waiting:
            key = content_hash(key, seam.asked)
        replies: list[float] = await seam.ask("check", key, (task, answers, entry))
        return replies

    def _rule(self, task: Task, text: str) -> float:
        answer = self.format.canonical(text)
        return 0.0 if answer is None else source_of(task.source).check(task, answer, None)

    async def perform(self, wave: Sequence[tuple[Task, list[str | None], Any]]) -> list[list[float]]:
        """Grade a wave in the pool; an attempt without an answer is wrong and is not sent."""
        from selftaught.tasks.checkers import CheckerPool

        self.pool = self.pool or CheckerPool()
        calls = [(task.source, task, answer, entry) for task, answers, entry in wave for answer in answers if answer is not None]
        grades = iter(self.pool.grade(calls))
        return [[0.0 if answer is None else next(grades) for answer in answers] for _, answers, _ in wave]

    def close(self) -> None:
        """End the pool's processes; their failures are added to the ledger."""
        if self.pool is not None:
            for kind, count in self.pool.failures.items():
                self.ledger.add("failures", kind, count)
            self.pool.close()


def same(answer: str, right: str) -> bool:
    """Equal canonical forms, or, where both may be mathematics rather than plain numbers, equal by math-verify."""
    if answer == right:
        return True
    if not any(mark in answer + right for mark in ("\\", "/", "^", "sqrt")) or max(len(answer), len(right)) > 200:
        return False
    from math_verify import parse, verify

    try:
        # Its own time limit needs signals of the main thread; lengths are bounded above instead.
        return bool(verify(parse(f"${right}$", parsing_timeout=None), parse(f"${answer}$", parsing_timeout=None), timeout_seconds=None))
    except Exception:
        return False
