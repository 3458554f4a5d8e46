"""Every monitor on hand-made steps: three in a row raise it, two do not."""

from math import nan

import pytest

from selftaught.evaluate.monitors import DEFAULT_MONITORS, Apart, Lengths, OneAnswer, RightLess, YesJudge
from selftaught.evaluate.series import below_best
from selftaught.parts import BadInput, shelf

CALM = {
    "anchor": 0.0, "majority_share": 0.6, "reward": 0.6, "one_answer": 0.05, "one_label": 0.1, "length_ratio": 1.0, "cut_off": 0.02,
    "length_paid": 0.2, "judge_contradiction": 0.1, "judge_yes": 0.5, "logprob_gap": 1e-6,
}  # fmt: skip


def run(bad, count, before=12, **always):
    """Calm steps, then `count` bad ones."""
    return [CALM | always] * before + [CALM | always | bad] * count


CASES = [
    (OneAnswer(), {"one_answer": 0.9}, "one answer for everything"),
    (OneAnswer(), {"one_label": 1.0}, "the same answer is paid"),
    (Lengths(), {"length_ratio": 2.0}, "lengths run away"),
    (Lengths(), {"length_ratio": 0.3}, "lengths run away"),
    (Lengths(), {"cut_off": 0.5}, "cut off"),
    (Lengths(), {"length_paid": 0.95}, "the longer, the better paid"),
    (YesJudge(), {"judge_contradiction": 1.0, "judge_yes": 1.0}, "the judge says yes to contradictions"),
    (Apart(), {"logprob_gap": 0.5}, "learner and sampler disagree"),
]


@pytest.mark.parametrize(("monitor", "bad", "words"), CASES)
def test_fires_at_the_third_bad_step_in_a_row(monitor, bad, words):
    assert monitor.alarm(run(bad, 2)) == "" and words in monitor.alarm(run(bad, 3))
    interrupted = [*run(bad, 2), CALM, *run(bad, 2, before=0)]
    assert monitor.alarm(interrupted) == ""


@pytest.mark.parametrize(("monitor", "bad", "words"), CASES)
def test_a_step_that_does_not_know_is_passed_over(monitor, bad, words):
    unknown = dict.fromkeys(CALM, nan)
    assert words in monitor.alarm([*run(bad, 2), unknown, {}, CALM | bad])


def test_right_less_reads_the_mean_over_its_window():
    monitor = RightLess(drop=0.05, window=2)
    lost = {"anchor": -0.06, "majority_share": 0.9}
    # The first mean that has fallen so far is over two bad steps; it must last three steps.
    assert monitor.alarm(run(lost, 3)) == ""
    assert monitor.alarm(run(lost, 4)).startswith("it agrees with itself more and is right less: 6 points")
    assert "rewards itself more" in monitor.alarm(run({"anchor": -0.06, "reward": 0.9}, 4))
    assert monitor.alarm(run({"anchor": -0.06}, 4)).startswith("it is right less")


def test_right_less_counts_from_the_best_it_was():
    risen = [CALM | {"anchor": 0.2}] * 4
    assert "right less" in RightLess(drop=0.1, window=2).alarm([*risen, *run({"anchor": 0.05}, 4, before=0)])
    assert RightLess(drop=0.1, window=2).alarm(run({"anchor": 0.05}, 4)) == ""
    assert below_best([0.0, 0.2, 0.2, 0.0], 2) == pytest.approx([-0.1, -0.1, 0.1])


def test_the_judge_that_approves_more_while_less_is_right_prefers_its_own():
    assert "the judge prefers its own" in RightLess().alarm(run({"judge_yes": 0.7, "anchor": -0.08}, 8))
    assert RightLess().alarm(run({"judge_yes": 0.7}, 8)) == ""


@pytest.mark.parametrize("monitor", DEFAULT_MONITORS)
def test_says_nothing_of_calm_steps_few_steps_and_other_numbers(monitor):
    assert monitor.alarm([CALM] * 50) == monitor.alarm([CALM] * 2) == monitor.alarm([]) == monitor.alarm([{"step": 1.0}] * 9) == ""


def test_shares_of_few_answers_are_no_alarm():
    assert OneAnswer().alarm([CALM | {"one_answer": 0.4, "one_label": 0.6}] * 20) == ""


def test_are_registered_and_refuse_bad_values():
    assert set(shelf("monitor")) >= {monitor.name for monitor in DEFAULT_MONITORS}
    for cls, options in (
        (RightLess, {"drop": 0}),
        (OneAnswer, {"rise": 2}),
        (Lengths, {"most": 0.9}),
        (YesJudge, {"yes": 0}),
        (Apart, {"gap": 0}),
    ):
        with pytest.raises(BadInput):
            cls(**options)
