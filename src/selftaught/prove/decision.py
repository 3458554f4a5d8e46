"""From sides to the verdict's words: which tasks count, the comparisons at both decodings, and what they decide."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from selftaught.prove.baselines import PASSES, best_means, width_of
from selftaught.prove.record import Side
from selftaught.statistics.differences import Numbers
from selftaught.statistics.metrics import pass_at_k
from selftaught.statistics.paired import Paired, compare, decide, task_means


class Decision(NamedTuple):
    """What two groups of sides decide.

    Attributes:
        word, kind, sentence: see `gate.verdict`.
        stated, best: the comparisons at the stated sampler and with each side at its best decoding.
        kept_B: which tasks both sides could grade in every seed.
        width: attempts a task compared at the stated sampler.
    """

    word: str
    kind: str
    sentence: str
    stated: Paired
    best: Paired
    kept_B: Numbers
    width: int


def decided(
    starts: Sequence[Side], results: Sequence[Side], *, n: int = 0, seed: int = 0, level: float = 0.95, margin: float = 0.05,
    draws: int = 10_000, unreached: Sequence[str] = (),
) -> Decision | str:  # fmt: skip
    """The decision over S training seeds; the reason in words when fewer than two tasks could be graded on every side.

    Args:
        starts: the start of each training.
        results: what each training made of it, in the same order.
        n: attempts a task that are compared at the stated sampler, 0 for all that both sides have.
        seed: of the resampling.
        level: two-sided confidence.
        margin: a change within it is called no change, as a fraction.
        draws: resamples of each interval and p.
        unreached: task sources on which the start's 64 attempts a task were all wrong.

    Raises:
        ValueError: numbers of starts and results differ, or sides differ in tasks or stated sampler.
    """
    sides = [*starts, *results]
    if not starts or len(starts) != len(results):
        raise ValueError(f"each training needs its start and its result, got {len(starts)} and {len(results)}")
    if any(side.tasks_B != sides[0].tasks_B or side.settings != sides[0].settings for side in sides):
        raise ValueError("all sides need the same tasks in the same order and the same stated sampler")
    width = min(width_of(sides), n or width_of(sides))
    stated = _seeds(starts, results, lambda side, other: task_means(side.correct_B_n[:, :width]))
    best = _seeds(starts, results, best_means)
    kept_B: Numbers = np.asarray(np.isfinite([*stated, *best]).all(axis=(0, 1)))
    if kept_B.sum() < 2:
        return f"only {kept_B.sum()} of {len(kept_B)} held-out tasks could be graded on both sides"

    def compared(values: tuple[Numbers, Numbers], kept_B: Numbers = kept_B) -> Paired:
        return compare(values[0][:, kept_B], values[1][:, kept_B], seed, level, draws)

    at_stated, at_best = compared(stated), compared(best)
    # Only the kind of an improvement asks for them.
    rose = at_stated.low > 0 and at_best.low > 0
    passes = {m: compared(values) for m, values in _passes(starts, results, kept_B).items()} if rose else {}
    solved = _solved(results, kept_B, unreached, lambda mine_B: compared(stated, kept_B & mine_B).low > 0) if rose else ()
    words = decide(at_stated, at_best, passes, margin, level, solved)
    return Decision(*words, at_stated, at_best, kept_B, width)


def _seeds(starts: Sequence[Side], results: Sequence[Side], of: Callable[[Side, Side], Numbers]) -> tuple[Numbers, Numbers]:
    """A per-task number of each side, which may look at the side opposite: two f64[S,B]."""
    pairs = list(zip(starts, results, strict=True))
    return np.stack([of(start, end) for start, end in pairs]), np.stack([of(end, start) for start, end in pairs])


def _passes(starts: Sequence[Side], results: Sequence[Side], kept_B: Numbers) -> dict[int, tuple[Numbers, Numbers]]:
    """pass@k of both sides from equally many attempts, for every k that two kept tasks have values of."""
    width, found = width_of([*starts, *results]), {}
    for k in (k for k in PASSES if k <= width):
        values = _seeds(starts, results, lambda side, other, k=k: np.asarray(pass_at_k(side.correct_B_n[:, :width], k), np.float64))  # type: ignore[misc]
        if (kept_B & np.isfinite(values).all(axis=(0, 1))).sum() > 1:
            found[k] = values
    return found


def _solved(results: Sequence[Side], kept_B: Numbers, unreached: Sequence[str], rose: Callable[[Numbers], bool]) -> tuple[str, ...]:
    """Of the task sources the start never solved, those on which the gain's interval lies above zero."""
    families_B = np.array(results[0].families_B or ("",) * len(kept_B))
    return tuple(family for family in unreached if (kept_B & (families_B == family)).sum() > 1 and rose(families_B == family))
