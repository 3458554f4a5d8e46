import asyncio
import json
from dataclasses import replace

import numpy as np
import pytest

from gate_sampler import SETTINGS, Scripted, make_tasks, sides, spread
from selftaught.parts import BadInput
from selftaught.prove.attempts import first_of_the_best, mean_tokens
from selftaught.prove.record import AS_IS, Side
from selftaught.prove.side import TEMPLATES
from selftaught.prove.verdict import measure_side, reach, verdict, widen, zero_families
from selftaught.types import Group, Score

HELD_OUT, DEVELOPMENT = make_tasks(12, families=("easy", "hard")), make_tasks(30, "development")


def measured(sampler, weights="start", n=16, settings=SETTINGS, **options):
    return asyncio.run(measure_side(sampler, weights, weights, HELD_OUT, DEVELOPMENT, settings, n, **options))


def test_a_side_survives_json_exactly():
    side = measured(Scripted(lambda w, t, temp: spread(t), lambda t, text: np.nan if t is HELD_OUT[2] else float(text == "right")))
    again = Side.of(json.loads(json.dumps(side.record(), allow_nan=False)))
    assert json.dumps(again.record()) == json.dumps(side.record())
    for name in ("correct_B_n", "scores_B_n", "greedy_B", "best_B_m"):
        mine, other = getattr(side, name), getattr(again, name)
        assert mine.dtype == other.dtype == np.float32
        np.testing.assert_array_equal(mine, other)
    assert np.isnan(again.correct_B_n[2]).all() and again.families_B[:2] == ("easy", "hard")
    assert again.decoding == side.decoding and again.answers_B_n == side.answers_B_n and again.development == side.development
    unknown = Side.of(json.loads(json.dumps(replace(side, prompt_tokens=float("nan")).record())))
    assert np.isnan(unknown.prompt_tokens)


@pytest.mark.parametrize("damage", [{"tasks_B": []}, {"greedy_B": "x"}, {"settings": {}}, {"correct_B_n": [[0, 1], [1]]}])
def test_what_is_no_side_is_refused(damage):
    with pytest.raises(BadInput, match="no side of a gate"):
        Side.of(measured(Scripted(lambda w, t, temp: 0.5)).record() | damage)
    with pytest.raises(BadInput, match="KeyError"):
        Side.of({})


def test_the_wording_is_chosen_first_and_then_the_temperature_with_it():
    sampler = Scripted(lambda w, t, temp: {0.0: 0.4, 0.3: 0.7}.get(temp, 0.3), wordings={TEMPLATES[1]: 0.2})
    side = measured(sampler)
    # Greedy solves nothing as it is (0.4) and everything with the second wording (0.6); at 0.3 that reaches 0.9.
    assert side.best_template == TEMPLATES[1] and side.development[0.0] == 1
    assert side.best_settings.temperature == 0 and side.best_B_m.shape == (12, 1) and side.best_B_m.all()
    assert not side.greedy_B.any()
    assert [label for label, *_ in sampler.asked if "/best" in label] == ["start/best-1/0"]
    hot = measured(Scripted(lambda w, t, temp: 0.1 if temp == 0 else 0.7 * (temp == 0.3), wordings={TEMPLATES[2]: 0.5}))
    assert (hot.best_template, hot.best_settings.temperature) == (TEMPLATES[2], 0.0)
    same = measured(Scripted(lambda w, t, temp: 0.6, wordings=dict.fromkeys(TEMPLATES, 0.1)))
    assert same.best_template == AS_IS


def test_luck_on_few_tasks_is_no_better_decoding():
    plain_D = np.float32([1, 1, 1, 1, 0, 0, 0, 0])[:, None]
    # one task of eight more: a difference of 0.125 with a standard error of 0.125
    lucky_D = np.float32([1, 1, 1, 1, 1, 0, 0, 0])[:, None]
    # two more: 0.25 with 0.164; two more and one fewer: 0.125 with 0.227
    better_D, mixed_D = np.float32([1, 1, 1, 1, 1, 1, 0, 0])[:, None], np.float32([0, 1, 1, 1, 1, 1, 0, 0])[:, None]
    ungraded_D = np.full((8, 1), np.nan, np.float32)
    assert first_of_the_best([plain_D, lucky_D]) == first_of_the_best([plain_D, mixed_D]) == 0
    assert first_of_the_best([plain_D, better_D]) == 1 and first_of_the_best([plain_D, lucky_D, better_D]) == 1
    assert first_of_the_best([better_D, plain_D]) == first_of_the_best([ungraded_D, ungraded_D]) == first_of_the_best([]) == 0
    # four attempts a task: 0.125 more on each is no luck
    assert first_of_the_best([np.tile(np.float32([1, 0, 0, 0]), (8, 1)), np.tile(np.float32([1, 1, 0, 0]), (8, 1))]) == 1
    assert first_of_the_best([ungraded_D, plain_D]) == 1 and first_of_the_best([plain_D[:1], lucky_D[:1]]) == 0


def test_a_drawer_may_say_what_there_is_to_choose_from():
    class Fixed(Scripted):
        temperatures, templates = (), (AS_IS,)

    sampler = Fixed(lambda w, t, temp: 0.6)
    side = measured(sampler, n=4)
    assert side.best_B_m is side.correct_B_n and [label for label, *_ in sampler.asked] == ["start/held-out/1", "start/greedy/0"]


def test_a_greedy_stated_sampler_draws_one_attempt_and_cannot_be_widened():
    sampler = Scripted(lambda w, t, temp: spread(t))
    side = measured(sampler, settings=replace(SETTINGS, temperature=0.0), temperatures=(0.0,))
    assert side.correct_B_n.shape == side.scores_B_n.shape == (12, 1) and len(side.answers_B_n[0]) == 1
    assert asyncio.run(widen(sampler, side, "start", HELD_OUT)) is side


