"""Interval and p of a mean paired difference, from one estimator: p < 1 - level exactly when the interval excludes zero.

Two intervals are computed and the wider end of each is taken. The first trusts that the tasks seen show how tasks
spread: the bootstrap over tasks, Student's t where there are few, tasks crossed with seeds where there are several. It
fails when few tasks moved: four gains among 200 tasks are a chance of 1 in 8 under "no change", and yet no resample of
them is negative. The second one counts: the shares of tasks that moved up and down, each with its exact limits.
"""

from collections.abc import Callable
from math import exp, log, sqrt
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from selftaught.statistics.differences import (
    LEAST_P,
    TINY,
    Numbers,
    bootstrap_means,
    bootstrap_tail,
    crossed_interval,
    crossed_p,
    finite,
    t_error,
)

# Below it a bootstrap has too few values to resample; also the fewest tasks on which anything can be called improved.
FEW = 10


class Estimate(NamedTuple):
    """The interval of a mean difference and its two-sided p."""

    low: float
    high: float
    p: float


def estimate(diff_S_B: Numbers, seed: int = 0, level: float = 0.95, draws: int = 10_000, reach: float = 1.0) -> Estimate:
    """Interval and p of the mean of differences per training seed and task.

    Args:
        diff_S_B: one difference a seed and task, finite.
        seed: of the resampling.
        level: two-sided confidence, in (0, 1).
        draws: resamples of the bootstrap.
        reach: the largest difference a task can have; 1 where scores are fractions.

    Raises:
        ValueError: fewer than two tasks, or a difference that is not finite.
    """
    mean_B = finite(diff_S_B.mean(axis=0))
    if len(diff_S_B) > 1:
        _, low, high, _ = crossed_interval(diff_S_B, level)
        first = Estimate(low, high, crossed_p(diff_S_B))
    else:
        first = resampled(mean_B, seed, level, draws) if len(mean_B) >= FEW else student(mean_B, level)
    mean = float(mean_B.mean())
    down, up = moved(mean_B, level, reach)
    low, high = max(mean - down, min(-reach, first.low)), min(mean + up, max(reach, first.high))
    side = 0 if mean > 0 else 1
    p = first.p
    # Where the second interval at that level stays clear of zero its own p is smaller.
    if p < 1 and moved(mean_B, 1 - p, reach)[side] >= abs(mean):
        p = max(p, touching(lambda at: moved(mean_B, at, reach)[side], abs(mean)))
    return Estimate(min(low, first.low), max(high, first.high), p)


def resampled(diff_B: Numbers, seed: int, level: float, draws: int) -> Estimate:
    """The expanded percentile bootstrap (`stats.bootstrap_interval`), and p where it touches zero.

    With F the share of resampled means beyond zero, p solves tail(1 - p) = F. Where none is, the extreme one
    is continued on the normal scale.
    """
    means_R = np.sort(bootstrap_means(diff_B, seed, draws))
    tail = bootstrap_tail(len(diff_B), level)
    low, high = np.quantile(means_R, (tail, 1 - tail))
    mean = float(diff_B.mean())
    if abs(mean) <= TINY * max(1.0, float(np.abs(diff_B).max())):
        return Estimate(float(low), float(high), 1.0)
    beyond_R = means_R if mean > 0 else -means_R[::-1]
    count = int((beyond_R <= 0).sum())
    if count == len(beyond_R):
        return Estimate(float(low), float(high), 1.0)
    if count:  # np.quantile joins the ordered values by lines: where that line crosses zero
        share = (count - 1 + beyond_R[count - 1] / (beyond_R[count - 1] - beyond_R[count])) / (draws - 1)
        z = -NormalDist().inv_cdf(max(share, 1 / (draws + 1)))
    else:
        room = abs(mean) - float(beyond_R[0])
        z = -NormalDist().inv_cdf(1 / (draws + 1)) * abs(mean) / room if room > 0 else np.inf
    return Estimate(float(low), float(high), _two_sided(z * sqrt((len(diff_B) - 1) / len(diff_B)), len(diff_B) - 1))


def student(diff_B: Numbers, level: float) -> Estimate:
    """Student's paired t."""
    mean, error = float(diff_B.mean()), float(diff_B.std(ddof=1)) / sqrt(len(diff_B))
    half = t_error(error, level, len(diff_B) - 1)
    if abs(mean) <= TINY:
        return Estimate(mean - half, mean + half, 1.0)
    return Estimate(mean - half, mean + half, _two_sided(abs(mean) / error if error else np.inf, len(diff_B) - 1))


def moved(diff_B: Numbers, level: float, reach: float) -> tuple[float, float]:
    """How far below and above the mean difference the truth may lie, from how many tasks moved.

    Tasks move up or down from the median difference, which is 0 where few move. Each share has Clopper and Pearson's
    (1934) limits and each kind the root mean square of its moves; the two are joined by the squares of their distances
    (MOVER: Zou and Donner 2008, https://doi.org/10.1002/sim.3095). A way nobody moved has the largest move seen; when
    none moved at all, what a task can have, and then the limit of the share is the rule of three's, 1 - (1 - level)^(1/B).
    """
    common, count = float(np.median(diff_B)), len(diff_B)
    if (diff_B == common).all():
        share = 1 - (1 - level) ** (1 / count)
        return share * max(0.0, reach + common), share * max(0.0, reach - common)
    moves_B = diff_B - common
    up_B, down_B, most = moves_B[moves_B > 0], -moves_B[moves_B < 0], float(np.abs(moves_B).max())
    (up, up_less, up_more), (down, down_less, down_more) = (_limits(len(m), count, level) for m in (up_B, down_B))
    # Relative to the largest move, as squares of very large scores overflow.
    up_size, down_size = (sqrt(float(((m / most) ** 2).mean())) if len(m) else 1.0 for m in (up_B, down_B))
    below = sqrt((up_size * (up - up_less)) ** 2 + (down_size * (down_more - down)) ** 2)
    above = sqrt((up_size * (up_more - up)) ** 2 + (down_size * (down - down_less)) ** 2)
    return most * below, most * above


def touching(half: Callable[[float], float], distance: float) -> float:
    """The p at which an interval of that half-width, a function of the level, reaches a distance away: its 1 - level."""
    if distance <= 0:
        return 1.0
    low, high = log(LEAST_P), 0.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if half(1 - exp(middle)) >= distance else (low, middle)
    return exp(high)


def _limits(k: int, count: int, level: float) -> tuple[float, float, float]:
    """A share and its Clopper-Pearson limits."""
    from scipy.special import betaincinv

    tail = (1 - level) / 2
    low = float(betaincinv(k, count - k + 1, tail)) if k else 0.0
    high = float(betaincinv(k + 1, count - k, 1 - tail)) if k < count else 1.0
    return k / count, low, high


def _two_sided(t: float, df: int) -> float:
    from scipy.special import stdtr

    return max(LEAST_P, 2 * float(stdtr(df, -t)))
