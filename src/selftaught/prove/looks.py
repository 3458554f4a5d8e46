"""Looks: a result is judged after each stage of the held-out tasks, and the error is spent over the stages.

Of the two-sided error a, a t^2 may be spent once the share t of the tasks is seen (alpha spending: Lan & DeMets 1983,
Biometrika 70; this family: Kim & DeMets 1987, Biometrika 74). The interval of a look is the one at the error that is
left for it; over all looks together such intervals hold the truth as often as one alone would (repeated confidence
intervals: Jennison & Turnbull 1989, JRSS B 51), for whatever reason a look was the last. With one look nothing changes.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import exp, log, sqrt
from statistics import NormalDist
from typing import Any

import numpy as np

from selftaught.prove.decision import Decision
from selftaught.statistics.paired import Paired

POWER = 2.0
POINTS = 64
LEAST = 30
LEAST_ERROR = 1e-14
# A look ends without a gain when one would be shown at the end in fewer than LOST, and a loss in fewer than HARM of 100.
LOST, HARM = 0.05, 0.2
Looks = tuple[int, ...]


def looks_of(tasks: int, most: int = 3) -> Looks:
    """How many tasks are seen at each look: equal stages of at least 30 tasks, at most three."""
    count = max(1, min(most, tasks // LEAST))
    return tuple(-(-tasks * k // count) for k in range(1, count + 1))


@lru_cache(maxsize=4096)
def errors(looks: Looks, error: float = 0.05) -> tuple[float, ...]:
    """The nominal two-sided error of each look, which together spend `error` (Armitage, McPherson & Rowe 1969, JRSS A 132).

    The partial sums of the tasks' differences are a Brownian motion B(t); f is its density among those that no earlier
    look has ended, by quadrature, and c the bound with P(|B(t)| > c, none before) = error (t^2 - t_before^2).
    """
    if len(looks) == 1:
        return (error,)
    from scipy.special import ndtr, ndtri

    nodes, weights = np.polynomial.legendre.leggauss(POINTS)
    found: list[float] = []
    at, mass, before = np.zeros(1), np.ones(1), 0.0
    for tasks in looks:
        t = tasks / looks[-1]
        spent, sd = error * (t**POWER - before**POWER), sqrt(t - before)
        low, high = 0.0, -sqrt(t) * float(ndtri(LEAST_ERROR / 2))
        for _ in range(50):
            c = (low + high) / 2
            beyond = float(mass @ (ndtr((-c - at) / sd) + ndtr((at - c) / sd)))
            low, high = (c, high) if beyond > spent else (low, c)
        found.append(2 * float(ndtr(-high / sqrt(t))))
        new = high * nodes
        mass = (np.exp(-0.5 * ((new[:, None] - at) / sd) ** 2) / (sd * sqrt(2 * np.pi)) @ mass) * high * weights
        at, before = new, t
    return tuple(found)


def spent_p(p: float, looks: Looks, look: int) -> float:
    """The repeated p of look `look` (from 0): the overall error at which this look's bound is just met by its own p."""
    if len(looks) == 1 or p >= 1:
        return p
    low, high = log(1e-12), 0.0
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if errors(looks, exp(middle))[look] < p else (low, middle)
    return exp(high)


def level_at(looks: Looks, look: int, level: float = 0.95) -> float:
    """The confidence of the intervals of one look."""
    return level if len(looks) == 1 else 1 - errors(looks, round(1 - level, 12))[look]


def why_ended(found: Decision | str, looks: Looks, look: int, margin: float, level: float = 0.95) -> str:
    """Why this look is the last, in words; "" when it goes on. Says nothing of the last stage, which ends by itself."""
    if look == len(looks) - 1:
        return ""
    if isinstance(found, str):
        return ""
    if found.word in ("improved", "worse"):
        return "a clear gain" if found.word == "improved" else "a clear loss"
    if found.word.startswith("no change"):
        return "clearly no change"
    return "a gain was out of reach" if futile((found.stated, found.best), looks, look, level) else ""


def futile(pairs: Sequence[Paired], looks: Looks, look: int, level: float = 0.95) -> bool:
    """Whether the end would hardly show a gain, nor likely a loss (predictive power: Spiegelhalter & others 1986).

    With n of N tasks seen, mean m and spread s, the mean at the end is normal about m with variance s^2 (1/n - 1/N). It
    binds nobody, and so no error is spent on it.
    """
    seen, planned = looks[look], looks[-1]
    reach = NormalDist().inv_cdf(0.5 + level_at(looks, len(looks) - 1, level) / 2)
    gains, losses = [], []
    for pair in pairs:
        end, unsure = reach * pair.sd / sqrt(planned), pair.sd * sqrt(1 / seen - 1 / planned)
        known = NormalDist(pair.gain, unsure) if unsure > 0 else None
        gains.append(1 - known.cdf(end) if known else float(pair.gain > 0))
        losses.append(known.cdf(-end) if known else float(pair.gain < 0))
    return min(gains) < LOST and max(losses) < HARM


def told(found: Mapping[str, Any], looks: Looks, look: int, why: str, level: float = 0.95) -> dict[str, Any]:
    """A look's verdict with p of the whole plan, and a sentence that says where it ended."""
    if len(looks) == 1 or found["before"] is None:
        return dict(found)
    ended = f"look {look + 1} of {len(looks)}, {looks[look]} of {looks[-1]} tasks" + (f": {why}" if why else "")
    best = {**found["best"], "p": spent_p(found["best"]["p"], looks, look)}
    about = {"look": look + 1, "looks": list(looks), "level": level_at(looks, look, level), "why": why}
    sentence = f"{found['sentence'][:-1]} (ended at {ended})."
    return {**found, "p": spent_p(found["p"], looks, look), "best": best, "sentence": sentence, "looked": about}
