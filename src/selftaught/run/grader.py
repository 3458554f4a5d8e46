"""The grader: applies a task's checker, opens seals only when asked to, and counts every reading."""

import asyncio
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from selftaught.answers.reading import gold_answer
from selftaught.answers.spelling import canonical
from selftaught.format import Format
from selftaught.run.faults import Faults
from selftaught.run.ledger import Ledger
from selftaught.seals import REMEDY, GoldReader, SealBroken
from selftaught.stages import TaskSource
from selftaught.tasks.grading.equality import compare
from selftaught.types import Purpose, Split, Task, content_hash

# Which tasks' answers may be read for what.
READABLE: Mapping[Purpose, tuple[Split, ...]] = {
    "train": ("train",), "select": ("train", "development"), "audit": ("audit", "development"),
    "evaluate": ("held-out", "development", "audit"),
}  # fmt: skip


@lru_cache(maxsize=256)
def source_of(text: str) -> TaskSource:
    """The task source a text names."""
    from selftaught.tasks.source import parse_source

    return parse_source(text)


class Grader:
    """Grades texts in [0, 1]. Checkers that run foreign code go through the killable pool, and so the journal.

    Attributes:
        declared: whether the recipe has a part that says it scores by answers.
        unsafe_checkers: run answers as code also where nothing can hold them.
    """

    def __init__(self, format: Format, ledger: Ledger, declared: bool = False) -> None:
        self.format, self.ledger, self.declared = format, ledger, declared
        self.unsafe_checkers, self.faults = False, Faults(ledger)
        self.pool: Any = None

    def reader(self, purpose: Purpose, task: Task) -> GoldReader:
        """Permission to open a task's seal, counted under the purpose.

        Raises SealBroken when training or selecting reads without having declared it, and when a purpose
        reaches for tasks that are not its own: what trains could otherwise read as if it evaluated.
        """
        if purpose in ("train", "select") and not self.declared:
            raise SealBroken(f"answers are read for '{purpose}', but no part of this recipe says so: {REMEDY}")
        if task.split not in READABLE[purpose]:
            raise SealBroken(f"purpose '{purpose}' may not read answers of {task.split} tasks, only of {' and '.join(READABLE[purpose])}")
        return GoldReader(purpose, lambda: self.ledger.gold(purpose))

    def reveal(self, task: Task, purpose: Purpose) -> str:
        """The answer, read under the purpose; "" where there is none. Raises SealBroken as `reader` does."""
        if task.sealed is None:
            return ""
        given = task.sealed.open(self.reader(purpose, task))["answer"]
        return str(given[0] if isinstance(given, tuple) else given)

    def checks_apart(self, task: Task) -> bool:
        """Whether attempts at a task are checked by the pool's processes, if this recipe has them checked."""
        return self.declared and task.checker == "gold"

    async def check(self, dispatcher: Any, task: Task, texts: Sequence[str], purpose: Purpose, gold: bool) -> list[float]:
        """See `protocols.Run.check`. NaN for all when the calls do not fit the budget; raises SealBroken as `reader` does."""
        unable = [math.nan] * len(texts)
        if task.checker == "rule":
            return self._counted([self._rule(task, text) for text in texts], purpose) if self.ledger.checks(len(texts), purpose) else unable
        if task.checker == "own":
            # What its author said is no gold: nothing is opened.
            return self._counted(self._equal(task, texts, (task.key,)), purpose) if self.ledger.checks(len(texts), purpose) else unable
        if not gold or not task.checker or task.sealed is None:
            return unable
        reader = self.reader(purpose, task)
        if not self.ledger.checks(len(texts), purpose):
            return unable
        entry = task.sealed.open(reader)
        if task.checker == "equal":
            given = entry["answer"] if isinstance(entry["answer"], tuple) else (entry["answer"],)
            return self._counted(self._equal(task, texts, given), purpose)
        format = self.format.suited(task.reads)
        # A foreign checker is sent the answer as it was written: squeezing would spoil grids and lists.
        answers = [format.extract(text, task.numeric) for text in texts]
        key = content_hash(task.id, answers, purpose)
        # The same answers to the same question, asked at the same time, are graded once.
        asked = dispatcher.waiting.get(("check", key))
        replies: list[list[Any]] = await (asked.reply if asked else dispatcher.ask("check", key, (task, answers, entry)))
        return self._counted([(float(grade), kind) for grade, kind in replies], purpose)

    def _counted(self, verdicts: Sequence[tuple[float, str]], purpose: Purpose) -> list[float]:
        """The grades; what kept a checker from giving one is counted."""
        for kind in filter(None, (kind for _, kind in verdicts)):
            self.ledger.add("failures", kind, purpose=purpose)
        self.faults.count("checks", sum(math.isnan(grade) and bool(kind) for grade, kind in verdicts), len(verdicts), purpose)
        return [grade for grade, _ in verdicts]

    def _equal(self, task: Task, texts: Sequence[str], given: Sequence[Any]) -> list[tuple[float, str]]:
        """Whether each text gives one of several accepted answers."""
        format, rights = self.format.suited(task.reads), [canonical(gold_answer(str(one))) for one in given]
        return [any_of(format.canonical(text, task.numeric), rights) for text in texts]

    def _rule(self, task: Task, text: str) -> tuple[float, str]:
        format = self.format.suited(task.reads)
        # Where an answer is no number, its spelling is the checker's to judge.
        answer = (format.canonical if task.numeric else format.extract)(text, task.numeric)
        try:
            return (0.0 if answer is None else float(source_of(task.source).check(task, answer, None))), ""
        # A checker may raise anything at an answer it was not written for; other answers are graded all the same.
        except Exception:
            return math.nan, "error"

    async def perform(self, wave: Sequence[tuple[Task, list[str | None], Any]]) -> list[list[list[Any]]]:
        """[grade, kind of failure] a text of a wave, from the pool; an attempt without an answer is wrong and is not sent."""
        from selftaught.tasks.grading.checkers import CheckerPool

        self.pool = self.pool or CheckerPool(unsafe_checkers=self.unsafe_checkers)
        calls = [(task.source, task, answer, entry) for task, answers, entry in wave for answer in answers if answer is not None]
        # In a thread: the model goes on while the pool's processes work.
        grades = iter(await asyncio.to_thread(self.pool.replies, calls))
        return [[[0.0, ""] if answer is None else list(next(grades)) for answer in answers] for _, answers, _ in wave]

    def close(self) -> None:
        """End the pool's processes."""
        if self.pool is not None:
            self.pool.close()


def any_of(answer: str | None, rights: Sequence[str]) -> tuple[float, str]:
    """(1 when the answer equals one of several accepted ones, else 0; the kind of failure where a comparison had to be ended)."""
    failed = ""
    if answer is None:
        return 0.0, failed
    for right in rights:
        value, kind = compare(answer, right)
        if value:
            return value, ""
        failed = failed or kind
    return 0.0, failed
