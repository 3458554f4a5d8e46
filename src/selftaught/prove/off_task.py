"""Off-task families: was anything unlearned? One row a family, Holm over all of them."""

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Any

import numpy as np

from selftaught.prove.record import Side
from selftaught.statistics.differences import Numbers, crossed_p, holm
from selftaught.statistics.paired import compare, task_means

Pair = tuple[Side, Side]
MARGIN = 0.03


def family_rows(
    pairs: Sequence[Pair], *, seed: int = 0, level: float = 0.95, margin: float = MARGIN, draws: int = 10_000
) -> list[dict[str, Any]]:
    """How each family of tasks fared at the stated sampler, and whether it is shown to be worse by more than the margin.

    The one-sided p of "not worse than the margin" is the paired t test's over tasks (with several pairs on a family's
    tasks, one a training seed: tasks and seeds crossed), Holm-adjusted over the families. `worse` at 1 - level. A family
    with fewer than two graded tasks gives no row.

    Args:
        pairs: (before, after) on the same tasks; `Side.families_B` says which family each task is of.
        seed: of the resampling.
        level: two-sided confidence of low and high.
        margin: a loss within it is borne, as a fraction.
        draws: resamples of an interval.

    Returns:
        Rows {family, before, after, gain, low, high, p, holm, worse}, in the order the families come.
    """
    found: dict[str, list[tuple[Numbers, Numbers]]] = {}
    for before, after in pairs:
        if before.tasks_B != after.tasks_B or before.settings != after.settings:
            raise ValueError("both sides of an off-task pair need the same tasks in the same order and stated sampler")
        width = min(before.correct_B_n.shape[1], after.correct_B_n.shape[1])
        start_B, end_B = (task_means(side.correct_B_n[:, :width]) for side in (before, after))
        families_B = np.array(before.families_B or ("",) * len(start_B))
        for family in dict.fromkeys(families_B.tolist()):
            found.setdefault(family, []).append((start_B[families_B == family], end_B[families_B == family]))
    rows: list[dict[str, Any]] = []
    for family, sides in found.items():
        start_S_B, end_S_B = (np.stack(values) for values in zip(*sides, strict=True))
        diff_S_B = (end_S_B - start_S_B)[:, np.isfinite(end_S_B - start_S_B).all(axis=0)]
        if diff_S_B.shape[1] > 1:
            pair = compare(start_S_B, end_S_B, seed, level, draws)
            numbers = {key: getattr(pair, key) for key in ("before", "after", "gain", "low", "high")}
            rows.append({"family": family, **numbers, "p": worse_p(diff_S_B, margin)})
    for row, adjusted in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row |= {"holm": adjusted, "worse": bool(adjusted < 1 - level)}
    return rows


def worse_p(diff_S_B: Numbers, margin: float = MARGIN) -> float:
    """One-sided p of "the mean difference is not below -margin", from differences per training seed and task."""
    from scipy.special import stdtr

    above_S_B = diff_S_B + margin
    if len(above_S_B) > 1:
        p = crossed_p(above_S_B) / 2
        return p if above_S_B.mean() < 0 else 1 - p
    mean, sd, count = float(above_S_B.mean()), float(above_S_B.std(ddof=1)), above_S_B.shape[1]
    return float(stdtr(count - 1, mean / sd * sqrt(count))) if sd > 0 else float(mean >= 0)


def rows_of(off_task: Sequence[Pair | Mapping[str, Any]], **options: Any) -> list[dict[str, Any]]:
    """Off-task rows from pairs of sides, or as they are when they were made before."""
    made = [dict(row) for row in off_task if isinstance(row, Mapping)]
    pairs = [pair for pair in off_task if not isinstance(pair, Mapping)]
    return made + (family_rows(pairs, **options) if pairs else [])


def worse_words(rows: Sequence[Mapping[str, Any]]) -> str:
    """`, but worse on A and B`; empty when no family is."""
    names = [str(row["family"]) for row in rows if row["worse"]]
    return f", but worse on {' and '.join(names)}" if names else ""
