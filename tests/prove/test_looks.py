import numpy as np
import pytest

from gate_sampler import sides, spread
from selftaught.prove.decision import decided
from selftaught.prove.looks import errors, futile, level_at, looks_of, spent_p, told, why_ended
from selftaught.prove.verdict import verdict
from selftaught.statistics.paired import Paired


def pair(gain, sd=0.5, tasks=30):
    return Paired(0.4, 0.4 + gain, gain, gain - 0.1, gain + 0.1, 0.5, sd, tasks)


def test_stages_are_equal_and_never_small():
    assert [looks_of(n) for n in (8, 59, 60, 89, 90, 200)] == [(8,), (59,), (30, 60), (45, 89), (30, 60, 90), (67, 134, 200)]


def test_the_error_is_spent_and_no_more():
    from scipy.stats import multivariate_normal, norm

    first, last = errors((30, 60))
    assert first == pytest.approx(0.05 * 0.5**2)
    c = norm.isf([first / 2, last / 2])
    root = 0.5**0.5
    inside = multivariate_normal([0, 0], [[1, root], [root, 1]]).cdf(c, lower_limit=-c)
    assert 1 - inside == pytest.approx(0.05, abs=1e-6)
    sums_N_3 = np.random.default_rng(0).normal(size=(100_000, 3)).cumsum(axis=1) / np.sqrt([1, 2, 3])
    crossed = (np.abs(sums_N_3) > norm.isf(np.array(errors((30, 60, 90))) / 2)).any(axis=1).mean()
    assert crossed == pytest.approx(0.05, abs=0.0025)
    assert errors((200,), 0.01) == (0.01,) and level_at((200,), 0) == 0.95


def test_p_and_the_interval_of_a_look_agree():
    looks = (30, 60, 90)
    for look, error in enumerate(errors(looks)):
        assert spent_p(error, looks, look) == pytest.approx(0.05, rel=1e-4)
        assert spent_p(0.9 * error, looks, look) < 0.05 < spent_p(1.1 * error, looks, look)
    assert spent_p(0.2, (60,), 0) == 0.2 and spent_p(1.0, looks, 0) == 1.0


def test_a_look_that_cannot_gain_any_more_is_the_last_but_a_loss_is_seen_to_its_end():
    assert futile([pair(0.0), pair(0.2)], (30, 60), 0) and not futile([pair(0.1), pair(0.1)], (30, 60), 0)
    assert not futile([pair(-0.12), pair(0.0)], (30, 60), 0)
    assert futile([pair(0.0, sd=0.0), pair(0.0, sd=0.0)], (30, 60), 0)


def test_one_look_is_the_verdict_as_it_was():
    start, result = sides(lambda w, t, temp: spread(t) * 0.5 + (0.4 if w == "result" else 0), tasks=90)
    plain = verdict(start, result, draws=500)
    assert told(plain, (90,), 0, "") == plain == verdict(start, result, draws=500, level=level_at((90,), 0))
    looks = looks_of(90)
    early = verdict(start.first(30), result.first(30), draws=500, level=level_at(looks, 0))
    found = decided([start.first(30)], [result.first(30)], draws=500, level=level_at(looks, 0))
    why = why_ended(found, looks, 0, 0.05)
    said = told(early, looks, 0, why)
    assert why == "a clear gain" and said["sentence"].endswith("(ended at look 1 of 3, 30 of 90 tasks: a clear gain).")
    assert said["p"] > early["p"] and said["best"]["p"] > early["best"]["p"] and said["looked"]["level"] == pytest.approx(1 - 0.05 / 9)
    assert early["low"] < verdict(start.first(30), result.first(30), draws=500)["low"]
