import asyncio
import json
from dataclasses import replace

import numpy as np
import pytest

from gate_sampler import SETTINGS, Scripted, judge, make_tasks, sides, spread
from selftaught.prove.verdict import measure_side, not_tested, verdict

SEVEN = {"metric", "before", "after", "gain", "low", "high", "p"}


def test_keys_are_those_the_command_line_prints_and_json_ready():
    for result in (judge(lambda w, t, temp: spread(t), tasks=20), not_tested("nobody can grade")):
        assert SEVEN | {"verdict", "kind", "sentence", "baselines", "baseline_intervals", "pass_at", "best"} <= set(result)
        assert set(result["best"]) == SEVEN | {"settings"}
        assert set(result["baselines"]) == {"greedy", "best_temperature", "vote_k", "best_of_k"} == set(result["baseline_intervals"])
        assert {k: set(v) for k, v in result["pass_at"].items()} == {k: {"before", "after"} for k in ("1", "4", "16")}
        assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_the_same_weights_twice_change_nothing():
    result = judge(lambda w, t, temp: spread(t))
    assert result["verdict"] == "no change larger than 3.0 points"  # the rule of three: 3 in 100 tasks
    assert (result["gain"], result["low"], result["p"], result["kind"]) == (0, -result["high"], 1, "")
    assert result["high"] == pytest.approx(1 - 0.05**0.01)
    assert judge(lambda w, t, temp: spread(t), tasks=20)["verdict"] == "can't tell (needs 61 tasks)"


def test_a_cooler_model_is_only_decoding():
    # At any temperature below 1 both sides are equal; only at 1 is the start's skill blurred.
    result = judge(lambda w, t, temp: 0.6 * spread(t) + 0.1 if temp == 1 and w == "start" else spread(t) ** 0.5)
    assert result["gain"] > 0.1 and result["low"] > 0 and result["best"]["gain"] == 0
    assert result["kind"] == "decoding" and result["verdict"] == "no change larger than 3.0 points"
    assert "the sampler explains it" in result["sentence"]


def test_sharpened_is_pass_at_one_without_pass_at_sixteen():
    result = judge(lambda w, t, temp: 0.0 if spread(t) < 0.4 else 0.35 if w == "start" else 0.9)
    assert (result["verdict"], result["kind"]) == ("improved", "sharpened")
    assert result["best"]["low"] > 0 and result["p"] < 0.01
    assert result["pass_at"]["16"]["after"] <= result["pass_at"]["16"]["before"] + 0.02


def test_new_is_what_sixteen_attempts_did_not_reach():
    result = judge(lambda w, t, temp: 0.8 if spread(t) > (0.5 if w == "start" else 0.2) else 0.0)
    assert (result["verdict"], result["kind"]) == ("improved", "new")
    assert result["pass_at"]["16"]["after"] > result["pass_at"]["16"]["before"] + 0.2


def test_worse_when_either_interval_is_below_zero():
    assert judge(lambda w, t, temp: spread(t) * (1 if w == "start" else 0.6))["verdict"] == "worse"
    hidden = judge(lambda w, t, temp: (0.3 if w == "start" else 0.6) if temp == 1 else (0.9 if w == "start" else 0.4) * (spread(t) > 0.1))
    assert (hidden["verdict"], hidden["kind"]) == ("worse", "decoding")
    assert "Worse at its best decoding" in hidden["sentence"]


def test_few_tasks_cannot_tell():
    result = judge(lambda w, t, temp: min(1, spread(t) + 0.1 * (w != "start") * (spread(replace(t, id=t.id + "x")) - 0.4)), tasks=24)
    assert result["verdict"].startswith("can't tell (needs ")
    assert int(result["verdict"].split()[-2]) > 24
    assert result["smallest_effect"] > 0


def test_baselines_are_the_starts():
    start, result = sides(lambda w, t, temp: 0.7 if w == "start" else 0.9)
    got = verdict(start, result, draws=500, k=8)
    base, around = got["baselines"], got["baseline_intervals"]
    assert base["greedy"] == 1 and base["best_temperature"] == 1 and start.best_settings.temperature == 0
    assert base["vote_k"] > 0.95 and base["best_of_k"] > 0.99  # the log-probability tells here
    assert around["vote_k"]["k"] == 8 and around["greedy"]["k"] == 1
    assert around["vote_k"]["low"] <= base["vote_k"] <= around["vote_k"]["high"]
    assert got["pass_at"]["1"]["before"] == pytest.approx(got["before"])
    assert got["best"]["settings"]["before"]["temperature"] == 0


