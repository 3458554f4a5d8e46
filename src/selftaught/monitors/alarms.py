"""Monitors: label-free alarms over a run's numbers. An alarm is a condition that holds at three steps in a row.

A monitor sees the numbers of all steps so far, the present one last, and returns what is wrong in plain words, "" when
nothing is. A step that lacks a number (or has NaN) says nothing about it and is passed over. Those that need not wait
are in `at_once`.
"""

from dataclasses import dataclass
from math import isnan, nan

from selftaught.monitors.at_once import Broken, Estranged, NoSignal
from selftaught.monitors.base import Monitor
from selftaught.monitors.injections import Persuaded
from selftaught.monitors.kept_answers import Kept
from selftaught.monitors.series import FIRST, IN_A_ROW, Steps, below_best, change, lasting, series
from selftaught.parts import BadInput, part


@part
@dataclass(frozen=True, kw_only=True)
class RightLess(Monitor):
    """It is right less than it was: the anchor to the start (`monitors.start_probe`) has fallen below its best.

    Attributes:
        drop: how far the anchor may lie below its best so far.
        window: steps averaged.
    """

    drop: float = 0.04
    window: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.drop < 1 or self.window < 1:
            raise BadInput(f"right-less: drop={self.drop} must lie in (0, 1) and window={self.window} be at least 1")

    def alarm(self, steps: Steps) -> str:
        below = below_best(series(steps, "anchor"), self.window)
        if not lasting(below, lambda value: value >= self.drop):
            return ""
        lost = f"{100 * below[-1]:.0f} points less sure of what the start was sure of"
        if change(steps, "majority_share", FIRST) > 0:
            return f"it agrees with itself more and is right less: {lost}"
        if change(steps, "judge_yes", FIRST) > 0:
            return f"the judge prefers its own and it is right less: {lost}"
        if change(steps, "reward", FIRST) > 0:
            return f"it rewards itself more and is right less: {lost}"
        return f"it is right less: {lost}"


@part
@dataclass(frozen=True, kw_only=True)
class OneAnswer(Monitor):
    """One answer serves more and more questions, or is what all of them are taught.

    Attributes:
        label: `one_label` from which one answer is paid for everything, whatever is answered so far. Yes-or-no
            questions come to some 0.6.
        rise: how far `one_answer` may lie above its mean over the first three steps; tasks whose answers are few
            share some by chance, which the first steps show.
    """

    label: float = 0.8
    rise: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.rise <= 1 or not 0 < self.label <= 1:
            raise BadInput(f"one-answer: rise={self.rise} and label={self.label} must lie in (0, 1]")

    def alarm(self, steps: Steps) -> str:
        if lasting(labels := series(steps, "one_label"), lambda value: value >= self.label):
            return f"one answer for everything: the same answer is paid on {labels[-1]:.0%} of other questions"
        values = series(steps, "one_answer")
        first = sum(values[:IN_A_ROW]) / IN_A_ROW
        if len(values) < 2 * IN_A_ROW or not lasting(values, lambda value: value >= first + self.rise):
            return ""
        return f"one answer for everything: the most common answer serves {values[-1]:.0%} of other questions, {first:.0%} at first"


@part
@dataclass(frozen=True, kw_only=True)
class Lengths(Monitor):
    """Lengths run away: attempts grow, shrink, are cut off, or are about to, since length is what is paid.

    Attributes:
        paid: correlation of reward and length within groups from which length is what is paid. Right attempts may well
            be shorter, and somewhat longer, than wrong ones (measured: -0.7 to 0.4), but no more than that.
        most: how many times the length at first, source by source, is too long.
        least: how many times is too short.
        cut: how far the share of attempts that hit the limit may lie above its mean over the first three steps.
        ended: share of those that ended by themselves at the first step below which too few do; it speaks first where
            most are cut off from the start.
    """

    paid: float = 0.8
    most: float = 1.5
    least: float = 0.5
    cut: float = 0.25
    ended: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.least < 1 < self.most or not (0 < self.cut <= 1 and 0 < self.paid <= 1 and 0 <= self.ended < 1):
            raise BadInput(f"lengths: 0 < least < 1 < most, paid and cut in (0, 1] and ended in [0, 1) are needed, got {self}")

    def alarm(self, steps: Steps) -> str:
        ratios, cuts = series(steps, "length_ratio"), series(steps, "cut_off")
        if lasting(ratios, lambda value: value >= self.most or value <= self.least):
            return f"lengths run away: {ratios[-1]:.1f} times what they were at first"
        first = sum(cuts[:IN_A_ROW]) / IN_A_ROW
        if len(cuts) >= 2 * IN_A_ROW and lasting(cuts, lambda value: value >= first + self.cut):
            return f"lengths run away: {cuts[-1]:.0%} of attempts are cut off, {first:.0%} at first"
        if len(cuts) > IN_A_ROW and lasting(cuts, lambda value: 1 - value < self.ended * (1 - cuts[0])):
            return f"lengths run away: {1 - cuts[-1]:.1%} of attempts come to an end, {1 - cuts[0]:.1%} at first"
        if lasting(paid := series(steps, "length_paid"), lambda value: value >= self.paid):
            return f"lengths are about to run away: the longer, the better paid (correlation {paid[-1]:.2f})"
        return ""


@part
@dataclass(frozen=True, kw_only=True)
class YesJudge(Monitor):
    """A judge's approval means nothing: it approves two different answers of one question.

    Attributes:
        contradictions: share of questions with different answers of which it approves two.
        yes: mean score from which contradictions count; a judge that says yes to half is undecided, not blind.
    """

    contradictions: float = 0.5
    yes: float = 0.75

    def __post_init__(self) -> None:
        if not (0 < self.contradictions <= 1 and 0 < self.yes <= 1):
            raise BadInput(f"{self.name}: contradictions={self.contradictions} and yes={self.yes} must lie in (0, 1]")

    def alarm(self, steps: Steps) -> str:
        both = [s for s in steps if "judge_yes" in s and not isnan(s.get("judge_contradiction", nan))]
        blind = [s["judge_contradiction"] >= self.contradictions and s["judge_yes"] >= self.yes for s in both[-IN_A_ROW:]]
        if len(blind) < IN_A_ROW or not all(blind):
            return ""
        return f"the judge says yes to contradictions: two answers approved on {both[-1]['judge_contradiction']:.0%} of the questions"


@part
@dataclass(frozen=True, kw_only=True)
class Apart(Monitor):
    """Learner and sampler disagree about the log-probabilities of what was sampled.

    Attributes:
        gap: nats a token, in the mean; one engine stays below 1e-6 in float32 and 1e-2 in bfloat16, two at low precision
            at some 0.02.
    """

    gap: float = 0.05

    def __post_init__(self) -> None:
        if not self.gap > 0:
            raise BadInput(f"apart: gap={self.gap} must be above 0")

    def alarm(self, steps: Steps) -> str:
        gaps = series(steps, "logprob_gap")
        if not lasting(gaps, lambda value: value >= self.gap):
            return ""
        return f"learner and sampler disagree by {gaps[-1]:.2f} nats a token"


DEFAULT_MONITORS: tuple[Monitor, ...] = (
    Broken(), NoSignal(), RightLess(), Estranged(), Kept(), OneAnswer(), Lengths(), YesJudge(), Persuaded(), Apart(),
)  # fmt: skip
