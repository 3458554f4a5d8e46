"""Finished score files as sides of the gate: read them, pair them by task, decide.

A file knows one sampler. Whether a gain survives when each side is decoded at its best takes two further files; without
them the verdict says that nobody checked.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from selftaught.evaluate.evallogs import read_rows
from selftaught.evaluate.gate import not_tested
from selftaught.evaluate.paired import Paired, compare, largest, needed, task_means
from selftaught.evaluate.stats import Numbers, smallest_effect
from selftaught.parts import BadInput, parse_options

FILE = re.compile(r"(?P<path>.+?\.(?:jsonl|json|eval))(?:,(?P<options>.*))?")
UNCHECKED = "at the sampler these files were drawn with; nobody checked the best decoding"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Scores:
    """What one file says of B tasks.

    Attributes:
        name: the file, for people.
        tasks_B: ids of the tasks, in order of first appearance.
        scores_B_n: f64[B,n], NaN where an attempt is missing or was not scored.
        marks_B: hash of each task's question, "" where the file does not hold it.
    """

    name: str
    tasks_B: tuple[str, ...]
    scores_B_n: Numbers
    marks_B: tuple[str, ...]

    @property
    def means_B(self) -> Numbers:
        """f64[B]: each task's mean over scored attempts, NaN where there is none."""
        return task_means(self.scores_B_n)


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
    options = parse_options(found["options"] or "")
    if unknown := sorted(set(options) - {"metric", "filter"}):
        raise BadInput(f"unknown option '{unknown[0]}' of a score file: known: filter, metric")
    attempts: dict[str, dict[int, float]] = {}
    marks: dict[str, str] = {}
    for row in read_rows(Path(found["path"]), options.get("metric", ""), options.get("filter", "")):
        mine = attempts.setdefault(row.task, {})
        if row.attempt in mine:
            raise BadInput(f"{row.where}: task '{row.task}' has attempt {row.attempt} twice: number its attempts")
        if marks.setdefault(row.task, row.mark) != row.mark:
            raise BadInput(f"{row.where}: task '{row.task}' asks something else than before: give each question an id of its own")
        mine[row.attempt] = row.score
    if not attempts:
        raise BadInput(f"{found['path']}: no scores in it")
    scores_B_n = np.full((len(attempts), max(map(len, attempts.values()))), np.nan)
    for b, mine in enumerate(attempts.values()):
        scores_B_n[b, : len(mine)] = [mine[attempt] for attempt in sorted(mine)]
    return Scores(name=found["path"], tasks_B=tuple(attempts), scores_B_n=scores_B_n, marks_B=tuple(marks.values()))


