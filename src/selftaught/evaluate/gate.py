"""The gate: did it really get better? Two sides on the same held-out tasks become one verdict.

`improved` needs two intervals above zero: at the stated sampler, and with each side at its own best decoding,
because a gain that the start reaches by another temperature is not learning.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from selftaught.evaluate.metrics import best_of_k, pass_at_k, vote_at_k
from selftaught.evaluate.side import Drawer, Side, measure_side
from selftaught.evaluate.stats import Numbers, bootstrap_interval, needed_tasks, permutation_p, smallest_effect
from selftaught.parts import record

__all__ = ["Drawer", "Side", "measure_side", "not_tested", "verdict"]
METRIC = "pass@1"
PASSES = (1, 4, 16)


class Paired(NamedTuple):
    """Two sides on the same tasks: means, the mean paired difference, its interval, p and spread over tasks."""

    before: float
    after: float
    gain: float
    low: float
    high: float
    p: float
    sd: float
    tasks: int

    def record(self) -> dict[str, Any]:
        """The seven keys that the command line prints."""
        return {"metric": METRIC, **{key: getattr(self, key) for key in ("before", "after", "gain", "low", "high", "p")}}

    def words(self) -> str:
        """`52.0% to 60.0% (+8.0 points, 4.1 to 12.0)`."""
        interval = f"{100 * self.low:.1f} to {100 * self.high:.1f}"
        return f"{100 * self.before:.1f}% to {100 * self.after:.1f}% ({100 * self.gain:+.1f} points, {interval})"


def verdict(
    before: Side, after: Side, *, seed: int = 0, k: int = 8, level: float = 0.95, margin: float = 0.05, draws: int = 10_000
) -> dict[str, Any]:
    """The verdict on a change, with every number it rests on. The pair is the task, its value the mean over attempts.

    - `improved`: both intervals lie above zero; `worse`: one lies below. Otherwise, over the intervals that
      do not lie above zero: `no change larger than X` when all are within the margin, else `can't tell
      (needs N tasks)`, N being what finds the larger of gain and margin with 80% power.
    - `kind`: `decoding` when only the stated sampler's interval is above zero; of what improved, `new` when
      pass@16 (or the largest k drawn) rose with its interval above zero, else `sharpened`; "" otherwise.
    - `baselines` are the start's: greedy, best decoding, vote and best (by mean log-probability) of k attempts.

    Tasks that some side could not grade are left out of everything; with fewer than two left it is `not tested`.

    Args:
        before: the start.
        after: the result, on the same tasks in the same order.
        seed: of the resampling.
        k: attempts in `vote_k` and `best_of_k`, at most the number drawn.
        level: two-sided confidence.
        margin: a change within it is called no change, as a fraction.
        draws: resamples of each interval and p.

    Raises:
        ValueError: the sides differ in tasks, stated sampler or number of attempts.
    """
    if before.tasks_B != after.tasks_B or before.settings != after.settings or before.correct_B_n.shape != after.correct_B_n.shape:
        raise ValueError("both sides need the same tasks in the same order, stated sampler and number of attempts")
    stated, best = [[_task_means(x) for x in pair] for pair in ((before.correct_B_n, after.correct_B_n), (before.best_B_m, after.best_B_m))]
    kept: Numbers = np.all(np.isfinite([*stated, *best]), axis=0)
    if kept.sum() < 2:
        return not_tested(f"only {kept.sum()} of {len(kept)} held-out tasks could be graded on both sides")

    def paired(values: list[Numbers]) -> Paired:
        start_B, end_B = (v[kept & np.isfinite(values).all(axis=0)] for v in values)
        low, high = bootstrap_interval(end_B - start_B, seed, level, draws)
        p, sd = permutation_p(end_B - start_B, seed, draws), float((end_B - start_B).std(ddof=1))
        return Paired(float(start_B.mean()), float(end_B.mean()), float((end_B - start_B).mean()), low, high, p, sd, len(start_B))

    at_stated, at_best, passes = paired(stated), paired(best), {}
    for m in PASSES:
        if m <= before.correct_B_n.shape[1]:
            values = [np.asarray(pass_at_k(side.correct_B_n, m), np.float64) for side in (before, after)]
            if (kept & np.isfinite(values).all(axis=0)).sum() > 1:
                passes[m] = paired(values)
    word, kind, sentence = _decide(at_stated, at_best, passes, margin, level)
    means, intervals = _baselines(before, kept, k, seed, level, draws)
    return {
        **_empty(word, kind, sentence),
        **at_stated.record(),
        "best": at_best.record() | {"settings": {"before": record(before.best_settings), "after": record(after.best_settings)}},
        "baselines": means,
        "baseline_intervals": intervals,
        "pass_at": {str(m): _both(passes.get(m)) for m in PASSES},
        "settings": record(before.settings),
        "tasks": int(kept.sum()),
        "ungraded": int((~kept).sum()),
        "smallest_effect": max(smallest_effect(c.sd, c.tasks, level=level) for c in (at_stated, at_best)),
    }


def not_tested(reason: str) -> dict[str, Any]:
    """The same keys when nothing could be measured: numbers are None."""
    return _empty("not tested", "", f"Not tested: {reason}.")


def _decide(stated: Paired, best: Paired, passes: Mapping[int, Paired], margin: float, level: float) -> tuple[str, str, str]:
    """Verdict, kind and a sentence in plain words."""
    numbers = f"{stated.words()} at the stated sampler, {best.words()} with each side at its best decoding"
    kind = "decoding" if stated.low > 0 >= best.low else ""
    tail = ": only the stated sampler shows a gain, so the sampler explains it" if kind else ""
    if stated.low > 0 and best.low > 0:
        most = max(passes, default=1)
        kind = "" if most == 1 else "new" if passes[most].low > 0 else "sharpened"
        reach = f"; pass@{most} rose" if kind == "new" else f"; pass@{most} is not shown to have risen" if kind else ""
        return "improved", kind, f"Improved: {numbers}{reach}."
    if stated.high < 0 or best.high < 0:
        where = " and ".join(n for n, c in (("at the stated sampler", stated), ("at its best decoding", best)) if c.high < 0)
        return "worse", kind, f"Worse {where}: {numbers}{tail}."
    if not kind and best.low > 0:
        tail = ": the gain at the best decoding does not show at the stated sampler"
    open_ended = [c for c in (stated, best) if c.low <= 0]
    if all(_largest(c) <= margin for c in open_ended):
        word = f"no change larger than {100 * max(_largest(c) for c in open_ended):.1f} points"
    else:
        word = f"can't tell (needs {max(_needed(c, margin, level) for c in open_ended if _largest(c) > margin)} tasks)"
    return word, kind, f"{word[0].upper()}{word[1:]}: {numbers}{tail}."


def _largest(pair: Paired) -> float:
    """The largest change not excluded; when no task differed, the rule of three still allows 3 in B to."""
    return max(abs(pair.low), abs(pair.high), 3 / pair.tasks if pair.sd == 0 else 0.0)


def _needed(pair: Paired, margin: float, level: float) -> int:
    """Tasks that would settle it, always more than there are."""
    # Without a difference the rule of three is what needs to fit into the margin.
    needed = int(3 / margin) + 1 if pair.sd == 0 else needed_tasks(pair.sd, max(abs(pair.gain), margin), level=level)
    if needed <= pair.tasks and pair.gain and pair.sd:
        needed = needed_tasks(pair.sd, abs(pair.gain), level=level)
    return max(needed, pair.tasks + 1)


def _baselines(start: Side, kept: Numbers, k: int, seed: int, level: float, draws: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Means of what decoding alone makes of the start, and their intervals over tasks."""
    k = min(k, start.correct_B_n.shape[1])
    votes_B = vote_at_k(start.answers_B_n, start.correct_B_n, k, np.random.default_rng(seed))
    values = {
        "greedy": (1, start.greedy_B),
        "best_temperature": (1, _task_means(start.best_B_m)),
        "vote_k": (k, votes_B),
        "best_of_k": (k, best_of_k(start.scores_B_n, start.correct_B_n, k)),
    }
    means: dict[str, Any] = {}
    intervals: dict[str, Any] = {}
    for name, (size, value_B) in values.items():
        graded_B = np.asarray(value_B, np.float64)[kept & np.isfinite(value_B)]
        low, high = bootstrap_interval(graded_B, seed, level, draws) if len(graded_B) > 1 else (None, None)
        means[name] = float(graded_B.mean()) if len(graded_B) else None
        intervals[name] = {"k": size, "low": low, "high": high}
    return means, intervals


