"""Finished score files, whichever tool wrote them, as scores by task and attempt."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import numpy as np

from selftaught.parts import BadInput, parse_options
from selftaught.scorefiles.fields import plain
from selftaught.scorefiles.tools import read_log
from selftaught.statistics.differences import Numbers
from selftaught.statistics.paired import task_means

FILE = re.compile(r"(?P<path>.+?\.(?:jsonl|json|eval|csv|tsv|parquet|xlsx))(?:,(?P<options>.*))?")
# lm-eval's results name a metric together with its filter.
BOTH = re.compile(r"(metric=[^,=]+),([^,=]+)(?=,|$)")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Scores:
    """What one file says of B tasks.

    Attributes:
        name: the file, for people.
        tasks_B: ids of the tasks, in order of first appearance.
        scores_B_n: f64[B,n], NaN where an attempt is missing or was not scored.
        marks_B: hash of each task's question, "" where the file does not hold it.
        shown_B: hashes of each task's prompt and target by name, as far as the file holds them.
        faults: why an attempt that has a row has no score, by task and column.
        settings: how the scores came about, by name.
        unfinished: why tasks may be missing, "" where the run ended well.
    """

    name: str
    tasks_B: tuple[str, ...]
    scores_B_n: Numbers
    marks_B: tuple[str, ...]
    shown_B: tuple[Mapping[str, str], ...] = ()
    faults: Mapping[tuple[str, int], str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    unfinished: str = ""

    @property
    def means_B(self) -> Numbers:
        """f64[B]: each task's mean over scored attempts, NaN where there is none."""
        return task_means(self.scores_B_n)

    def only(self, tasks: Collection[str]) -> Self:
        """The same of some of the tasks."""
        kept = [b for b, task in enumerate(self.tasks_B) if task in tasks]
        marks_B, shown_B = tuple(self.marks_B[b] for b in kept), tuple(self.shown_B[b] for b in kept) if self.shown_B else ()
        names_B = tuple(self.tasks_B[b] for b in kept)
        return replace(self, tasks_B=names_B, scores_B_n=self.scores_B_n[kept], marks_B=marks_B, shown_B=shown_B)


def is_score_file(text: str) -> bool:
    """Whether a word on the command line names a score file rather than a model."""
    return FILE.fullmatch(text) is not None


def read_scores(text: str) -> Scores:
    """Scores out of `FILE` or `FILE,metric=NAME,filter=NAME`.

    Known: jsonl or json rows with task, attempt and score; inspect logs (.eval, .json); lm-eval's samples_*.jsonl.

    Raises:
        BadInput: in one line, with the line number where a row is malformed or given twice.
    """
    found = FILE.fullmatch(text)
    if found is None:
        raise BadInput(f"'{text}' is no score file: give .jsonl, .json or .eval")
    options = parse_options(BOTH.sub(r"\1,filter=\2", found["options"] or ""))
    if unknown := sorted(set(options) - {"metric", "filter"}):
        raise BadInput(f"unknown option '{unknown[0]}' of a score file: known: filter, metric")
    log = read_log(Path(found["path"]), options.get("metric", ""), options.get("filter", ""))
    rows: dict[str, dict[int, float]] = {}
    marks: dict[str, str] = {}
    shown, faults = {}, {}
    for row in log.rows:
        mine, task = rows.setdefault(row.task, {}), plain(row.task, 40)
        if row.attempt in mine:
            raise BadInput(f"{row.where}: task '{task}' has attempt {row.attempt} twice: number its attempts")
        if marks.setdefault(row.task, row.mark) != row.mark:
            raise BadInput(f"{row.where}: task '{task}' asks something else than before: give each question an id of its own")
        mine[row.attempt] = row.score
        shown[row.task] = row.shown
        if row.fault:
            faults[row.task, row.attempt] = row.fault
    if not rows:
        raise BadInput(f"{found['path']}: no scores in it: give rows of task, attempt and score")
    columns = {attempt: i for i, attempt in enumerate(sorted({attempt for mine in rows.values() for attempt in mine}))}
    scores_B_n = np.full((len(rows), len(columns)), np.nan)
    for b, mine in enumerate(rows.values()):
        scores_B_n[b, [columns[attempt] for attempt in mine]] = list(mine.values())
    return Scores(
        name=found["path"], tasks_B=tuple(rows), scores_B_n=scores_B_n, marks_B=tuple(marks.values()), shown_B=tuple(shown.values()),
        faults={(task, columns[attempt]): fault for (task, attempt), fault in faults.items()},
        settings=log.settings, unfinished=log.unfinished,
    )  # fmt: skip
