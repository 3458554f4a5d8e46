"""Health numbers on hand-made groups."""

from dataclasses import replace
from math import log

import numpy as np
import pytest

from selftaught.monitors.audit import calibration_error, vote_accuracy
from selftaught.monitors.health import (
    contradiction,
    length_paid,
    majority_share,
    mean,
    numbers,
    one_answer,
    reword_agreement,
    vote_entropy,
)
from selftaught.types import Attempt, Group, Message, SamplerSettings, Score, Task, Tokens


def attempt(task, index, text, *, view=0, messages=None, parents=(), stop="end", tokens=2, logprob=-0.5, temperature=1.0):
    payload = Tokens(
        ids=np.zeros(tokens + 1, np.int32), sampled=np.array([False] + [True] * tokens), logprobs=np.float32([0] + [logprob] * tokens)
    )
    return Attempt(
        id=f"{task.id}/{view}/{index}/{len(parents)}", task=task.id, payload=payload, text=text, view=view, parents=parents, stop=stop,
        messages=task.messages if messages is None else messages, settings=SamplerSettings(temperature=temperature),
    )  # fmt: skip


def group(name, texts, rewards=(), source="self", checker="equal", **options):
    task = Task(id=name, prompt=f"question {name}", source="hand", checker=checker)
    attempts = tuple(attempt(task, i, text, **options) for i, text in enumerate(texts))
    scores = tuple(Score(attempt=a.id, value=v, source=source, judge="hand") for a, v in zip(attempts, rewards, strict=False))
    return Group(key=name, task=task, attempts_G=attempts, scores=scores)


def said(text, task=None):
    return text or None


def test_shares_and_entropy_by_hand():
    assert majority_share(["1", "1", "2", None]) == 0.5
    assert vote_entropy(["1", "1", "2", None]) == pytest.approx(0.5 * log(2) + 2 * 0.25 * log(4))
    assert vote_entropy(["1", "1"]) == 0


def test_one_answer_is_0_for_own_answers_and_1_for_a_shared_one():
    assert one_answer([["1", "1"], ["2", "2"], ["3", "3"]]) == 0
    assert one_answer([["7", "7"], ["7", "7"], ["7", "7"]]) == 1
    # The most common answer holds 1 + 1/2 of three questions.
    assert one_answer([["7", "7"], ["7", "2"], ["3", "3"]]) == pytest.approx((1.5 - 1) / 2)
    assert np.isnan(one_answer([["1", "1"]]))


def test_wordings_agree_by_their_majorities():
    assert reword_agreement([[["1", "1", "2"], ["1"]], [["1"], ["2"]]]) == 0.5
    assert np.isnan(reword_agreement([[["1"], [None]]]))


def test_a_judge_contradicts_itself_when_it_approves_two_answers():
    yes_to_both, votes, alike = [("1", 1.0), ("2", 0.5)], [("1", 1.0), ("1", 1.0), ("2", 0.0)], [("1", 1.0), ("1", 0.0)]
    assert contradiction([yes_to_both, votes, alike]) == 0.5
    assert np.isnan(contradiction([alike]))


def test_numbers_of_a_step():
    groups = [
        group("a", ["1", "1", "2", ""], [1, 1, 0, 0]), group("b", ["5", "5", "5", "5"], [1, 1, 1, 1], logprob=-1.5, tokens=6),
    ]  # fmt: skip
    found = numbers(groups, said)
    assert found["majority_share"] == pytest.approx(0.75) and found["distinct_answers"] == 1.5
    assert found["judge_yes"] == pytest.approx(0.75) and found["judge_contradiction"] == 0
    assert found["entropy"] == pytest.approx((8 * 0.5 + 24 * 1.5) / 32) and found["cut_off"] == 0
    assert found["level/hand"] == pytest.approx(0.75)
    assert "reword_agreement" not in found


def test_rewordings_and_revisions_are_not_attempts_at_the_question_itself():
    plain = group("a", ["1", "1"])
    other = (Message("user", "the question in other words"),)
    reworded = [attempt(plain.task, i, "2", view=1, messages=other) for i in range(2)]
    revised = attempt(plain.task, 9, "3", parents=("x",))
    found = numbers([plain.joined([*reworded, revised])], said)
    assert found["majority_share"] == 1 and found["distinct_answers"] == 1 and found["reword_agreement"] == 0


def test_a_label_is_shared_when_the_same_answer_is_paid_everywhere():
    own = numbers([group("a", ["1", "7"], [1, 0]), group("b", ["2", "7"], [1, 0])], said)
    same = numbers([group("a", ["1", "7"], [0, 1]), group("b", ["2", "7"], [0, 1])], said)
    assert own["one_label"] == 0 and same["one_label"] == 1 and own["one_answer"] == same["one_answer"] == 0


def test_rules_are_no_opinions_and_cooler_attempts_say_nothing_about_entropy():
    found = numbers([group("a", ["1", "2"], [1, 1], source="rule", checker="rule", temperature=0.5)], said)
    assert "judge_yes" not in found and "judge_contradiction" not in found and "entropy" not in found


def test_what_has_no_answers_has_no_votes():
    found = numbers([group("a", ["", ""], [np.nan, np.nan])], said)
    assert not {"majority_share", "vote_entropy", "one_answer", "level/hand"} & set(found)


def test_what_length_is_paid_by_hand():
    def lengths(name, tokens, rewards):
        made = group(name, ["1"] * len(tokens), rewards)
        return replace(
            made,
            attempts_G=tuple(
                replace(a, payload=attempt(made.task, 0, "", tokens=n).payload) for a, n in zip(made.attempts_G, tokens, strict=True)
            ),
        )

    # Within groups reward is 0.1 a token, or -0.1 a token; a long question is not a long attempt.
    up, up_more, down = lengths("a", [2, 4], [0.2, 0.4]), lengths("b", [20, 21], [0.1, 0.2]), lengths("c", [3, 5], [0.4, 0.2])
    assert length_paid([up, up_more]) == pytest.approx(1.0)
    assert length_paid([up, down]) == pytest.approx(0.0)
    flat = lengths("d", [4, 4], [0.0, 1.0])
    # Sums of squares: rewards 0.02 + 0.02 + 0.5, lengths 2 + 2 + 0, products 0.2 + 0.2.
    assert length_paid([up, replace(up, key="e"), flat]) == pytest.approx(0.4 / np.sqrt(0.54 * 4))
    assert np.isnan(length_paid([up, flat])) and np.isnan(length_paid([]))


def test_audit_numbers_by_hand():
    answers, correct = [["1", "1", "2"], [None, None, "4"], [None] * 3], [[0, 0, 1], [0, 0, 1], [0, 0, 0]]
    assert vote_accuracy(answers, [np.float32(c) for c in correct]) == pytest.approx(1 / 3)
    # Two bins: 0.9 said of two attempts of which one is right, 0.1 of two that are wrong.
    rewards, right = np.float32([0.9, 0.9, 0.1, 0.1, np.nan]), np.float32([1, 0, 0, 0, 1])
    assert calibration_error(rewards, right) == pytest.approx(0.5 * 0.4 + 0.5 * 0.1)
    assert np.isnan(calibration_error(np.float32([np.nan]), np.float32([1])))


def test_mean_is_numpys_to_the_last_bit():
    rng = np.random.default_rng(0)
    for size in (1, 2, 7, 8, 9, 100, 1000):
        values = rng.normal(size=size).tolist()
        assert mean([*values, float("nan")]) == float(np.mean(values))
    assert np.isnan(mean([])) and np.isnan(mean([float("nan")]))