def test_draws_are_few_and_reused():
    sampler = Scripted(lambda w, t, temp: 0.9 if temp == 0.3 else 0.3)
    held_out, development = make_tasks(12), make_tasks(30, "development")
    side = asyncio.run(measure_side(sampler, "start", "start", held_out, development, SETTINGS))
    assert sum(tasks * n for label, tasks, n, _ in sampler.asked) == 12 * 16 + 12 + 30 * (3 + 6) + 12 * 4
    assert side.best_settings == replace(SETTINGS, temperature=0.3) and side.best_B_m.shape == (12, 4)
    assert side.correct_B_n.shape == side.scores_B_n.shape == (12, 16) and side.greedy_B.shape == (12,)
    assert len(side.answers_B_n[0]) == 16 and set(side.development) == {1.0, 0.7, 0.3, 0.0}
    assert side.scores_B_n.max() == -0.5 and side.scores_B_n.min() == -1
    hot = Scripted(lambda w, t, temp: 0.9 if temp == 1 else 0.3)
    side = asyncio.run(measure_side(hot, "start", "start", held_out, development, SETTINGS))
    assert side.best_B_m is side.correct_B_n and not any("/best/" in label for label, *_ in hot.asked)


def test_ungraded_tasks_are_left_out_and_partial_credit_is_not_being_right():
    first = make_tasks(3)
    missing = {first[0].id, first[1].id}
    grade = lambda t, text: np.nan if t.id in missing else 1.0 if text == "right" else 0.4  # noqa: E731
    result = judge(lambda w, t, temp: 0.0 if w == "start" else spread(t), grade, tasks=30)
    assert (result["tasks"], result["ungraded"], result["before"]) == (28, 2, 0)
    nothing = judge(lambda w, t, temp: spread(t), lambda t, text: np.nan, tasks=10)
    assert nothing["verdict"] == "not tested" and nothing["before"] is None and "0 of 10" in nothing["sentence"]


def test_missing_attempts_are_not_wrong_ones():
    class Short(Scripted):
        async def draw(self, tasks, n, settings, weights, label, template="{prompt}"):
            groups = await super().draw(tasks, n, settings, weights, label, template)
            return [replace(g, attempts_G=g.attempts_G[: max(1, n - 3)]) for g in groups if g.task.id != skipped]

    held_out, development = make_tasks(6), make_tasks(5, "development")
    skipped = held_out[2].id
    sampler = Short(lambda w, t, temp: 1.0)
    pair = [asyncio.run(measure_side(sampler, w, w, held_out, development, SETTINGS, n=4)) for w in ("start", "result")]
    result = verdict(*pair, draws=200)
    assert (result["before"], result["tasks"], result["ungraded"]) == (1, 5, 1)
    assert result["pass_at"]["1"]["before"] == 1 and result["pass_at"]["4"]["before"] is None
    assert result["baselines"]["vote_k"] is None and result["baselines"]["greedy"] == 1


def test_a_nil_change_is_rarely_called_improved():
    rng, called = np.random.default_rng(0), 0
    start, result = sides(lambda w, t, temp: spread(t), tasks=60)
    for _ in range(30):
        p_B = rng.random((60, 1))
        draw = [(rng.random((60, 4)) < p_B).astype(np.float32) for _ in range(4)]
        answers_B_n = tuple(tuple(map(str, row)) for row in draw[0])
        pair = [
            replace(side, correct_B_n=draw[i], answers_B_n=answers_B_n, scores_B_n=draw[i], best_B_m=draw[i + 2])
            for i, side in enumerate((start, result))
        ]
        called += verdict(*pair, draws=300)["verdict"] == "improved"
    assert called <= 2


def test_a_pair_must_match():
    start, result = sides(lambda w, t, temp: 0.5, tasks=4)
    with pytest.raises(ValueError, match="same tasks"):
        verdict(start, replace(result, tasks_B=result.tasks_B[::-1]))
    with pytest.raises(ValueError, match="development tasks are needed"):
        asyncio.run(measure_side(Scripted(None), "start", "start", make_tasks(2), [], SETTINGS))
    with pytest.raises(ValueError, match="draw them apart"):
        asyncio.run(measure_side(Scripted(None), "start", "start", make_tasks(2), make_tasks(2), SETTINGS))
