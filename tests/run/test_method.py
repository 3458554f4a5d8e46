import asyncio
import copy
import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from scripted_run import SOURCES
from selftaught.prove.proof import sampler_for
from selftaught.prove.sampling import MethodSampler, RunSampler
from selftaught.prove.side import measure_side
from selftaught.recipe import get_recipe
from selftaught.run.method import Method, own_temperature
from selftaught.tasks.splits import split

METHODS = ("self-consistency", "best-of-n", "best-of-n/rule", "rpc", "cooler-start", "score-self-correct")


@pytest.fixture
def tasks():
    return split(SOURCES, seed=0, counts={"held-out": 8, "development": 4, "audit": 4})[1]["held-out"]


def recipe_of(name):
    recipe = get_recipe(name)
    return recipe.with_options(recipe.tiny)


def draw(run, tasks, n=3, label="result/held-out/1", seed=1, **changes):
    return asyncio.run(MethodSampler(run=run, seed=seed).draw(tasks, n, replace(run.settings, **changes), "policy", label))


def texts(groups):
    return [[a.text for a in group.attempts_G] for group in groups]


@pytest.mark.parametrize("name", METHODS)
def test_a_method_replies_beside_its_run(opened, tasks, name):
    tasks = tasks[::2]
    run = opened(recipe_of(name), budget="1000")
    before = copy.deepcopy(run.states), run.position, dict(run.notes), run.ledger.spent, run.train_reserve
    groups = draw(run, tasks)
    assert [g.task for g in groups] == list(tasks) and {len(g.attempts_G) for g in groups} == {3}
    assert (run.states, run.position, run.notes, run.ledger.spent, run.train_reserve) == before
    assert run.ledger.reserved == 0 and run.purpose == "train"
    assert texts(groups) == texts(draw(opened(recipe_of(name)), tasks))
    assert texts(groups) == [row[:3] for row in texts(draw(opened(recipe_of(name)), tasks, n=4))]
    assert texts(groups) != texts(draw(opened(recipe_of(name)), tasks, seed=2))
    assert texts(groups)[:2] == texts(draw(opened(recipe_of(name)), tasks[:2]))
    evaluated = Counter()
    for (table, kind, *rest), count in run.ledger.rows.items():
        evaluated[table, kind] += count
        assert table != "tokens" or "evaluate" in rest
    costs = sum(float(np.nansum(g.values(kind))) for g in groups for kind in ("prompted", "sampled"))
    assert evaluated["tokens", "evaluated"] == costs and not any(table == "gold" for table, _ in evaluated)


def test_the_tokens_of_a_reply_are_those_of_all_its_attempts(opened, tasks):
    run = opened(recipe_of("self-consistency"))
    [group] = draw(run, tasks[:1], n=1)
    trial = Method(opened(recipe_of("self-consistency")), run.settings, 1, "result/held-out/1/0")
    [reply] = asyncio.run(trial.reply(tasks[:1]))
    assert reply.text == group.attempts_G[0].text
    mean = float(group.values("sampled")[0]) / recipe_of("self-consistency").phases[0].plan.n
    assert 0.5 < mean / reply.sampled_count < 2 and group.values("prompted")[0] == len(reply.payload) - reply.sampled_count


def test_the_vote_of_a_method_is_a_vote(opened, tasks):
    run = opened(recipe_of("self-consistency"), skill=0.6)
    method, plain = MethodSampler(run=run, seed=1), RunSampler(run=run, seed=1)

    async def right(sampler):
        side = await measure_side(sampler, "result", "policy", tasks[2:], tasks[:2], run.settings, 8)
        return side

    voted, once = (asyncio.run(right(sampler)) for sampler in (method, plain))
    assert voted.correct_B_n.mean() > once.correct_B_n.mean() + 0.05
    assert voted.sampled_tokens > 3 * once.sampled_tokens and voted.prompt_tokens == once.prompt_tokens


def test_a_method_may_not_read_held_out_answers(opened, tasks):
    run = opened(recipe_of("best-of-n").with_options({"read": "gold"}))
    gold = [task for task in tasks if task.checker != "rule"]
    trial = Method(run, run.settings, 1, "x")
    assert gold and np.isnan(asyncio.run(trial.check(gold[0], ["#### 1"], "evaluate", gold=True))).all()
    groups = draw(run, gold)
    assert all(len(g.attempts_G) == 3 for g in groups) and not run.ledger.total("gold", "evaluate")


def test_what_there_is_to_choose_from(opened, tasks):
    fixed, free = opened(recipe_of("cooler-start")), opened(recipe_of("self-consistency"))
    assert own_temperature(fixed.recipe) and not own_temperature(free.recipe)
    assert sampler_for(fixed, 1).temperatures == () and 0.0 in sampler_for(free, 1).temperatures
    assert sampler_for(fixed, 1).templates == ("{prompt}",) and type(sampler_for(opened(recipe_of("ttrl")), 1)) is RunSampler
    [group] = draw(fixed, tasks[:1], n=1)
    assert group.attempts_G[0].settings.temperature == 0.3
    [group] = draw(free, tasks[:1], n=1, temperature=0.7)
    assert group.attempts_G[0].settings.temperature == 0.7


def test_a_method_without_a_reply_leaves_the_task_out(opened, tasks):
    run = opened(recipe_of("self-consistency"))
    explore = run.recipe.phases[0].explore

    class Picky(type(explore)):
        name = "picky"

        async def explore(self, run, request):
            return [] if request.task is tasks[0] else await super().explore(run, request)

    run.recipe = replace(run.recipe, phases=(replace(run.recipe.phases[0], explore=Picky()),))
    groups = draw(run, tasks)
    assert [len(g.attempts_G) for g in groups] == [0, *[3] * (len(tasks) - 1)]
    assert json.dumps(texts(groups))


def test_scratch_weights_begin_as_those_the_method_answers_by(opened):
    run = opened(get_recipe("tt-si"))
    run.model.skill["policy"] = 0.9

    async def begun(weights):
        async with Method(run, run.settings, 1, "x", weights=weights).scratch() as name:
            return run.model.skill[name]

    assert asyncio.run(begun("start")) == 0.5 and asyncio.run(begun("policy")) == 0.9 and "scratch" not in run.model.skill