def compare_scores(
    before: Scores, after: Scores, *, best: tuple[Scores, Scores] | None = None, common: bool = False, seed: int = 0,
    level: float = 0.95, margin: float = 0.05, draws: int = 10_000,
) -> dict[str, Any]:  # fmt: skip
    """The verdict on two score files: paired by task, each task's value its mean over attempts.

    `improved` needs every interval there is above zero: the files' own, and the best decoding's where given. Scores
    in [0, 1] are told as percentages; others as they are, and then the margin is a part of the range they span.

    Args:
        before: the base's scores.
        after: the candidate's.
        best: the same two at each one's best decoding.
        common: compare tasks both sides have, instead of refusing when some are missing.
        seed: of the resampling.
        level: two-sided confidence.
        margin: a change within it is called no change.
        draws: resamples of each interval and p.

    Returns:
        The keys of `gate.verdict`; what files cannot tell is None.

    Raises:
        BadInput: tasks that one side lacks, or that ask different questions under one id.
    """
    named = {"as drawn": (before, after)} | ({"at best decoding": best} if best else {})
    values = {name: matched(*pair, common=common) for name, pair in named.items()}
    span = np.concatenate([side_B for pair in values.values() for side_B in pair])
    span = span[np.isfinite(span)]
    fraction = bool(len(span)) and bool((span >= 0).all() and (span <= 1).all())
    reach = margin if fraction else margin * float(span.max() - span.min()) if len(span) else margin
    pairs: dict[str, Paired] = {}
    ungraded = 0
    for name, (start_B, end_B) in values.items():
        kept_B = np.isfinite(start_B) & np.isfinite(end_B)
        if kept_B.sum() < 2:
            return not_tested(f"only {kept_B.sum()} of {len(kept_B)} tasks were scored on both sides ({name})")
        ungraded = max(ungraded, int((~kept_B).sum()))
        pairs[name] = compare(start_B[None], end_B[None], seed, level, draws)
    stated, at_best = pairs["as drawn"], pairs.get("at best decoding")
    word = decide(list(pairs.values()), reach, level, fraction)
    kind = "decoding" if at_best and stated.low > 0 >= at_best.low else ""
    tail = ": only the first shows a gain, so the sampler explains it" if kind else ""
    first = f"{word[0].upper()}{word[1:]}"
    if at_best:
        sentence = f"{first}: {told(stated, fraction)} as drawn, {told(at_best, fraction)} with each side at its best decoding{tail}."
    else:
        sentence = f"{first} {UNCHECKED}: {told(stated, fraction)}."
    empty = not_tested("")
    return empty | stated.record() | {
        "verdict": word, "kind": kind, "sentence": sentence, "metric": "score",
        "best": empty["best"] | (at_best.record() if at_best else {}) | {"metric": "score"},
        "best_checked": at_best is not None, "tasks": stated.tasks, "ungraded": ungraded,
        "smallest_effect": max(smallest_effect(pair.sd, pair.tasks, level=level) for pair in pairs.values()),
        "files": {"before": before.name, "after": after.name}, "fraction": fraction, "margin": reach,
    }  # fmt: skip


def matched(before: Scores, after: Scores, common: bool = False) -> tuple[Numbers, Numbers]:
    """f64[B] task means of both sides on the tasks they share, in the order of the first.

    Raises:
        BadInput: see `compare_scores`.
    """
    rows = [{task: b for b, task in enumerate(side.tasks_B)} for side in (before, after)]
    for mine, other, side, against in ((rows[0], rows[1], before, after), (rows[1], rows[0], after, before)):
        lacking = [task for task in mine if task not in other]
        if lacking and not common:
            named = ", ".join(task[:40] for task in lacking[:5]) + (", ..." if len(lacking) > 5 else "")
            raise BadInput(
                f"{len(lacking)} of {len(mine)} tasks of {side.name} are not in {against.name} ({named}): "
                "score the same tasks on both sides, or give --common to compare those that are in both"
            )
    shared = [task for task in before.tasks_B if task in rows[1]]
    for task in shared:
        marks = before.marks_B[rows[0][task]], after.marks_B[rows[1][task]]
        if all(marks) and marks[0] != marks[1]:
            differ = f"task '{task[:40]}' is one question in {before.name} and another in {after.name}"
            raise BadInput(f"{differ}: compare logs of the same tasks")
    mean_B = [side.means_B[[row[task] for task in shared]] for side, row in zip((before, after), rows, strict=True)]
    return mean_B[0], mean_B[1]


def decide(pairs: Sequence[Paired], margin: float, level: float, fraction: bool) -> str:
    """The verdict's words over all intervals there are; see `gate.verdict`."""
    if all(pair.low > 0 for pair in pairs):
        return "improved"
    if any(pair.high < 0 for pair in pairs):
        return "worse"
    most = {pair: largest(pair) if fraction else max(abs(pair.low), abs(pair.high)) for pair in pairs if pair.low <= 0}
    if (top := max(most.values())) <= margin:
        return f"no change larger than {100 * top:.1f} points" if fraction else f"no change larger than {top:.3g}"
    return f"can't tell (needs {max(needed(pair, margin, level) for pair in most if most[pair] > margin)} tasks)"


def told(pair: Paired, fraction: bool) -> str:
    """The numbers of a pair, in percent or as they are."""
    return pair.words() if fraction else f"{pair.before:.4g} to {pair.after:.4g} ({pair.gain:+.3g}, {pair.low:.3g} to {pair.high:.3g})"
