"""From one value a unit to an `Evaluation`: the mean, and its interval over units."""

import numpy as np

from selftaught.statistics.differences import Numbers
from selftaught.statistics.intervals import estimate
from selftaught.statistics.paired import task_means
from selftaught.types import Evaluation

SHARE = (0.0, 1.0)


def unit_means(values: Numbers) -> Numbers:
    """f64[units] of [units] or [units, n]; NaN where a unit has no value."""
    values = np.asarray(values, np.float64)
    return task_means(values) if values.ndim == 2 else values


def evaluated(name: str, values: Numbers, unit: str = "task", seed: int = 0, bounds: tuple[float, float] = (-np.inf, np.inf)) -> Evaluation:
    """The mean over units with its 95% interval (`intervals.estimate`).

    Args:
        name: of the measure.
        values: [units] or [units, n]; NaN where nothing was measured, which is left out.
        unit: what a row belongs to.
        seed: of the resampling and, as a record, of the measurement.
        bounds: the least and the most the mean can be.

    Returns:
        The evaluation; the interval is NaN where fewer than two units were measured.
    """
    values = np.asarray(values, np.float64)
    of_unit = unit_means(values)
    kept = of_unit[np.isfinite(of_unit)]
    low = high = float("nan")
    if len(kept) > 1:
        low, high, _ = estimate(kept[None], seed, reach=max(1.0, float(np.abs(kept).max())))
        low, high = max(bounds[0], low), min(bounds[1], high)
    value = float(kept.mean()) if len(kept) else float("nan")
    return Evaluation(name=name, value=value, low=low, high=high, n=len(kept), unit=unit, seed=seed, per_item=values.astype(np.float32))
