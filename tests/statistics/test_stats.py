from math import sqrt

import numpy as np
import pytest
from scipy import stats as peer

from selftaught.statistics.differences import bootstrap_interval, crossed_interval, holm, needed_tasks, smallest_effect


def test_bootstrap_is_close_to_the_t_interval_and_repeats():
    diff_B = np.random.default_rng(0).normal(0.1, 0.3, 200)
    low, high = bootstrap_interval(diff_B, seed=1)
    half = peer.t.ppf(0.975, 199) * diff_B.std(ddof=1) / sqrt(200)
    assert (low, high) == bootstrap_interval(diff_B, seed=1) != bootstrap_interval(diff_B, seed=2)
    np.testing.assert_allclose((low, high), (diff_B.mean() - half, diff_B.mean() + half), atol=0.002)
    narrow = bootstrap_interval(diff_B, seed=1, level=0.5)
    assert low < narrow[0] < narrow[1] < high


def test_bootstrap_of_equal_differences_is_a_point():
    assert bootstrap_interval(np.zeros(5), 0) == (0.0, 0.0)
    with pytest.raises(ValueError, match="two finite differences"):
        bootstrap_interval(np.array([1.0]), 0)


@pytest.mark.parametrize("tasks", [10, 100])
def test_bootstrap_covers(tasks):
    rng, hits, trials = np.random.default_rng(tasks), 0, 400
    for trial in range(trials):
        start_B, end_B = (rng.binomial(4, rng.beta(1, 1, tasks)) / 4 for _ in "ab")
        low, high = bootstrap_interval(end_B - start_B, trial, draws=600)
        hits += low <= 0 <= high
    assert 0.925 <= hits / trials <= 0.98


def test_crossed_by_hand():
    # MS_seed = 1, MS_task = 4, MS_rest = 0 for a purely additive table: V = 5/4, df = 5^2 / (1 + 16).
    got = crossed_interval(np.array([[0.0, 2.0], [1.0, 3.0]]))
    half = sqrt(5 / 4) * peer.t.ppf(0.975, 1)
    assert got == pytest.approx((1.5, 1.5 - half, 1.5 + half, 25 / 17))


def test_crossed_without_spread_between_seeds_is_the_paired_t():
    diff_B = np.random.default_rng(5).normal(size=30)
    got = crossed_interval(np.stack([diff_B, diff_B, diff_B]))
    half = peer.t.ppf(0.975, 29) * diff_B.std(ddof=1) / sqrt(30)
    assert got == pytest.approx((diff_B.mean(), diff_B.mean() - half, diff_B.mean() + half, 29))


def test_crossed_leaves_incomplete_tasks_out_and_refuses_one_seed():
    diff_S_B = np.random.default_rng(6).normal(size=(3, 9))
    holed = np.concatenate([diff_S_B, [[np.nan], [0], [0]]], axis=1)
    assert crossed_interval(holed) == crossed_interval(diff_S_B)
    with pytest.raises(ValueError, match="two seeds"):
        crossed_interval(diff_S_B[:1])


@pytest.mark.parametrize(("seeds", "seed_sd"), [(3, 0.0), (3, 0.25), (3, 0.5), (5, 0.25)])
def test_crossed_covers(seeds, seed_sd):
    rng, hits, trials = np.random.default_rng(seeds), 0, 1200
    for _ in range(trials):
        task_B, shift_S = rng.normal(0.1, 0.3, 100), rng.normal(0, 0.1 * seed_sd / 0.25, (seeds, 1))
        got = crossed_interval(task_B + shift_S + rng.normal(0, 0.3, (seeds, 100)))
        hits += got.low <= 0.1 <= got.high
    assert 0.93 <= hits / trials <= 0.98


def test_power_by_hand_and_by_simulation():
    # (1.960 + 0.842) 0.5 / sqrt(196) = 0.1
    assert smallest_effect(0.5, 196) == pytest.approx(0.10006, abs=1e-4)
    assert needed_tasks(0.5, 0.1) == 197
    assert needed_tasks(0.5, smallest_effect(0.5, 300)) == 300
    assert smallest_effect(0.0, 9) == 0
    rng = np.random.default_rng(0)
    found = np.mean([peer.ttest_1samp(rng.normal(0.1, 0.5, 197), 0).pvalue < 0.05 for _ in range(600)])
    assert found == pytest.approx(0.8, abs=0.05)
    with pytest.raises(ValueError, match="effect"):
        needed_tasks(1.0, 0.0)
    with pytest.raises(ValueError, match="sd"):
        smallest_effect(-1.0, 5)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
    with pytest.raises(ValueError, match="0, 1"):
        holm([1.5])