def test_widening_adds_attempts_and_moves_nothing_else():
    sampler, kept = Scripted(lambda w, t, temp: spread(t)), []
    narrow, wide = measured(sampler, n=4), measured(sampler)
    grown = asyncio.run(widen(sampler, narrow, "start", HELD_OUT, keep=lambda *got: kept.append(got)))
    np.testing.assert_array_equal(grown.correct_B_n, wide.correct_B_n)
    np.testing.assert_array_equal(grown.scores_B_n, wide.scores_B_n)
    assert grown.answers_B_n == wide.answers_B_n and grown.best_B_m is narrow.best_B_m
    [(what, groups, correct_B_n)] = kept
    assert what == "held-out" and [g.task for g in groups] == HELD_OUT and correct_B_n.shape == (12, 16)
    assert asyncio.run(widen(sampler, wide, "start", HELD_OUT)) is wide


def test_the_verdict_keeps_its_numbers_when_a_side_is_widened_for_its_kind():
    start, result = sides(lambda w, t, temp: 0.0 if spread(t) < 0.4 else 0.35 if w == "start" else 0.9)
    narrow = replace(
        result,
        correct_B_n=result.correct_B_n[:, :4],
        scores_B_n=result.scores_B_n[:, :4],
        answers_B_n=tuple(a[:4] for a in result.answers_B_n),
    )
    first, second = verdict(start, narrow, draws=500), verdict(start, result, n=4, draws=500)
    assert first["attempts"] == second["attempts"] == 4 and first["verdict"] == "improved" == second["verdict"]
    for key in ("before", "after", "low", "high", "p", "best"):
        assert first[key] == second[key]
    assert first["before"] == pytest.approx(float(start.correct_B_n[:, :4].mean()))
    assert first["pass_at"]["16"]["after"] is None and second["pass_at"]["16"]["after"] > 0.5
    assert first["pass_at"]["16"]["before"] == second["pass_at"]["16"]["before"] is not None
    assert (second["kind"], "pass@16" in second["sentence"]) == ("sharpened", True)
    assert first["baselines"] == second["baselines"] == verdict(start, start, draws=500)["baselines"]


def test_sources_that_were_never_solved_make_a_gain_new():
    tasks, development = make_tasks(60, families=("easy", "hard")), make_tasks(20, "development")
    sampler = Scripted(lambda w, t, temp: (0.3 if w == "start" else 0.9) if t.source == "easy" else 0.0 if w == "start" else 0.5)
    start, result = (asyncio.run(measure_side(sampler, w, w, tasks, development, SETTINGS, 4)) for w in ("start", "result"))
    assert zero_families(start) == ("hard",) and zero_families(result) == ()
    assert zero_families(replace(start, families_B=())) == ()
    hard = [t for t in tasks if t.source == "hard"]
    assert asyncio.run(reach(sampler, "start", hard, SETTINGS)) == ("hard",)
    assert sampler.asked[-1][1:3] == (30, 64) and asyncio.run(reach(sampler, "result", hard, SETTINGS)) == ()
    assert asyncio.run(reach(sampler, "start", [], SETTINGS)) == ()
    got = verdict(start, result, draws=500, unreached=("hard",))
    assert got["kind"] == "new" and "solves hard, of which the start solved nothing" in got["sentence"]
    # A source the start solved a little of is not named, whoever claims it.
    assert "solves" not in verdict(start, start, draws=500, unreached=("hard",))["sentence"]


def test_tokens_are_those_of_the_payload_unless_scores_say_more():
    side = measured(Scripted(lambda w, t, temp: 0.5))
    assert (side.prompt_tokens, side.sampled_tokens, side.best_prompt_tokens, side.best_tokens) == (1, 2, 1, 2)
    [group] = asyncio.run(Scripted(lambda w, t, temp: 0.5).draw(HELD_OUT[:1], 2, SETTINGS, "start", ""))
    [first, second] = group.attempts_G
    costs = [
        Score(attempt=first.id, name=name, value=value, source="self", judge="trial") for name, value in (("prompted", 9), ("sampled", 40))
    ]
    assert mean_tokens([group.scored(costs)]) == (5, 21)
    bare = replace(group, attempts_G=(replace(second, payload=None),))
    assert np.isnan(mean_tokens([bare])).all() and np.isnan(mean_tokens([Group(key="", task=HELD_OUT[0], attempts_G=())])).all()


def test_stages_of_a_side_join_to_the_whole():
    skill = lambda w, t, temp: {0.0: 0.4, 0.3: 0.8}.get(temp, spread(t))  # noqa: E731
    whole = measured(Scripted(skill), n=4)
    sampler = Scripted(skill)

    async def staged():
        first = await measure_side(sampler, "start", "start", HELD_OUT[:5], DEVELOPMENT, SETTINGS, 4)
        sampler.asked.clear()
        return first.joined(await measure_side(sampler, "start", "start", HELD_OUT[5:], DEVELOPMENT, SETTINGS, 4, chosen=first))

    joined = asyncio.run(staged())
    assert whole.best_settings.temperature == 0.3 and not any("development" in label for label, *_ in sampler.asked)
    for name in ("correct_B_n", "scores_B_n", "greedy_B", "best_B_m"):
        np.testing.assert_array_equal(getattr(joined, name), getattr(whole, name))
    assert joined.tasks_B == whole.tasks_B and joined.answers_B_n == whole.answers_B_n and joined.decoding == whole.decoding
    assert joined.sampled_tokens == pytest.approx(whole.sampled_tokens) and joined.first(5).tasks_B == whole.tasks_B[:5]
    with pytest.raises(ValueError, match="different tasks"):
        joined.joined(whole)
