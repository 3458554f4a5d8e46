"""The judge that sees teaches the judge that does not: by hand, and that nothing is shown at test time."""

import asyncio

import numpy as np
import pytest

from selftaught.measures.judging import worth_of
from selftaught.models.scripted import ScriptedModel
from selftaught.parts import BadInput
from selftaught.recipe import get_recipe
from selftaught.run.method import Method
from selftaught.supervise import PrivilegedJudge

RECIPE = get_recipe("self-j").with_options({"plan.tasks": 2, "plan.n": 3, "steps": 2})
START, SEEING, BLIND = 0.2, 0.8, 0.6


class Opinions(ScriptedModel):
    """Says yes with a probability that depends on whose weights are asked, and on whether the answer is shown."""

    async def score(self, requests):
        replies = []
        for request in requests:
            shown = b"The right answer is" in bytes(request.payload.ids.astype(np.uint8))
            sure = START if request.weights == "start" else SEEING if shown else BLIND
            logprobs_T = np.zeros(len(request.payload), np.float32)
            logprobs_T[-1] = np.log(sure)
            replies.append({"logprobs": logprobs_T})
        return replies


def read(run, tasks):
    plan, explore = RECIPE.phases[0].plan, RECIPE.phases[0].explore

    async def go():
        groups = [g for task in tasks for g in await explore.explore(run, plan.request(run, task))]
        return await PrivilegedJudge().read(run, groups)

    return asyncio.run(go())


def test_a_group_holds_graded_attempts_and_verdicts_to_learn(opened):
    run = opened(RECIPE, model=Opinions(skill=1.0))
    run.begin_step(RECIPE.phases[0], of=1)
    [task] = run.pool.draw(run.rng("x"), 1, "sums:level=3")
    [group] = read(run, [task])
    answers = [a for a in group.attempts_G if a.role == "solver"]
    verdicts = [a for a in group.attempts_G if a.role == "judge"]
    assert len(answers) == 3 and len(verdicts) == 6 and run.ledger.total("gold", "train") == 1
    # right answers are as the right one: grade = (0.2 + 1) / 2
    assert group.values()[:3] == pytest.approx([0.6] * 3) and np.isnan(group.values()[3:]).all()
    blind = (0.3 * 0.6 + 2 * SEEING) / 2.3
    for i, (seeing, other) in enumerate(zip(verdicts[::2], verdicts[1::2], strict=True)):
        drawn = run.rng("verdict", answers[i].id).random()
        assert (seeing.text, other.text) == ("yes" if drawn < 0.6 else "no", "yes" if drawn < blind else "no")
        assert "The right answer is" in seeing.messages[-1].content and "The right answer is" not in other.messages[-1].content
        assert seeing.messages[-2] == other.messages[-2] == answers[i].messages[-1]._replace(role="assistant", content=answers[i].text)
        assert bytes(other.payload.ids[other.payload.sampled].astype(np.uint8)).decode() == other.text
    examples = asyncio.run(RECIPE.phases[0].credit.credit(run, [group]))
    assert [e.attempt for e in examples] == [a.id for a in verdicts]
    assert all(e.streams["weight"].sum() == len(a.text) for e, a in zip(examples, verdicts, strict=True))


def test_verdicts_have_their_targets_on_average(opened):
    run = opened(RECIPE, model=Opinions(skill=1.0))
    run.begin_step(RECIPE.phases[0], of=1)
    groups = read(run, run.pool.draw(run.rng("x"), 150, "sums:level=3"))
    said = [[a.text == "yes" for a in g.attempts_G if a.id.endswith(name)] for name in ("seeing", "blind") for g in groups]
    seeing, blind = np.mean(said[: len(groups)]), np.mean(said[len(groups) :])
    assert abs(seeing - 0.6) < 0.07 and abs(blind - (0.3 * 0.6 + 1.6) / 2.3) < 0.07


def test_nothing_is_shown_at_test_time(opened):
    run = opened(RECIPE, model=Opinions(skill=0.5))
    tasks = run.pool.draw(run.rng("x"), 2)
    groups = asyncio.run(Method(run, run.settings, 1, "x").groups(tasks))
    assert all(g.values() == pytest.approx([BLIND] * 3) and {a.role for a in g.attempts_G} == {"solver"} for g in groups)
    assert {s.source for g in groups for s in g.scores} == {"self"} and run.ledger.total("gold", "train") == 0


def test_a_judge_that_cannot_be_paid_scores_nothing(opened):
    run = opened(RECIPE, model=Opinions(skill=1.0), budget=160)
    run.begin_step(RECIPE.phases[0], of=1)
    groups = read(run, run.pool.draw(run.rng("x"), 1, "sums:level=3"))
    assert all(np.isnan(g.values()).all() and all(a.role == "solver" for a in g.attempts_G) for g in groups)


def test_worth_by_hand():
    opinion, right = np.array([[4.0, 3.0], [2.0, 1.0]]), np.array([[1.0, 1.0], [0.0, 0.0]])
    # ranks 4 3 2 1 against 3.5 3.5 1.5 1.5
    assert worth_of("rank", opinion, right) == pytest.approx(2 / np.sqrt(5))
    assert worth_of("rank", -opinion, right) == pytest.approx(-2 / np.sqrt(5))
    assert worth_of("abstain", opinion, right) == pytest.approx(2 / 3 - 1 / 2)
    assert worth_of("pick", opinion, np.array([[0.0, 1.0], [1.0, 0.0]])) == pytest.approx(0.5 - 0.5)
    assert worth_of("pick", opinion, np.array([[1.0, 0.0], [1.0, 0.0]])) == pytest.approx(1 - 0.5)
    assert np.isnan(worth_of("rank", opinion, np.ones((2, 2))))


def test_values_out_of_range_are_refused():
    for wrong in ({"label": -1.0}, {"label": 0.0, "teach": 0.0}, {"shown": "no place"}):
        with pytest.raises(BadInput):
            PrivilegedJudge(**wrong)