def _empty(word: str, kind: str, sentence: str) -> dict[str, Any]:
    seven = {"metric": METRIC, **dict.fromkeys(("before", "after", "gain", "low", "high", "p"))}
    names = ("greedy", "best_temperature", "vote_k", "best_of_k")
    return {
        "verdict": word, "kind": kind, "sentence": sentence, **seven,
        "best": seven | {"settings": {"before": None, "after": None}},
        "baselines": dict.fromkeys(names),
        "baseline_intervals": {name: {"k": None, "low": None, "high": None} for name in names},
        "pass_at": {str(m): _both(None) for m in PASSES},
        "settings": None, "tasks": 0, "ungraded": 0, "smallest_effect": None,
    }  # fmt: skip


def _both(pair: Paired | None) -> dict[str, float | None]:
    return {"before": pair.before if pair else None, "after": pair.after if pair else None}


def _task_means(correct_B_n: Numbers) -> Numbers:
    """f64[B]: each task's mean over graded attempts, NaN where there is none."""
    graded_B_n = ~np.isnan(correct_B_n)
    total_B, count_B = np.where(graded_B_n, correct_B_n, 0).sum(axis=1, dtype=np.float64), graded_B_n.sum(axis=1)
    return np.where(count_B > 0, total_B / np.maximum(count_B, 1), np.nan)
