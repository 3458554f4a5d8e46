"""Self-test of graders before a run: what must pass passes, what must fail fails."""

import math
import re
from collections.abc import Callable, Sequence

from selftaught.answers.tidy import tidy
from selftaught.format import canonical
from selftaught.seals import GoldReader
from selftaught.stages import TaskSource
from selftaught.tasks.grading.checkers import CheckerPool, refuse_executing
from selftaught.tasks.source import is_unsafe
from selftaught.types import Task

RIGHT = 0.99
# Where several answers can be right, another task's answer may be one of them now and then.
LUCKY = 0.5
Case = tuple[str, Task, str, float]


def self_test(
    sources: Sequence[TaskSource], read: Callable[[], None], pool: CheckerPool | None = None, count: int = 8, unsafe_checkers: bool = False
) -> list[str]:
    """Grade known answers of a few audit tasks of each source; returns one line a problem, none when all is well.

    Args:
        sources: the sources a run uses.
        read: called for every seal that is opened; a run counts these under the purpose "audit".
        pool: where unsafe checkers run; one is made when needed.
        count: tasks a source.
        unsafe_checkers: see `refuse_executing`, which raises here, before anything is spent.
    """
    refuse_executing(sources, unsafe_checkers)
    own_pool = None
    problems: list[str] = []
    try:
        for source in sources:
            if is_unsafe(source) and pool is None:
                pool = own_pool = CheckerPool(unsafe_checkers=unsafe_checkers)
            problems += examine(source, read, pool, count)
    finally:
        if own_pool is not None:
            own_pool.close()
    return problems


def examine(source: TaskSource, read: Callable[[], None], pool: CheckerPool | None, count: int) -> list[str]:
    """Problems of one source's grader; a source without answers has none."""
    tasks = [task for task in source.draw("self-test", count, "audit") if task.sealed is not None and task.checker]
    if not tasks:
        return []
    reader = GoldReader("audit", read)
    entries = [task.sealed.open(reader) for task in tasks if task.sealed is not None]
    answers = [str(a[0] if isinstance(a := entry["answer"], tuple) else a) for entry in entries]
    numeric = source.numeric or all(re.fullmatch(r"-?\d+", canonical(answer)) for answer in answers)
    cases = [(kind, index, answer) for index in range(len(tasks)) for kind, answer in trials(answers, index, numeric)]
    values = grade(source, [(tasks[i], answer, entries[i]) for _, i, answer in cases], pool)
    graded = [(kind, tasks[i], answer, value) for (kind, i, answer), value in zip(cases, values, strict=True)]
    return judge(source, graded)


def trials(answers: Sequence[str], index: int, numeric: bool) -> list[tuple[str, str]]:
    """(kind, answer) pairs to grade for one task."""
    mine = answers[index]
    made = [("own", mine), ("read", tidy(mine)), ("empty", "")]
    others = [a for a in (*answers[index + 1 :], *answers[:index]) if canonical(a).lower() != canonical(mine).lower()]
    if others:
        made.append(("other", others[0]))
    if numeric and re.fullmatch(r"-?\d+", plain := canonical(mine)):
        made.append(("off-by-one", str(int(plain) + 1)))
    return made


def grade(source: TaskSource, calls: Sequence[tuple[Task, str, object]], pool: CheckerPool | None) -> list[float]:
    """Grades in the pool where the source is unsafe, else here; NaN where a checker raises."""
    if is_unsafe(source) and pool is not None:
        return pool.grade([(source.text(), task, answer, entry) for task, answer, entry in calls])
    values = []
    for task, answer, entry in calls:
        try:
            values.append(float(source.check(task, answer, entry)))  # type: ignore[arg-type]
        # A grader that raises is what this test is to find.
        except Exception:
            values.append(math.nan)
    return values


def judge(source: TaskSource, cases: Sequence[Case]) -> list[str]:
    """One line for each kind of answer that is graded wrongly."""
    lines = {
        "own": "its own answer fails",
        "read": "its own answer fails as the run's format reads it",
        "empty": "an empty answer is paid",
        "other": "another task's answer passes",
        "off-by-one": "an answer that is off by one passes",
    }
    problems: list[str] = []
    for kind, line in lines.items():
        mine = [case for case in cases if case[0] == kind]
        if kind in ("own", "read"):
            bad = [case for case in mine if not case[3] >= RIGHT]
        elif kind == "empty":
            bad = [case for case in mine if case[3] > 0]
        else:
            bad = [case for case in mine if case[3] >= RIGHT]
        allowed = LUCKY * len(mine) if kind == "other" and source.checker != "equal" else 0
        if len(bad) > allowed and not (kind == "read" and problems):
            _, task, answer, value = bad[0]
            example = f"e.g. {answer[:40]!r} gets {value:g} for {task.text[:60]!r}"
            problems.append(f"{source.text()}: {line} in {len(bad)} of {len(mine)}, {example}")
    return problems
