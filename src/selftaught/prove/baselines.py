"""What decoding alone makes of a side: greedy, best decoding, votes and best-of-k, pass@k."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from selftaught.prove.record import Side
from selftaught.statistics.differences import Numbers, bootstrap_interval
from selftaught.statistics.metrics import best_of_k, pass_at_k, vote_at_k
from selftaught.statistics.paired import task_means

PASSES = (1, 4, 16)
VOTES = (1, 2, 4, 8, 16)
NAMES = ("greedy", "best_temperature", "vote_k", "best_of_k")


def width_of(sides: Sequence[Side]) -> int:
    """Attempts a task at the stated sampler that all sides have."""
    return min(int(side.correct_B_n.shape[1]) for side in sides)


def over_seeds(sides: Sequence[Side], of: Callable[[Side], Numbers]) -> Numbers:
    """f64[B]: a per-task number, its mean over sides; a side that comes several times is asked once."""
    asked = {id(side): np.asarray(of(side), np.float64) for side in {id(side): side for side in sides}.values()}
    return np.asarray(np.mean([asked[id(side)] for side in sides], axis=0))


def mean_of(values_B: Numbers, kept_B: Numbers) -> float | None:
    """Mean over the kept tasks that have a value; None when none has."""
    left_B = values_B[kept_B & np.isfinite(values_B)]
    return float(left_B.mean()) if len(left_B) else None


def passes_of(sides: Sequence[Side], kept_B: Numbers) -> dict[int, float | None]:
    """pass@k from all attempts of the sides, None for a k they were not drawn for."""

    def passed(k: int) -> float | None:
        return mean_of(over_seeds(sides, lambda side: pass_at_k(side.correct_B_n, k)), kept_B)

    return {k: passed(k) if k <= width_of(sides) else None for k in PASSES}


def votes_of(sides: Sequence[Side], k: int, seed: int) -> Numbers:
    """f64[B]: how often the majority of k attempts is right."""
    return over_seeds(sides, lambda side: vote_at_k(side.answers_B_n, side.correct_B_n, k, np.random.default_rng(seed)))


def vote_curve(starts: Sequence[Side], kept_B: Numbers, seed: int) -> dict[int, float | None]:
    """Accuracy of a vote of 1, 2, 4, 8 and 16 of the start's attempts by subsampling; None beyond those drawn."""
    width = width_of(starts)
    return {k: mean_of(votes_of(starts, k, seed), kept_B) if k <= width else None for k in VOTES}


def best_means(side: Side, other: Side) -> Numbers:
    """f64[B] at the best decoding; sides that chose the same one are compared on attempts that share their noise."""
    width = other.best_B_m.shape[1] if side.decoding == other.decoding else None
    return task_means(side.best_B_m[:, :width])


def baselines(
    starts: Sequence[Side], results: Sequence[Side], kept_B: Numbers, k: int, seed: int, level: float, draws: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Means of what decoding alone makes of the start, and their intervals over tasks."""
    k = min(k, width_of(starts))
    values = {
        "greedy": (1, over_seeds(starts, lambda side: side.greedy_B)),
        "best_temperature": (1, np.mean([best_means(*pair) for pair in zip(starts, results, strict=True)], axis=0)),
        "vote_k": (k, votes_of(starts, k, seed)),
        "best_of_k": (k, over_seeds(starts, lambda side: best_of_k(side.scores_B_n, side.correct_B_n, k))),
    }
    means: dict[str, Any] = {}
    intervals: dict[str, Any] = {}
    for name, (size, value_B) in values.items():
        graded_B = value_B[kept_B & np.isfinite(value_B)]
        low, high = bootstrap_interval(graded_B, seed, level, draws) if len(graded_B) > 1 else (None, None)
        means[name] = mean_of(value_B, kept_B)
        intervals[name] = {"k": size, "low": low, "high": high}
    return means, intervals
