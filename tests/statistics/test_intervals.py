"""Interval and p of one estimator: they agree about zero, and few tasks that moved are not taken for many."""

from itertools import product
from math import comb

import numpy as np
import pytest

from selftaught.statistics.differences import bootstrap_interval, crossed_interval, crossed_p
from selftaught.statistics.intervals import estimate, moved, student
from selftaught.statistics.paired import compare, decide


def gains(up, down, tasks):
    return np.array([1.0] * up + [-1.0] * down + [0.0] * (tasks - up - down))


def agree(found):
    return (found.p < 0.05) == (found.low > 0 or found.high < 0)


def test_ordinary_differences_keep_the_bootstrap():
    diff_B = np.random.default_rng(0).normal(0.05, 0.3, 200)
    found = estimate(diff_B[None], seed=3)
    assert (found.low, found.high) == bootstrap_interval(diff_B, 3)
    assert estimate(diff_B[None], seed=3, level=1 - found.p * 1.02).low > 0 > estimate(diff_B[None], seed=3, level=1 - found.p / 1.02).low


def test_interval_and_p_agree_about_zero():
    rng = np.random.default_rng(1)
    found = []
    for tasks, seeds, _ in product((2, 4, 9, 10, 30, 120), (1, 3), range(4)):
        kind = rng.integers(4)
        diff_S_B = rng.choice([1.0, -1.0, 0.0], (seeds, tasks), p=[0.2, 0.03, 0.77]) if kind < 2 else rng.normal(0.2, 0.5, (seeds, tasks))
        diff_S_B = np.abs(diff_S_B) if kind == 1 else np.round(4 * diff_S_B) / 4 if kind == 3 else diff_S_B
        found.append(estimate(diff_S_B, seed=1, draws=300))
        turned = estimate(-diff_S_B, seed=1, draws=300)
        assert (turned.low, turned.high, turned.p) == pytest.approx((-found[-1].high, -found[-1].low, found[-1].p))
    assert all(map(agree, found)) and 8 < sum(f.p < 0.05 for f in found) < len(found) - 8


@pytest.mark.parametrize("up, down, tasks, shown", [(4, 0, 200, False), (7, 1, 200, False), (8, 0, 200, True), (30, 10, 200, True)])
def test_few_moves_are_counted(up, down, tasks, shown):
    """As the exact sign test does, which flips every pair that differs."""
    found = estimate(gains(up, down, tasks)[None])
    sign = min(1.0, 2 * sum(comb(up + down, k) for k in range(up, up + down + 1)) / 2 ** (up + down))
    assert (found.low > 0) == (found.p < 0.05) == (sign < 0.05) == shown
    assert found.low <= (up - down) / tasks <= found.high


def test_equal_differences_have_a_width():
    none, all_up = estimate(np.zeros((1, 60))), estimate(np.ones((1, 12)))
    assert none == (pytest.approx(-(1 - 0.05 ** (1 / 60))), -none.low, 1.0)
    # Of 12 tasks up to 22% may be of another kind, and fall by 1 instead of rising.
    assert all_up.low == pytest.approx(1 - 2 * (1 - 0.05 ** (1 / 12))) and all_up.high == 1 and all_up.p == pytest.approx(0.5**12, rel=1e-6)
    assert estimate(np.ones((3, 12)))[:2] == all_up[:2]
    assert agree(estimate(np.ones((1, 2)))) and estimate(np.ones((1, 2))).low < 0


def test_limits_by_hand():
    # Of 100 tasks 3 moved up by 1: Clopper-Pearson 0.62 to 8.52%, of none 3.62%.
    below, above = moved(gains(3, 0, 100), 0.95, 1.0)
    assert below == pytest.approx(np.hypot(0.03 - 0.0062, 0.0362), abs=1e-4) and above == pytest.approx(0.0852 - 0.03, abs=1e-4)


def test_few_tasks_are_students_and_seeds_are_crossed():
    diff_B = np.random.default_rng(2).normal(0.5, 0.4, 6)
    assert estimate(diff_B[None]) == student(diff_B, 0.95)
    diff_S_B = np.random.default_rng(3).normal(0.1, 0.4, (3, 50))
    found = estimate(diff_S_B)
    assert (found.low, found.high) == crossed_interval(diff_S_B)[1:3] and found.p == pytest.approx(crossed_p(diff_S_B))


@pytest.mark.parametrize("tasks", [12, 100])
def test_covers_where_few_tasks_move(tasks):
    rng = np.random.default_rng(tasks)
    found = [estimate(rng.choice([1.0, 0.0], (1, tasks), p=[0.05, 0.95]), i, draws=100) for i in range(100)]
    assert np.mean([f.low <= 0.05 <= f.high for f in found]) > 0.94


def test_fewer_than_ten_tasks_are_no_improvement():
    nine, ten = (compare(np.zeros((1, b)), np.ones((1, b))) for b in (9, 10))
    word, _, sentence = decide(nine, nine, {}, 0.05, 0.95)
    assert nine.low > 0 and word == "can't tell (needs 10 tasks)" and "9 tasks are too few" in sentence
    assert decide(ten, ten, {}, 0.05, 0.95)[0] == "improved"
