"""The gate: did it really get better? Two sides on the same held-out tasks become one verdict.

`improved` needs two intervals above zero: at the stated sampler, and with each side at its own best decoding,
because a gain that the start reaches by another temperature or wording is not learning.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from selftaught.parts import record
from selftaught.prove.baselines import NAMES, PASSES, VOTES, baselines, passes_of, vote_curve
from selftaught.prove.costs import costs
from selftaught.prove.decision import decided
from selftaught.prove.off_task import Pair, rows_of, worse_words
from selftaught.prove.record import GateSampler, Side
from selftaught.prove.side import measure_side, reach, widen, zero_families
from selftaught.statistics.differences import smallest_effect
from selftaught.statistics.paired import METRIC

__all__ = ["GateSampler", "Side", "measure_side", "not_tested", "pooled_verdict", "reach", "verdict", "widen", "zero_families"]


def verdict(before: Side, after: Side, **options: Any) -> dict[str, Any]:
    """The verdict on a change, with every number it rests on. The pair is the task, its value the mean over attempts.

    - `improved`: both intervals lie above zero; `worse`: one lies below. Otherwise, over the intervals that
      do not lie above zero: `no change larger than X` when all are within the margin, else `can't tell
      (needs N tasks)`, N being what finds the larger of gain and margin with 80% power.
    - `kind`: `decoding` when only the stated sampler's interval is above zero; of what improved, `new` when
      pass@16 (or the largest k drawn on both sides) rose with its interval above zero, or a task source of
      `unreached` did, else `sharpened`; "" otherwise.
    - `baselines` are the start's: greedy; best_temperature, its best decoding (chosen on development tasks, so that on the
      held-out ones greedy may be above it) as it is compared; from all its attempts, vote and best (by mean log-probability)
      of k. `vote_curve` is its vote at 1 (which is `before`), 2, 4, 8 and 16.
    - `equal_tokens`: k, the attempts a question that voting with the start could make for the tokens of training and
      answering once; vote, that vote's accuracy (with `drawn` attempts where k is more); slope, what doubling 8 to 16 adds.

    Sides may differ in attempts a task: the gain is over the first ones, which share their noise. Tasks that some side
    could not grade are left out of everything; with fewer than two left it is `not tested`.

    Args:
        before: the start.
        after: the result, on the same tasks in the same order.
        **options: see `pooled_verdict`.

    Raises:
        ValueError: the sides differ in tasks or stated sampler.
    """
    return pooled_verdict([before], [after], **options)


def pooled_verdict(
    starts: Sequence[Side], results: Sequence[Side], *, spent: int = 0, n: int = 0, seed: int = 0, k: int = 8, level: float = 0.95,
    margin: float = 0.05, draws: int = 10_000, reuse: int = 0, off_task: Sequence[Pair | Mapping[str, Any]] = (),
    unreached: Sequence[str] = (),
) -> dict[str, Any]:  # fmt: skip
    """The verdict over S training seeds on the same tasks: `verdict` for one, tasks and seeds crossed for more.

    With several seeds every gain is the mean over seeds and tasks, both of which are samples (`stats.crossed_interval`).

    Args:
        starts: the start as each training found it (the same side S times when it is one model).
        results: what each training made of it, in the same order.
        spent: tokens of the training budget that are gone; a training's mean when there are several.
        n: attempts a task that are compared at the stated sampler, 0 for all that both sides have. A side that was
            widened to name the kind of its gain keeps its verdict with the n it had.
        seed: of the resampling.
        k: attempts in `vote_k` and `best_of_k`, at most the number drawn.
        level: two-sided confidence.
        margin: a change within it is called no change, as a fraction.
        draws: resamples of each interval and p.
        reuse: how many verdicts these held-out tasks have had, this one included; 0 for not counted.
        off_task: (before, after) sides on tasks that were not trained for, or rows made by `families.family_rows`.
        unreached: task sources on which the start's 64 attempts a task were all wrong (`side.reach`).

    Raises:
        ValueError: numbers of starts and results differ, or sides differ in tasks or stated sampler.
    """
    found = decided(starts, results, n=n, seed=seed, level=level, margin=margin, draws=draws, unreached=unreached)
    if isinstance(found, str):
        return not_tested(found)
    word, kind, sentence, at_stated, at_best, kept_B, width = found
    rows = rows_of(off_task, seed=seed, level=level, draws=draws)
    means, intervals = baselines(starts, results, kept_B, k, seed, level, draws)
    # A vote of one, and one pass, are what is compared at the stated sampler: one thing, one number.
    curve = vote_curve(starts, kept_B, seed) | {1: at_stated.before}
    reached = {
        at: passes_of(group, kept_B) | {1: one}
        for at, group, one in (("before", starts, at_stated.before), ("after", results, at_stated.after))
    }
    return {
        **_empty(word, kind, sentence[:-1] + worse_words(rows) + "."),
        **at_stated.record(),
        "best": at_best.record() | {"settings": {"before": _decodings(starts), "after": _decodings(results)}},
        "baselines": means,
        "baseline_intervals": intervals,
        "vote_curve": {str(m): value for m, value in curve.items()},
        **costs(starts, results, kept_B, curve, spent, intervals["vote_k"]["k"], means["vote_k"], at_best.after, seed),
        "pass_at": {str(m): {at: reached[at][m] for at in reached} for m in PASSES},
        "settings": record(starts[0].settings),
        "tasks": int(kept_B.sum()),
        "seeds": len(starts),
        "attempts": width,
        "ungraded": int((~kept_B).sum()),
        "smallest_effect": max(smallest_effect(c.sd, c.tasks, level=level) for c in (at_stated, at_best)),
        "reuse": reuse,
        "off_task": rows,
    }


def not_tested(reason: str) -> dict[str, Any]:
    """The same keys when nothing could be measured: numbers are None."""
    return _empty("not tested", "", f"Not tested: {reason}.")


def _empty(word: str, kind: str, sentence: str) -> dict[str, Any]:
    seven = {"metric": METRIC, **dict.fromkeys(("before", "after", "gain", "low", "high", "p"))}
    return {
        "verdict": word, "kind": kind, "sentence": sentence, **seven,
        "best": seven | {"settings": {"before": None, "after": None}},
        "baselines": dict.fromkeys(NAMES),
        "baseline_intervals": {name: {"k": None, "low": None, "high": None} for name in NAMES},
        "vote_curve": {str(m): None for m in VOTES},
        "equal_tokens": dict.fromkeys(("k", "vote", "slope", "drawn")),
        "break_even": {"questions": None, "sentence": ""},
        "pass_at": {str(m): {"before": None, "after": None} for m in PASSES},
        "settings": None, "tasks": 0, "seeds": 0, "attempts": 0, "ungraded": 0, "smallest_effect": None, "reuse": 0, "off_task": [],
    }  # fmt: skip


def _decodings(sides: Sequence[Side]) -> Any:
    """The best decoding of the side, or of each when there are several."""
    found = [record(side.best_settings) | {"template": side.best_template} for side in sides]
    return found[0] if len(found) == 1 else found
