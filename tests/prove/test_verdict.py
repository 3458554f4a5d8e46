"""What the verdict says beside the word: equal tokens, break-even, off-task families, several training seeds."""

import re
from dataclasses import replace

import numpy as np
import pytest

from gate_sampler import sides, spread
from selftaught.prove.costs import break_even, equal_token_k, rounded, slope_of
from selftaught.prove.off_task import family_rows, worse_p
from selftaught.prove.verdict import pooled_verdict, verdict
from selftaught.statistics.differences import crossed_interval, crossed_p, crossed_sd

HALF = {"prompt_tokens": 10.0, "before_tokens": 20.0, "after_prompt": 12.0, "after_tokens": 18.0}


def test_equal_tokens_by_hand():
    # 6,000 tokens over 100 questions are 60 each; with the 20 of the reply they buy 4 attempts of 20.
    assert equal_token_k(6000, 100, 20, 20) == 4
    assert equal_token_k(0, 100, 20, 30) == 1.5
    assert np.isnan(equal_token_k(6000, 100, float("nan"), 20)) and np.isnan(equal_token_k(6000, 100, 0, 20))
    assert slope_of({1: 0.2, 8: 0.5, 16: 0.625}) == 0.125
    assert slope_of({1: 0.2, 8: 0.5, 16: None}) == pytest.approx(0.3)
    assert slope_of({1: 0.2, 2: None}) is None


def test_break_even_by_hand():
    # A vote of 8 costs 10 + 160 a question, a reply 30: 140 are saved, 588,000 tokens are back after 4,200 questions.
    got = break_even(588_000, 8, 0.6, 0.6, **HALF)
    assert got == {"questions": 4200, "sentence": "cheaper than a vote of 8 on the start after about 4,200 questions"}
    assert break_even(588_001, 8, 0.6, 0.6, **HALF)["questions"] == 4201
    assert break_even(0, 8, 0.6, 0.7, **HALF)["sentence"].endswith("from the first question on")
    assert [rounded(n) for n in (7, 42, 4237, 995)] == [7, 42, 4200, 1000]


@pytest.mark.parametrize(
    ("vote", "after", "changed", "why"),
    [
        (0.7, 0.6, {}, r"right more often \(70.0%\) than one reply \(60.0%\)"),
        (0.5, 0.6, {"after_tokens": 200.0}, "costs as many tokens"),
        (0.5, 0.6, {"after_tokens": float("nan")}, "not known"),
        (float("nan"), 0.6, {}, "no vote of 8"),
    ],
)
def test_break_even_says_why_not(vote, after, changed, why):
    got = break_even(1000, 8, vote, after, **(HALF | changed))
    assert got["questions"] is None
    assert re.search(why, got["sentence"])


def test_the_verdict_prices_votes_of_the_start():
    start, result = sides(lambda w, t, temp: 0.45 if w == "start" else 0.9, tasks=60)
    # Drawn attempts sample 2 tokens each: 360 tokens over 60 questions and one reply of 2 make 4 attempts.
    got = verdict(start, result, spent=360, draws=300)
    assert got["equal_tokens"]["k"] == 4 and got["equal_tokens"]["drawn"] == 4
    assert got["equal_tokens"]["vote"] == got["vote_curve"]["4"]
    assert got["equal_tokens"]["slope"] == pytest.approx(got["vote_curve"]["16"] - got["vote_curve"]["8"])
    assert got["vote_curve"]["8"] == got["baselines"]["vote_k"] and list(got["vote_curve"]) == ["1", "2", "4", "8", "16"]
    # A vote costs 1 + 8 * 2 tokens, a reply 3: 360 tokens are back after 360 / 14 questions.
    assert got["best"]["after"] == 1 and got["break_even"]["questions"] == 26
    rich = verdict(start, result, spent=10**6, draws=300)["equal_tokens"]
    assert rich["k"] > 16 and rich["drawn"] == 16 and rich["vote"] == got["vote_curve"]["16"]
    blind = replace(start, sampled_tokens=float("nan"))
    assert verdict(blind, result, draws=300)["equal_tokens"] == {
        "k": None,
        "vote": None,
        "slope": got["equal_tokens"]["slope"],
        "drawn": None,
    }


def family_side(side, means):
    """A side whose families have these shares of right attempts, exactly."""
    names = np.array(list(means))[np.arange(len(side.tasks_B)) % len(means)]
    correct_B_n = np.stack([np.arange(16) < 16 * means[name] for name in names]).astype(np.float32)
    correct_B_n[::7] = np.roll(correct_B_n[::7], 1, axis=1)
    return replace(side, correct_B_n=correct_B_n, families_B=tuple(names.tolist()))


