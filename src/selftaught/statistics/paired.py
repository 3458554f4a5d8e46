"""Two sides compared task by task, over one training seed or several, and the words for what came out."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from selftaught.statistics.differences import Numbers, crossed_sd, needed_tasks
from selftaught.statistics.intervals import FEW, estimate

METRIC = "pass@1"


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


def compare(start_S_B: Numbers, end_S_B: Numbers, seed: int = 0, level: float = 0.95, draws: int = 10_000) -> Paired:
    """The paired comparison over tasks that are finite on both sides in every seed.

    Interval and p are `intervals.estimate`'s. `sd` of several seeds is the spread over tasks that would give the same
    standard error.

    Args:
        start_S_B: one value a training seed and task.
        end_S_B: the same of the other side.
        seed: of the resampling.
        level: two-sided confidence.
        draws: resamples, for one seed.

    Raises:
        ValueError: fewer than two tasks are left.
    """
    kept = np.isfinite(start_S_B).all(axis=0) & np.isfinite(end_S_B).all(axis=0)
    start_S_B, end_S_B = start_S_B[:, kept], end_S_B[:, kept]
    diff_S_B = np.asarray(end_S_B - start_S_B, np.float64)
    low, high, p = estimate(diff_S_B, seed, level, draws)
    sd = float(diff_S_B[0].std(ddof=1)) if len(diff_S_B) == 1 else crossed_sd(diff_S_B)
    before, after, gain = (float(values.mean()) for values in (start_S_B, end_S_B, diff_S_B))
    return Paired(before, after, gain, low, high, p, sd, int(kept.sum()))


def decide(
    stated: Paired, best: Paired, passes: Mapping[int, Paired], margin: float, level: float, unreached: Sequence[str] = ()
) -> tuple[str, str, str]:
    """Verdict, kind and a sentence in plain words; see `gate.verdict` for the rules.

    `unreached` are task sources that the start never solved and the result is shown to solve.
    """
    numbers = f"{stated.words()} at the stated sampler, {best.words()} with each side at its best decoding"
    kind = "decoding" if stated.low > 0 >= best.low else ""
    tail = ": only the stated sampler shows a gain, so the sampler explains it" if kind else ""
    if stated.low > 0 and best.low > 0 and stated.tasks < FEW:
        return f"can't tell (needs {FEW} tasks)", kind, f"Can't tell: {numbers}; {too_few(stated.tasks)}."
    if stated.low > 0 and best.low > 0:
        most = max(passes, default=1)
        rose = most > 1 and passes[most].low > 0
        kind = "new" if rose or unreached else "" if most == 1 else "sharpened"
        reach = f"; pass@{most} rose" if rose else f"; pass@{most} is not shown to have risen" if most > 1 else ""
        reach += f"; solves {' and '.join(unreached)}, of which the start solved nothing" if unreached else ""
        return "improved", kind, f"Improved: {numbers}{reach}."
    if stated.high < 0 or best.high < 0:
        where = " and ".join(n for n, c in (("at the stated sampler", stated), ("at its best decoding", best)) if c.high < 0)
        return "worse", kind, f"Worse {where}: {numbers}{tail}."
    if not kind and best.low > 0:
        tail = ": the gain at the best decoding does not show at the stated sampler"
    open_ended = [c for c in (stated, best) if c.low <= 0]
    if all(largest(c) <= margin for c in open_ended):
        word = f"no change larger than {100 * max(largest(c) for c in open_ended):.1f} points"
    else:
        word = f"can't tell (needs {max(needed(c, margin, level) for c in open_ended if largest(c) > margin)} tasks)"
    return word, kind, f"{word[0].upper()}{word[1:]}: {numbers}{tail}."


def too_few(tasks: int) -> str:
    """Why few tasks show no improvement."""
    return f"{tasks} tasks are too few to call it improved, {FEW} or more are needed"


def largest(pair: Paired) -> float:
    """The largest change not excluded."""
    return max(abs(pair.low), abs(pair.high))


def needed(pair: Paired, margin: float, level: float) -> int:
    """Tasks that would settle it, always more than there are."""
    # Without a difference the rule of three is what needs to fit into the margin.
    spread = pair.sd > 0
    count = needed_tasks(pair.sd, max(abs(pair.gain), margin), level=level) if spread else 0 if pair.gain else int(3 / margin) + 1
    if count <= pair.tasks and pair.gain and spread:
        count = needed_tasks(pair.sd, abs(pair.gain), level=level)
    return max(count, pair.tasks + 1, FEW)


def task_means(correct_B_n: Numbers) -> Numbers:
    """f64[B]: each task's mean over graded attempts, NaN where there is none."""
    graded_B_n = ~np.isnan(correct_B_n)
    total_B, count_B = np.where(graded_B_n, correct_B_n, 0).sum(axis=1, dtype=np.float64), graded_B_n.sum(axis=1)
    return np.where(count_B > 0, total_B / np.maximum(count_B, 1), np.nan)
