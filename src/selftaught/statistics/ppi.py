"""Prediction-powered inference: few labels and many predictions give one honest interval.

PPI++ (Angelopoulos, Duchi, Zrnic, arXiv:2311.01453) for a mean. The predictions may be as wrong as they like: the
labels measure how wrong, and the weight given to predictions falls to 0 where they do not help.
"""

from collections.abc import Sequence
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[Any]


class Powered(NamedTuple):
    """A mean, its standard error, the degrees of freedom of that error, and the weight given to predictions."""

    value: float
    error: float
    df: int
    weight: float

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Two-sided interval with a t quantile, as the variance comes from few labels."""
        from scipy.special import stdtrit

        half = float(stdtrit(self.df, 0.5 + level / 2)) * self.error
        return self.value - half, self.value + half


def ppi_mean(labels_L: Numbers, predicted_L: Numbers, predicted_U: Numbers, level: float = 0.95) -> tuple[float, float, float]:
    """(value, low, high) of the mean of a quantity that is labeled for L items and only predicted for U others.

    See `powered`. Departs from ppi_python in unbiased variances and in a t quantile instead of the normal one.

    Args:
        labels_L: f64[L] what a person said of the labeled items.
        predicted_L: f64[L] what was predicted of them.
        predicted_U: f64[U] predictions of further items, drawn like the labeled ones; may be empty.
        level: two-sided confidence, in (0, 1).

    Raises:
        ValueError: fewer than two labels, shapes that differ, or numbers that are not finite.
    """
    found = powered(labels_L, predicted_L, predicted_U)
    return (found.value, *found.interval(level))


def powered(labels_L: Numbers, predicted_L: Numbers, predicted_U: Numbers) -> Powered:
    """The mean of predicted_U corrected by the labels, with predictions weighted by w = `tuned_weight`.

    value = w mean(predicted_U) + mean(labels_L - w predicted_L),
    error^2 = w^2 var(predicted_U) / U + var(labels_L - w predicted_L) / L.
    With w = 0, or without U, that is the plain mean of the labels.

    Raises:
        ValueError: see `ppi_mean`.
    """
    labels_L, predicted_L, predicted_U = (np.asarray(x, np.float64) for x in (labels_L, predicted_L, predicted_U))
    if labels_L.ndim != 1 or labels_L.shape != predicted_L.shape or predicted_U.ndim != 1 or len(labels_L) < 2:
        raise ValueError(f"one prediction a label and two labels or more are needed, got {labels_L.shape} and {predicted_L.shape}")
    if not all(np.isfinite(x).all() for x in (labels_L, predicted_L, predicted_U)):
        raise ValueError("labels and predictions must be finite: leave out what nobody labeled")
    weight, count = tuned_weight(labels_L, predicted_L, predicted_U), len(labels_L)
    # The weight was fitted to the same labels, which costs one degree of freedom.
    rest_L, lost = labels_L - weight * predicted_L, 1 + (0 < weight < 1 and count > 2)
    value, squared = float(rest_L.mean()), float(((rest_L - rest_L.mean()) ** 2).sum()) / (count - lost) / count
    if weight:
        value += weight * float(predicted_U.mean())
        squared += weight**2 * _variance(predicted_U) / len(predicted_U)
    return Powered(value, sqrt(squared), count - lost, weight)


class Stratified(NamedTuple):
    """A mean with its interval; `falling` is the part of its error that labels reduce, `fixed` the part they do not."""

    value: float
    low: float
    high: float
    falling: float
    fixed: float


def stratified(known_K: Sequence[float], labels_L: Sequence[float], predicted_L: Sequence[float], predicted_U: Sequence[float],
               level: float = 0.95) -> Stratified:  # fmt: skip
    """The mean over K items that are known without a label, L labeled ones and U that are only predicted.

    The labeled ones are a random part of the L + U. With s = (L + U) / all, m the known mean and v that of `powered`,
    value = s v + (1 - s) m, error^2 = s^2 error_v^2 + (1 - s)^2 var(known) / K + s (1 - s) (v - m)^2 / all.

    Raises:
        ValueError: a single labeled item, or none with fewer than two known ones.
    """
    sure_K = np.asarray(known_K, np.float64)
    count = len(labels_L) + len(predicted_U)
    total = count + len(sure_K)
    if len(labels_L) < 2 and (count or total < 2):
        raise ValueError(f"two labels or more are needed, got {len(labels_L)} and {len(sure_K)} known items")
    share, mean = count / total, float(sure_K.mean()) if len(sure_K) else 0.0
    fixed = (1 - share) ** 2 * (_variance(sure_K) / len(sure_K) if len(sure_K) > 1 else 0.0)
    if not count:
        part = Powered(mean, sqrt(fixed), total - 1, 0.0)
        return Stratified(mean, *part.interval(level), 0.0, sqrt(fixed))
    part = powered(np.asarray(labels_L), np.asarray(predicted_L), np.asarray(predicted_U))
    fixed += share * (1 - share) * (part.value - mean) ** 2 / total
    # Where all labels are alike, the rule of three still allows another one on 3 of them.
    falling = share * (max(part.error, 3 / 1.96 / len(labels_L)) if np.ptp(labels_L) == 0 else part.error)
    whole = Powered(share * part.value + (1 - share) * mean, sqrt(falling**2 + fixed), part.df, part.weight)
    return Stratified(whole.value, *whole.interval(level), falling, sqrt(fixed))


def tuned_weight(labels_L: Numbers, predicted_L: Numbers, predicted_U: Numbers) -> float:
    """The weight in [0, 1] that makes the interval shortest: cov(labels, predicted) / ((1 + L/U) var(predicted)).

    0 where there is nothing to gain: fewer than two unlabeled items, or predictions that are all the same.
    """
    everything = np.concatenate([predicted_L, predicted_U])
    spread = _variance(everything)
    if len(predicted_U) < 2 or spread <= 0:
        return 0.0
    together = float(((labels_L - labels_L.mean()) * (predicted_L - predicted_L.mean())).sum()) / (len(labels_L) - 1)
    return float(np.clip(together / ((1 + len(labels_L) / len(predicted_U)) * spread), 0, 1))


def _variance(values_N: Numbers) -> float:
    return float(np.var(values_N, ddof=1))
