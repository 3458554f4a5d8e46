from itertools import combinations, permutations

import numpy as np
import pytest

from selftaught.statistics.metrics import best_of_k, pass_at_k, vote_at_k

NAN = np.nan


def table(rows=6, n=5, seed=0):
    return np.random.default_rng(seed).integers(0, 2, (rows, n)).astype(np.float32)


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_pass_at_k_is_the_mean_over_all_subsets(k):
    correct_B_n = table()
    naive = [np.mean([max(s) for s in combinations(row, k)]) for row in correct_B_n]
    np.testing.assert_allclose(pass_at_k(correct_B_n, k), naive, atol=1e-6)


def test_pass_at_k_by_hand_and_without_the_ungraded():
    # 2 of 4 right, k=2: 1 - C(2,2)/C(4,2) = 5/6; with one attempt ungraded 1 of 2 right, k=2: certain.
    values = pass_at_k(np.array([[1, 1, 0, 0], [1, 0, NAN, NAN], [1, NAN, NAN, NAN]]), 2)
    np.testing.assert_allclose(values, [5 / 6, 1, NAN], atol=1e-6)
    assert values.dtype == np.float32


def naive_vote(answers_n, correct_n, k):
    def outcome(pick):
        said = [i for i in pick if answers_n[i] is not None]
        if not said:
            return 0.0
        votes = [sum(answers_n[j] == answers_n[i] for j in said) for i in said]
        return correct_n[said[votes.index(max(votes))]]

    return np.mean([outcome(pick) for pick in permutations(range(len(answers_n)), k)])


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_vote_at_k_is_the_mean_over_all_ordered_subsets(k):
    answers = [["7", "7", "8", None, "9"], [None] * 5, ["1", "2", "1", "2", None], ["4"] * 5]
    correct = np.array([[1, 1, 0, 0, 0], [0] * 5, [0, 1, 0, 1, 0], [1] * 5], np.float32)
    naive = [naive_vote(a, c, k) for a, c in zip(answers, correct, strict=True)]
    got = vote_at_k(answers, correct, k, np.random.default_rng(1), draws=8000)
    np.testing.assert_allclose(got, naive, atol=0.025)


def test_vote_leaves_ungraded_attempts_out():
    got = vote_at_k([["1", "1", "2"], ["1", "1", "2"]], np.array([[NAN, NAN, 1], [0, 0, NAN]]), 1, np.random.default_rng(0))
    np.testing.assert_allclose(got, [1, 0])
    assert np.isnan(vote_at_k([["1", None]], np.array([[1, NAN]]), 2, np.random.default_rng(0)))[0]


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_best_of_k_is_the_mean_over_all_subsets(k):
    correct_B_n = table(seed=3)
    scores_B_n = np.random.default_rng(4).normal(size=correct_B_n.shape)
    scores_B_n[0, 1] = scores_B_n[0, 2]
    scores_B_n[1, 0] = NAN
    ranked = np.nan_to_num(scores_B_n, nan=-np.inf)
    naive = [
        np.mean([c[max(s, key=lambda i: (v[i], -i))] for s in combinations(range(5), k)]) for c, v in zip(correct_B_n, ranked, strict=True)
    ]
    np.testing.assert_allclose(best_of_k(scores_B_n, correct_B_n, k), naive, atol=1e-6)


def test_best_of_k_with_ungraded_attempts():
    got = best_of_k(np.array([[9.0, 2, 1], [9, 2, 1]]), np.array([[NAN, 1, 0], [1, NAN, NAN]]), 2)
    np.testing.assert_allclose(got, [1, NAN])


def test_bad_input_is_refused():
    rng, answers = np.random.default_rng(0), [["1", "2"]]
    for k in (0, 3):
        with pytest.raises(ValueError, match="must lie in 1 to n"):
            pass_at_k(np.ones((1, 2)), k)
    with pytest.raises(ValueError, match="partial credit"):
        pass_at_k(np.array([[0.5, 1]]), 1)
    with pytest.raises(ValueError, match="differ in shape"):
        vote_at_k(answers, np.ones((2, 2)), 1, rng)
    with pytest.raises(ValueError, match="differ in shape"):
        best_of_k(np.ones((1, 3)), np.ones((1, 2)), 1)
