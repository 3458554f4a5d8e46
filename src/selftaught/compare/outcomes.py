"""What a claim's runs say: a difference with its interval for each ask, and holds, fails or opposite by rules that know no method."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from selftaught.claim import START, Ask, Claim
from selftaught.parts import named
from selftaught.stages import Measure
from selftaught.statistics.differences import Numbers
from selftaught.statistics.pooled import Pooled, over_seeds, pooled

# (recipe, task source that has runs of its own or "", measure, side or baseline) -> f64[S, units]
Seen = Mapping[tuple[str, str, str, str], Numbers]


class Row(NamedTuple):
    """One difference, in the direction that is better.

    Attributes:
        against, at: what it is against, by which measure.
        before, after: means of both, in the measure's own unit.
        gain, low, high, p: how much better, its 95% interval, two-sided p of no difference.
        by, want, decides: what was asked, see `claim.Ask`.
        share: whether it is a fraction, told in points.
        differ: the share of units and seeds in which the two are not equal.
        asked: p of no difference beyond `by`; None where the result does not hold it.
    """

    against: str
    at: str
    before: float
    after: float
    gain: float
    low: float
    high: float
    p: float
    by: float = 0.0
    want: str = "more"
    decides: bool = True
    share: bool = True
    differ: float = 0.0
    asked: float | None = None

    def words(self) -> str:
        """`against NAME, best: +2.3 points (-0.5 to +5.1)`."""
        unit, factor = (" points", 100) if self.share else ("", 1)
        low, high = f"{factor * self.low:+.3g}", f"{factor * self.high:+.3g}"
        return f"against {self.against}, {self.at}: {factor * self.gain:+.3g}{unit} ({low} to {high})"

    @property
    def true(self) -> bool:
        """Whether what was asked came true; never where it could not be measured."""
        return {"more": self.low > self.by, "no more": self.low <= self.by, "same": self.differ == 0}[self.want]


def difference(against: str, measure: Measure, before: Numbers, after: Numbers, ask: Ask) -> Row:
    """A row from f64[S, units] of both sides; where a seed has one unit, the interval is over seeds."""
    gain_S_B = (np.asarray(after, np.float64) - np.asarray(before, np.float64)) * (1 if measure.higher else -1)
    found = interval(gain_S_B)
    asked = interval(gain_S_B - ask.by).p if ask.by else found.p
    return Row(
        against=against, at=measure.label or measure.name, before=float(np.nanmean(before)), after=float(np.nanmean(after)),
        gain=found.gain, low=found.low, high=found.high, p=found.p, by=ask.by, want=ask.want, decides=ask.decides, share=measure.share,
        differ=float(np.mean(gain_S_B != 0)), asked=asked,
    )  # fmt: skip


def interval(gain_S_B: Numbers) -> Pooled:
    """Over seeds and units crossed, over units where there is one seed, over seeds where there is one unit; else none."""
    if gain_S_B.shape[1] > 1:
        return pooled(gain_S_B)
    if len(gain_S_B) > 1:
        return over_seeds(gain_S_B[:, 0].tolist())
    return Pooled(float(gain_S_B.mean()), float("nan"), float("nan"), 1.0, int((gain_S_B > 0).sum()), (float(gain_S_B.mean()),))


def rows_of(name: str, ask: Ask, seen: Seen, sources: Sequence[str]) -> list[Row]:
    """The rows of one ask: one, or one a task source where each counts by itself.

    Args:
        name: the recipe whose claim it is.
        ask: what is asked.
        seen: what was measured.
        sources: the task sources that have runs of their own; ("",) where all share one.
    """
    measure: Measure = named("measure", ask.measure)

    def values(side: str, source: str) -> Numbers:
        whose, side = (name, side) if side in (START, "result", measure.baseline) else (side, "result")
        return seen[whose, source, ask.measure, side]

    against = "the start" if ask.against == START else ask.against
    if ask.at_least:
        return [difference(f"{against} of {s}", measure, values(ask.against, s), values("result", s), ask) for s in sources]
    before, after = (np.concatenate([values(side, s) for s in sources], axis=1) for side in (ask.against, "result"))
    return [difference(against, measure, before, after, ask)]


def decided(claim: Claim, found: Sequence[Sequence[Row]]) -> tuple[str, str]:
    """Status and reason of a claim, given the rows of each of its asks.

    It holds when all its deciding asks (or any, where one is enough) came true. It is the opposite when one that asks for more
    lies below zero, and none of them above. The reason is the row that is furthest from what is asked.
    """
    pairs = [(ask, rows) for ask, rows in zip(claim.asks, found, strict=True) if ask.decides]
    came = [sum(row.true for row in rows) >= (ask.at_least or len(rows)) for ask, rows in pairs]
    # To be allowed to lose a little is no direction.
    pulls = [(ask.at_least or 1, rows) for ask, rows in pairs if ask.want == "more" and ask.by >= 0]
    down = any(sum(row.high < 0 for row in rows) >= need for need, rows in pulls)
    up = any(sum(row.low > 0 for row in rows) >= need for need, rows in pulls)
    status = "holds" if (all if claim.enough == "all" else any)(came) else "opposite" if down and not up else "fails"
    counted = [tally(ask, rows) for ask, rows in pairs if ask.at_least]
    single = [row for ask, rows in pairs for row in rows if not ask.at_least]
    return status, "; ".join([*counted, *([reason(status, single)] if single else [])])


def tally(ask: Ask, rows: Sequence[Row]) -> str:
    """On how many sources an ask came true."""
    won, lost = sum(row.true for row in rows), sum(row.high < 0 for row in rows)
    return f"{rows[0].at} beats {ask.against} on {won} of {len(rows)} task sources and loses on {lost}; {ask.at_least} are asked"


def reason(status: str, rows: Sequence[Row]) -> str:
    """The row that decides, in words."""
    if all(row.want == "same" for row in rows):
        parts = [f"{row.at}: {'no unit differs' if row.true else f'{row.differ:.0%} of the units differ'}" for row in rows]
        return "; ".join(parts)
    if all(row.want == "no more" for row in rows):
        return min(rows, key=lambda row: row.low).words()
    if status == "opposite":
        return min(rows, key=lambda row: row.high).words()
    weakest = min(rows, key=lambda row: row.low - row.by)
    asked = f"; more than {100 * weakest.by:+.3g} points are asked" if weakest.by and status != "holds" else ""
    return weakest.words() + asked


def presumed(premise: Ask, start: Numbers, baseline: Numbers) -> Row:
    """The row of a premise, from f64[1, units] of the start and of what it is compared with."""
    return difference(premise.against, named("measure", premise.measure), baseline, start, premise)
