"""Two score files side by side: are they about the same thing, and what of it did only one of them score?

A score that is missing on one side only is never dropped in silence, as a model that fails on its hard tasks would
gain by it.
"""

from collections import Counter
from typing import NamedTuple

import numpy as np

from selftaught.parts import BadInput
from selftaught.scorefiles.fields import plain
from selftaught.scorefiles.scores import Scores
from selftaught.statistics.differences import Numbers
from selftaught.statistics.paired import Paired, task_means

REFUSE, WRONG, COMMON = "refuse", "wrong", "common"
ABSENT = "no row"


class Matched(NamedTuple):
    """Both sides on the tasks of either, with NaN where there is no score.

    Attributes:
        tasks_B: all tasks, those of the first side first.
        sides: f64[B,n] and f64[B,m].
        alone: bool[B,n] and bool[B,m], an attempt without a score that the other side has one of, or never drew.
        absent: bool[B] twice, a task without a row in that file.
        both_B: bool[B], a task with an attempt that neither side scored.
    """

    tasks_B: tuple[str, ...]
    sides: tuple[Numbers, Numbers]
    alone: tuple[Numbers, Numbers]
    absent: tuple[Numbers, Numbers]
    both_B: Numbers

    def lacking(self, side: int) -> Numbers:
        """bool[B]: tasks of which this side alone lacks a score."""
        return np.asarray(self.alone[side].any(axis=1) | self.absent[side])

    def counts(self) -> tuple[int, int, int]:
        """Tasks that lack a score before alone, after alone, and on both sides."""
        return int(self.lacking(0).sum()), int(self.lacking(1).sum()), int(self.both_B.sum())

    def filled(self, worst: float) -> tuple[Numbers, Numbers]:
        """f64[B] task means of both sides, each score that one side alone lacks being the worst there is."""
        return tuple(task_means(np.where(hole, worst, side)) for side, hole in zip(self.sides, self.alone, strict=True))  # type: ignore[return-value]

    def cut(self) -> tuple[Numbers, Numbers]:
        """f64[B] task means of both sides over what both scored; a score that one alone lacks is left out of the other."""
        width = min(side.shape[1] for side in self.sides)
        gone = self.alone[0][:, :width] | self.alone[1][:, :width]
        kept = []
        for side, absent_B in zip(self.sides, reversed(self.absent), strict=True):
            side = side.copy()
            side[:, :width][gone] = np.nan
            side[absent_B] = np.nan
            kept.append(task_means(side))
        return kept[0], kept[1]


class Scale(NamedTuple):
    """How scores become fractions of which more is better, and back."""

    low: float
    high: float
    lower: bool

    @property
    def size(self) -> float:
        return (self.high - self.low) or 1.0

    def down(self, values: Numbers) -> Numbers:
        """Scores as fractions."""
        return (self.high - values if self.lower else values - self.low) / self.size

    def up(self, pair: Paired) -> Paired:
        """Numbers of fractions as numbers of scores."""
        sign, start = (-self.size, self.high) if self.lower else (self.size, self.low)
        low, high = sorted((sign * pair.low, sign * pair.high))
        before, after = start + sign * pair.before, start + sign * pair.after
        return pair._replace(before=before, after=after, gain=sign * pair.gain, low=low, high=high)


def match(before: Scores, after: Scores, same: bool = False) -> Matched:
    """The two files task by task, attempt by attempt in the order of their numbers.

    Raises:
        BadInput: see `same_questions`.
    """
    files = (before, after)
    rows = [{task: b for b, task in enumerate(side.tasks_B)} for side in files]
    tasks_B = tuple(dict.fromkeys([*before.tasks_B, *after.tasks_B]))
    same_questions(before, after, same)
    sides = []
    for side, row in zip(files, rows, strict=True):
        values = np.full((len(tasks_B), side.scores_B_n.shape[1]), np.nan)
        for b, task in enumerate(tasks_B):
            if task in row:
                values[b] = side.scores_B_n[row[task]]
        sides.append(values)
    width = min(side.shape[1] for side in sides)
    holes = [np.isnan(side) for side in sides]
    both = holes[0][:, :width] & holes[1][:, :width]
    alone = []
    for hole in holes:
        mine = hole.copy()
        mine[:, :width] &= ~both
        alone.append(mine)
    absent = [np.array([task not in row for task in tasks_B], bool) for row in rows]
    return Matched(tasks_B, (sides[0], sides[1]), (alone[0], alone[1]), (absent[0], absent[1]), both.any(axis=1))


def alike(before: Scores, after: Scores, free: tuple[str, ...] = ()) -> None:
    """Refuse two files that came about differently, as far as both say how; `free` are settings that may differ."""
    for name in before.settings:
        if name in after.settings and name not in free and before.settings[name] != after.settings[name]:
            values = " and ".join(plain(side.settings[name]) or "none" for side in (before, after))
            raise BadInput(
                f"{before.name} and {after.name} differ in {name} ({values}): score both sides alike, or give --same to say that they are"
            )


def same_questions(before: Scores, after: Scores, same: bool) -> None:
    """Refuse one id for two questions, and, unless `same`, one question with two prompts or two targets."""
    rows = [{task: b for b, task in enumerate(side.tasks_B)} for side in (before, after)]
    shared = [task for task in before.tasks_B if task in rows[1]]
    differ: Counter[str] = Counter()
    for task in shared:
        b, a = rows[0][task], rows[1][task]
        if before.marks_B[b] and after.marks_B[a] and before.marks_B[b] != after.marks_B[a]:
            told = f"task '{plain(task, 40)}' is one question in {before.name} and another in {after.name}"
            raise BadInput(f"{told}: compare logs of the same tasks")
        if before.shown_B and after.shown_B:
            theirs = after.shown_B[a]
            differ.update(name for name, mark in before.shown_B[b].items() if mark and theirs.get(name) and mark != theirs[name])
    if differ and not same:
        name, count = differ.most_common(1)[0]
        cause = " (few-shot examples, template or system turn)" if name == "prompt" else ""
        raise BadInput(
            f"the {name}s of {count} of {len(shared)} tasks differ between {before.name} and {after.name}{cause}: "
            "score both sides alike, or give --same to say that they are"
        )


def refuse_missing(before: Scores, after: Scores, found: Matched) -> None:
    """Refuse scores that one side alone lacks, saying how many, on which side and why."""
    told = []
    for side, (mine, other) in enumerate(((before, after), (after, before))):
        absent_B, alone = found.absent[side], found.alone[side] & ~found.absent[side][:, None]
        if absent_B.any():
            named = [plain(task, 40) for task, gone in zip(found.tasks_B, absent_B, strict=True) if gone]
            listed = ", ".join(named[:5]) + (", ..." if len(named) > 5 else "")
            told.append(f"{len(named)} of {len(other.tasks_B)} tasks of {other.name} are not in {mine.name} ({listed})")
        if alone.any():
            kinds = Counter(mine.faults.get((found.tasks_B[b], int(i)), ABSENT) for b, i in zip(*np.nonzero(alone), strict=True))
            why = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
            told.append(f"{int(alone.any(axis=1).sum())} of {len(found.tasks_B)} tasks lack scores in {mine.name} alone ({why})")
    if told:
        remedy = "score the same tasks on both sides, or give --missing wrong to count them wrong, or --common to compare what both have"
        raise BadInput(f"{'; '.join(told)}: {remedy}")
    for mine in (before, after):
        if mine.unfinished:
            remedy = "finish it with `inspect eval-retry`, or give --common to compare what is there"
            raise BadInput(f"{mine.name}: {mine.unfinished}: {remedy}")
