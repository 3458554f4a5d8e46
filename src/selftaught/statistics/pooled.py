"""Recipes side by side: differences pooled over training seeds and tasks, Holm over a table, letters for what is not told apart."""

import math
from collections.abc import Collection, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from selftaught.statistics.differences import Numbers, holm
from selftaught.statistics.intervals import FEW, estimate

LEVEL = 0.95


class Pooled(NamedTuple):
    """Mean difference over seeds and tasks, its interval, two-sided p, how many seeds are above zero, and each seed's mean."""

    gain: float
    low: float
    high: float
    p: float
    positive: int
    by_seed: tuple[float, ...]


def pooled(diff_S_B: Numbers, level: float = LEVEL) -> Pooled:
    """Differences of S trainings on the same B tasks: crossed over both, or over tasks alone when there is one seed.

    Args:
        diff_S_B: one difference per seed and task; tasks with a NaN in any seed are left out.
        level: two-sided confidence, in (0, 1).

    Raises:
        ValueError: fewer than two complete tasks.
    """
    diff_S_B = np.atleast_2d(np.asarray(diff_S_B, np.float64))
    diff_S_B = diff_S_B[:, np.isfinite(diff_S_B).all(axis=0)]
    mean_S = diff_S_B.mean(axis=1)
    low, high, p = estimate(diff_S_B, 0, level)
    return Pooled(float(diff_S_B.mean()), low, high, p, int((mean_S > 0).sum()), tuple(float(m) for m in mean_S))


def over_seeds(values_S: Sequence[float], level: float = LEVEL) -> Pooled:
    """The same for one number a seed: the t interval over seeds.

    Raises:
        ValueError: fewer than two seeds.
    """
    from scipy.special import stdtr, stdtrit

    values = np.asarray(values_S, np.float64)
    if len(values) < 2:
        raise ValueError("one number a seed needs two seeds or more")
    mean, error, df = float(values.mean()), float(values.std(ddof=1)) / math.sqrt(len(values)), len(values) - 1
    half = float(stdtrit(df, 0.5 + level / 2)) * error
    p = 2 * float(stdtr(df, -abs(mean) / error)) if error else float(mean == 0)
    return Pooled(mean, mean - half, mean + half, p, int((values > 0).sum()), tuple(float(v) for v in values))


def told_apart(values: Mapping[str, Numbers], level: float = LEVEL) -> set[frozenset[str]]:
    """Pairs of names whose values differ, after Holm over all pairs; every value is [S, B] on the same seeds and tasks."""
    pairs = list(combinations(values, 2))
    adjusted = holm([pooled(np.asarray(values[a]) - np.asarray(values[b]), level).p for a, b in pairs])
    return {frozenset(pair) for pair, p in zip(pairs, adjusted, strict=True) if p <= 1 - level}


def letters(names: Sequence[str], apart: Collection[frozenset[str]]) -> dict[str, str]:
    """Compact letter display: two names share a letter exactly when they are not told apart.

    Insert and absorb (Piepho 2004, https://doi.org/10.1198/1061860043515): begin with one column of all names, split
    every column that holds a separated pair, drop columns within another. `names` go from best to worst; a column's
    letter follows its best name.
    """
    columns: list[frozenset[str]] = [frozenset(names)]
    for pair in sorted(apart, key=sorted):
        split = [part for column in columns for part in ([column - {n} for n in sorted(pair)] if pair <= column else [column])]
        columns = [c for i, c in enumerate(split) if not any(c < other or (c == other and j < i) for j, other in enumerate(split))]
    rank = {name: i for i, name in enumerate(names)}
    columns.sort(key=lambda column: sorted(rank[name] for name in column))
    marks = [chr(ord("a") + i) if i < 26 else f"({i + 1})" for i in range(len(columns))]
    return {name: "".join(mark for mark, column in zip(marks, columns, strict=True) if name in column) for name in names}


def words(
    stated: Mapping[str, Any], best: Mapping[str, Any], reach: Mapping[str, Any] | None, adjusted: float, tasks: int, margin: float = 0.05
) -> tuple[str, str]:
    """Verdict and kind of a row of the table.

    `improved` needs ten tasks, both intervals above zero and the larger of the two p-values, adjusted over the table, at 0.05 or
    below; `worse` needs one interval below zero. Else `no change larger than X` when everything not excluded is within the
    margin, else `can't tell`.

    Args:
        stated: gain, low and high at the stated sampler.
        best: the same with each side at its own best decoding.
        reach: the same of pass@16, None when it was not drawn.
        adjusted: the row's p after Holm.
        tasks: how many held-out tasks there are.
        margin: a change within it is called no change, as a fraction.
    """
    kind = "decoding" if stated["low"] > 0 >= best["low"] else ""
    if stated["low"] > 0 and best["low"] > 0 and tasks >= FEW and adjusted <= 1 - LEVEL:
        return "improved", "" if reach is None else "new" if reach["low"] > 0 else "sharpened"
    if stated["high"] < 0 or best["high"] < 0:
        return "worse", kind
    largest = max(abs(side[end]) for side in (stated, best) for end in ("low", "high"))
    return (f"no change larger than {100 * largest:.1f} points" if largest <= margin else "can't tell"), kind
