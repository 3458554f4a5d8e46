"""The forecast's arithmetic, against hand numbers."""

import math

import numpy as np
import pytest

from selftaught.prove import preflight
from selftaught.prove.preflight import Look, Paid, forecast, level_of, look_features, method, nothing, paid_features, winner

HEALTHY = {
    "checked": 1.0, "majority_share": 0.6, "mixed": 0.8, "greedy": 0.5, "signal": 0.8, "truth": 1.0, "gold": 0.0, "rates": 6e-3,
}  # fmt: skip


def look(answers, greedy, right=None, length=0.5):
    """One task; `right` is the answer a rule passes, None where there is no rule."""
    graded = np.array([np.nan if right is None else float(answer == right) for answer in answers])
    return Look(
        answers_G=answers, greedy=greedy, right_G=graded, greedy_right=math.nan if right is None else float(greedy == right),
        lengths_G=np.full(len(answers), length), logprobs_G=np.full(len(answers), -0.5),
    )  # fmt: skip


def paid(rewards, truth):
    return Paid(rewards_G=np.array(rewards, float), truth_G=np.array(truth, float))


def test_features_of_two_tasks_by_hand():
    looks = [look(["7", "7", "3", None], "7", right="3"), look(["1", "1", "1", "1"], "2", right="1", length=1.0)]
    features = look_features(looks)
    expected = {
        "tasks": 2, "checked": 1, "majority_share": (0.5 + 1) / 2, "margin": (0.25 + 1) / 2, "distinct": 1.5, "greedy_agrees": 0.5,
        "abstained": 1 / 8, "length": 0.75, "cut": 0.5, "logprob": -0.5, "pass_1": (0.25 + 1) / 2, "pass_8": 1, "mixed": 0.5,
        "vote": 0.5, "greedy": 0,
    }  # fmt: skip
    assert features == pytest.approx(expected)


def test_tasks_without_a_rule_are_neither_right_nor_wrong():
    features = look_features([look(["7", "7"], "7", right="7"), look(["1", "2"], "1")])
    assert (features["checked"], features["greedy"], features["pass_1"]) == (0.5, 1.0, 1.0)
    assert level_of(features) == pytest.approx(0.5 * 1.0 + 0.5 * 0.75)
    assert math.isnan(look_features([look(["1"], "1")])["greedy"])
    assert level_of(look_features([look(["1", "2"], "1")])) == 0.5


def test_the_earliest_of_equal_answers_wins_and_silence_never_does():
    assert winner([None, None, "b", "a"]) == "b"
    assert winner([None]) is None


def test_truth_is_the_correlation_of_rewards_with_what_is_right_within_tasks():
    assert paid_features([paid([1, 0, 1], [1, 0, 1])])["truth"] == pytest.approx(1)
    assert paid_features([paid([0, 1], [1, 0])])["truth"] == pytest.approx(-1)
    # Between tasks rewards and truth go together, within tasks not at all.
    assert paid_features([paid([1, 1], [1, 1]), paid([0, 0], [0, 0])])["truth"] == 0
    mixed = [paid([1, 0, 1, 0], [1, 1, 0, 0]), paid([1, 0], [1, 0])]
    assert paid_features(mixed)["truth"] == pytest.approx(0.5 / 1.5)


def test_unscored_attempts_are_left_out_not_zeroed():
    features = paid_features([paid([np.nan, 1, 0], [0, 1, 0]), paid([np.nan] * 3, [1, 0, 0])])
    assert features == pytest.approx({"signal": 0.5, "truth": 1.0, "unscored": 4 / 6})


def test_the_formula_by_hand():
    teach, noise = 27 / 4 * 0.125 * 0.8 * 1.0, 0.0
    expected = (1 - math.exp(-6e-3 / preflight.DOSE)) * (preflight.TEACH * teach - preflight.NOISE * noise)
    assert forecast(HEALTHY)["expected_gain"] == pytest.approx(expected)
    said = forecast(HEALTHY)
    assert said["help"] and said["low"] < expected < said["high"]
    assert "agree 60% of the time and a rule can check them" in said["why"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"signal": 0.0}, "nothing to learn from"),
        ({"greedy": 1.0, "majority_share": 1.0, "signal": 0.02, "mixed": 0.02}, "nothing to learn from"),
        ({"greedy": 0.0, "signal": 0.02, "mixed": 0.02}, "nothing to learn from"),
        ({"truth": 0.0}, "only loosely"),
        ({"truth": -0.5}, "only loosely"),
        ({"checked": 0.0, "greedy": math.nan}, "which may be wrong"),
        ({"rates": 0.0}, "learning rate is 0"),
        ({"rates": 1e-5}, "too small a dose"),
    ],
)
def test_no_room_no_signal_no_truth_or_no_dose_is_no_help(change, words):
    said = forecast(HEALTHY | change)
    assert not said["help"]
    assert words in said["why"]


@pytest.mark.parametrize(("name", "values"), [("signal", (0.2, 0.5, 0.9)), ("truth", (0.0, 0.4, 1.0)), ("rates", (1e-4, 1e-3, 1e-2))])
def test_more_true_signal_and_more_training_expect_more(name, values):
    gains = [forecast(HEALTHY | {name: value})["expected_gain"] for value in values]
    assert gains == sorted(gains) and gains[0] < gains[-1]


def test_false_signal_does_harm_and_more_of_it_more():
    gains = [forecast(HEALTHY | {"truth": 0.0, "signal": signal})["expected_gain"] for signal in (0.1, 0.5, 1.0)]
    assert gains == sorted(gains, reverse=True) and gains[-1] < 0


def test_answers_are_trusted_where_no_rule_checks():
    vote, gold = HEALTHY | {"checked": 0.0}, HEALTHY | {"checked": 0.0, "gold": 1.0}
    assert forecast(gold)["expected_gain"] > forecast(vote)["expected_gain"]


def test_a_method_is_measured_on_what_a_rule_checks():
    said = method(np.array([1, 0, 0, np.nan]), np.array([1, 1, 1, np.nan]), "voting")
    assert said["expected_gain"] == pytest.approx(2 / 3) and said["help"]
    assert said["high"] - said["low"] == pytest.approx(2 * 1.96 * math.sqrt(1 / 3) / math.sqrt(3))
    assert method(np.array([np.nan] * 3), np.array([np.nan] * 3), "voting")["help"] is False


def test_nothing_is_no_gain():
    assert nothing("x") == {"help": False, "expected_gain": 0.0, "low": 0.0, "high": 0.0, "why": "x"}
