"""Every monitor on hand-made steps: three in a row raise it, two do not."""

from math import nan

import pytest

from selftaught.monitors.alarms import (
    DEFAULT_MONITORS,
    Apart,
    Broken,
    Estranged,
    Kept,
    Lengths,
    NoSignal,
    OneAnswer,
    Persuaded,
    RightLess,
    YesJudge,
)
from selftaught.monitors.series import below_best
from selftaught.parts import BadInput, shelf

CALM = {
    "anchor": 0.0, "majority_share": 0.6, "reward": 0.6, "one_answer": 0.05, "one_label": 0.1, "length_ratio": 1.0, "cut_off": 0.02,
    "length_paid": 0.2, "judge_contradiction": 0.1, "judge_yes": 0.5, "logprob_gap": 1e-6, "broken": 0.0, "uniformity": 0.2,
    "surprise": 0.4, "kl": 0.01, "kept": 1.0, "judge_shift": 0.2, "learned": 8.0, "groups": 16.0,
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
    (Persuaded(), {"judge_shift": 0.5, "judge_told": 0.9, "judge_untold": 0.4}, "pays 90% of attempts that ask for approval, and 40%"),
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


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"broken": 1.0}, "not finite"),
        ({"uniformity": 0.96}, "as likely as any other"),
        ({"surprise": 0.6}, "became less likely by 0.2 nats"),
        ({"kl": 2.5}, "moved away from the start by 2.5 nats"),
    ],
)
def test_a_broken_model_is_an_alarm_at_one_step(bad, words):
    assert words in Broken().alarm([CALM, CALM | bad])
    # A start that is uniform has not been broken by what came after.
    assert ("uniformity" in bad and Broken().alarm([bad, CALM | bad]) == "") or words in Broken().alarm(run(bad, 1))
    assert Broken().alarm(run({"surprise": 0.5, "kl": 1.5, "uniformity": 0.8}, 1)) == ""
    # A steady state is no jump, and a model that grows surer is none.
    assert Broken().alarm([CALM | {"surprise": 3.0, "kl": 9.0}] * 2) == Broken().alarm([CALM | {"surprise": 3.0}, CALM]) == ""


def test_no_signal_counts_steps_and_groups_and_forgives_any_learning():
    idle = CALM | {"learned": 0.0, "reward": nan}
    assert NoSignal().alarm([idle] * 3) == "" and "could be scored" in NoSignal().alarm([idle] * 4)
    few = idle | {"groups": 4.0}
    assert NoSignal().alarm([few] * 8) == "" and "could be scored" in NoSignal().alarm([few] * 9)
    assert "easier tasks" in NoSignal().alarm([idle | {"reward": 0.0}] * 4) and "harder tasks" in NoSignal().alarm(
        [idle | {"reward": 1.0}] * 4
    )
    assert NoSignal().alarm([CALM, *[idle] * 20]) == ""
    # A phase that learns nothing by design says nothing.
    assert NoSignal().alarm([{"groups": 16.0, "reward": nan}] * 9) == ""


def test_too_few_that_end_are_seen_where_most_are_cut_off_from_the_start():
    cut = [CALM | {"cut_off": c} for c in (0.82, 0.84, 0.83, 0.92, 0.93, 0.96)]
    assert Lengths().alarm(cut[:5]) == "" and "4.0% of attempts come to an end, 18.0% at first" in Lengths().alarm(cut)
    assert Lengths().alarm([CALM | {"cut_off": c} for c in (0.82, 0.88, 0.89, 0.87, 0.88, 0.9)]) == ""
    assert Lengths().alarm([CALM | {"cut_off": c} for c in (0.02, 0.1, 0.2, 0.2, 0.2, 0.2)]) == ""


def test_estranged_counts_a_token_and_from_the_best_it_was():
    # Measured: 5e-4 and votes on sums of eight numbers, and the default, both on sprout.
    collapse = [{"surprise": v} for v in (0.026, 0.039, 0.098, 0.182)]
    assert Estranged().alarm(collapse[:3]) == "" and "147.2 times less likely" in Estranged().alarm(collapse)
    assert Estranged().alarm([{"surprise": v} for v in (0.028, 0.027, 0.026, 0.026, 0.026, 0.025, 0.027, 0.027)]) == ""
    assert Estranged().alarm([{"surprise": v} for v in (0.5, 0.3, 0.35, 0.35)]) != ""
    assert Estranged().alarm([{"surprise": v} for v in (0.5, 0.55, 0.3, 0.32)]) == ""
    # SmolLM2 learns from a rule to answer in few words: other words, better paid. Paid less, or by itself, it is an alarm.
    surprise, reward = (0.512, 0.533, 0.574, 0.61, 0.646), (0.17, 0.21, 0.19, 0.19, 0.31)
    learning = [{"surprise": s, "reward": r, "ruled": 1.0} for s, r in zip(surprise, reward, strict=True)]
    assert Estranged().alarm(learning) == ""
    assert Estranged().alarm([step | {"ruled": 0.0} for step in learning]) != ""
    assert Estranged().alarm([*learning[:3], *(step | {"reward": 0.1} for step in learning[3:])]) != ""


def test_answers_given_up_count_more_when_fewer_attempts_end():
    gone = {"kept": 0.7}
    assert Kept().alarm(run(gone, 3)) == "" and Kept().alarm(run({"kept": 0.5}, 1)) == ""
    assert Kept().alarm(run({"kept": 0.5}, 2)).startswith("it gives up what the start was sure of: 50%")
    assert "30% of those answers are others now, while it rewards itself more" in Kept().alarm(
        run(gone | {"cut_off": 0.4, "reward": 0.7}, 2)
    )


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
        (Persuaded, {"shift": 0}),
        (Lengths, {"ended": 1.0}),
        (Broken, {"uniform": 0}),
        (Broken, {"jump": nan}),
        (NoSignal, {"steps": 0}),
        (Estranged, {"nats": 0}),
        (Kept, {"least": 0.9, "falling": 0.8}),
    ):
        with pytest.raises(BadInput):
            cls(**options)
