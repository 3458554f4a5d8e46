"""Numbers of a run as series over its steps, for monitors. A step that lacks a number, or has NaN, is passed over."""

from collections.abc import Callable, Mapping, Sequence
from math import isnan

Steps = Sequence[Mapping[str, float]]
IN_A_ROW = 3
# Steps whose mean says how it was at first, or is of late.
FIRST = 4


def series(steps: Steps, name: str) -> list[float]:
    """The values of a number at the steps that know it."""
    return [float(step[name]) for step in steps if name in step and not isnan(step[name])]


def lasting(values: Sequence[float], bad: Callable[[float], bool]) -> bool:
    """Whether the last three values are bad."""
    return len(values) >= IN_A_ROW and all(bad(value) for value in values[-IN_A_ROW:])


def windows(values: Sequence[float], size: int) -> list[float]:
    """Means over `size` values, one for each place where they end."""
    return [sum(values[i - size : i]) / size for i in range(size, len(values) + 1)]


def below_best(values: Sequence[float], size: int) -> list[float]:
    """How far each window's mean lies below the best window before it; the start's 0 counts as one."""
    means, best, below = windows(values, size), 0.0, []
    for value in means:
        below.append(best - value)
        best = max(best, value)
    return below


def change(steps: Steps, name: str, size: int) -> float:
    """Mean of a number's last values minus the mean of its first ones; 0 when there are too few."""
    values = series(steps, name)
    size = min(size, len(values) // 2)
    return sum(values[-size:]) / size - sum(values[:size]) / size if size else 0.0