def test_a_family_that_was_unlearned_is_named():
    start, result = sides(lambda w, t, temp: spread(t) * 0.5 + (0.4 if w == "result" else 0), tasks=90)
    before, after = family_side(start, {"a": 0.5, "b": 0.75, "c": 0.25}), family_side(result, {"a": 0.5, "b": 0.5, "c": 0.25})
    noise = np.random.default_rng(0).random(after.correct_B_n.shape) < 0.1
    after = replace(after, correct_B_n=np.where(noise, 1 - after.correct_B_n, after.correct_B_n))
    rows = {row["family"]: row for row in family_rows([(before, after)], draws=500)}
    assert [rows[f]["worse"] for f in "abc"] == [False, True, False]
    assert rows["b"]["gain"] == pytest.approx(-0.25, abs=0.05) and rows["b"]["low"] < rows["b"]["gain"] < rows["b"]["high"] < -0.03
    assert rows["b"]["holm"] == pytest.approx(3 * rows["b"]["p"]) and rows["b"]["holm"] < 0.01 < rows["a"]["p"]
    got = verdict(start, result, off_task=[(before, after)], draws=500)
    assert got["verdict"] == "improved" and got["sentence"].endswith(", but worse on b.") and len(got["off_task"]) == 3
    again = verdict(start, result, off_task=got["off_task"], draws=500)
    assert again["off_task"] == got["off_task"] and again["sentence"] == got["sentence"]
    assert not verdict(start, result, draws=300)["off_task"]
    with pytest.raises(ValueError, match="same tasks"):
        family_rows([(before, replace(after, tasks_B=after.tasks_B[::-1]))])


def test_worse_p_by_a_peer():
    from scipy import stats as peer

    diff_B = np.random.default_rng(3).normal(-0.1, 0.3, 40)
    assert worse_p(diff_B[None], 0.03) == pytest.approx(peer.ttest_1samp(diff_B, -0.03, alternative="less").pvalue)
    assert worse_p(np.zeros((1, 5)), 0.03) == 1 and worse_p(np.full((1, 5), -0.2), 0.03) == 0
    seeds_S_B = np.stack([diff_B, diff_B + 0.01])
    assert worse_p(seeds_S_B, 0.03) == pytest.approx(crossed_p(seeds_S_B + 0.03) / 2)
    assert worse_p(-seeds_S_B, 0.03) > 0.5


def test_crossed_p_is_where_the_interval_touches_zero():
    rng = np.random.default_rng(8)
    for shift in (0.05, -0.2):
        diff_S_B = rng.normal(0, 0.3, 50) + rng.normal(0, 0.1, (4, 1)) + rng.normal(shift, 0.3, (4, 50))
        p = crossed_p(diff_S_B)
        got = crossed_interval(diff_S_B, 1 - p)
        assert min(abs(got.low), abs(got.high)) < 1e-6
    assert crossed_p(np.zeros((2, 5))) == 1 and crossed_p(np.ones((2, 5))) < 1e-11
    same = rng.normal(size=30)
    assert crossed_sd(np.stack([same, same])) == pytest.approx(same.std(ddof=1))


@pytest.mark.slow
def test_several_trainings_are_crossed_with_tasks():
    runs = [sides(lambda w, t, temp, up=up: spread(t) * 0.7 + (up if w == "result" else 0)) for up in (0.1, 0.2, 0.3)]
    starts, results = [run[0] for run in runs], [run[1] for run in runs]
    got = pooled_verdict(starts, results, draws=500)
    diff_S_B = np.stack([end.correct_B_n.mean(1, dtype=float) - start.correct_B_n.mean(1, dtype=float) for start, end in runs])
    crossed = crossed_interval(diff_S_B)
    assert (got["gain"], got["low"], got["high"]) == pytest.approx(crossed[:3])
    assert got["p"] == pytest.approx(crossed_p(diff_S_B)) and got["seeds"] == 3
    assert got["gain"] == pytest.approx(np.mean([verdict(*run, draws=100)["gain"] for run in runs]))
    assert [s["temperature"] for s in got["best"]["settings"]["after"]] == [s.best_settings.temperature for s in results]
    assert set(got) == set(verdict(*runs[0], draws=100)) and got["tasks"] == 100
    assert pooled_verdict(starts[:1], results[:1], draws=300) == verdict(*runs[0], draws=300)
    alike = pooled_verdict(starts, starts, draws=300)
    assert (alike["gain"], alike["p"], alike["verdict"]) == (0, 1, "no change larger than 3.0 points")
    with pytest.raises(ValueError, match="its start and its result"):
        pooled_verdict(starts, results[:2])
