"""The forecast of a run on the scripted model: what it says, and that the run does not notice."""

import asyncio
import json

import pytest

from selftaught.jobs.forecast import preflight, rates_of
from selftaught.jobs.job import Job
from selftaught.jobs.session import open_session
from selftaught.loop import improve
from selftaught.recipe import all_recipes, recipe_names

OPTIONS = {"plan.tasks": 4, "plan.n": 4, "steps": 2, "optimizer.lr": 1e-3}


@pytest.fixture
def session(tmp_path):
    """`session(recipe, name="", **job)`: an opened session on the scripted model, closed after the test."""
    opened = []

    def make(recipe, **job):
        asked = {"model": "scripted", "tasks": ("countdown:level=1", "sums:level=3"), "held_out_count": 8, "options": OPTIONS} | job
        opened.append(open_session(Job(recipe=recipe, **asked), tmp_path / f"run-{len(opened)}"))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def foretold(session):
    return asyncio.run(preflight(session))


def test_rules_help_and_coins_do_not(session):
    checked = {"tasks": ("countdown:level=1",), "options": OPTIONS | {"steps": 40}}
    rule = foretold(session("selftaught", **checked))
    coin = foretold(session("random-reward", **checked))
    assert rule["help"] and rule["low"] <= rule["expected_gain"] <= rule["high"]
    assert rule["features"]["truth"] > 0.9 > 0.5 > abs(coin["features"]["truth"])
    assert not coin["help"] and coin["expected_gain"] < 0


def test_it_is_deterministic_and_counts_its_tokens_outside_of_the_budget(session):
    first, second = session("ttrl"), session("ttrl")
    said = foretold(first)
    assert said == foretold(second)
    assert json.loads(json.dumps(said)) == said
    assert said["tokens"] == first.run.ledger.summary()["tokens"]["evaluated"] > 0
    assert first.run.ledger.spent == 0


@pytest.mark.parametrize("recipe", ["selftaught", "star", "self-rewarding-dpo", "best-of-n"])
def test_no_answer_is_read_even_for_a_recipe_that_will(session, recipe):
    opened = session(recipe, options={})
    before = opened.run.ledger.summary()["gold_read"]
    foretold(opened)
    assert opened.run.ledger.summary()["gold_read"] == before
    assert before["train"] == before["select"] == before["evaluate"] == 0


def played(opened, ask):
    """The run's steps and end, with or without a forecast before them."""

    async def whole():
        await opened.run.save()
        if ask:
            await preflight(opened)
        await improve(opened.recipe, opened.run)

    asyncio.run(whole())
    rows = [json.loads(line) for line in (opened.run.folder.path / "steps.jsonl").read_text().splitlines()]
    snapshot = opened.run.snapshot()
    snapshot.pop("seconds", None)
    snapshot["ledger"] = [row for row in snapshot["ledger"] if "evaluate" not in row]
    return [{k: v for k, v in row.items() if k != "seconds"} for row in rows], snapshot, opened.run.model.skill


@pytest.mark.parametrize("recipe", ["selftaught", "co-reward", "b-star"])
def test_a_run_is_the_same_with_and_without_it(session, recipe):
    budget = {"budget": 60_000}
    assert played(session(recipe, **budget), ask=True) == played(session(recipe, **budget), ask=False)


def test_every_recipe_gets_a_forecast(session):
    # controls are forecast as what they are made of, of which two follow below
    for name, recipe in all_recipes().items():
        if ".controls." in recipe_names()[name]:
            continue
        own = {"tasks": (), "model": ""} if recipe.model else {"tasks": ()} if recipe.tasks else {}
        said = foretold(session(name, gate=False, options=recipe.tiny, **own))
        assert set(said) == {"help", "expected_gain", "low", "high", "why", "features", "tokens"}
        assert said["low"] <= said["expected_gain"] <= said["high"] and said["why"]


def test_only_steps_that_fit_the_budget_are_a_dose(session):
    whole, some = session("ttrl"), session("ttrl", budget=1_000)
    assert rates_of(whole, 20) == pytest.approx(2e-3)
    # A step is 16 attempts of 20 tokens, sampled and trained.
    assert rates_of(some, 20) == pytest.approx(1e-3)


def test_a_control_that_learns_nothing_is_seen_through(session):
    assert foretold(session("zero-lr", options={}))["why"] == "nothing is learned: the learning rate is 0"
    assert "nothing to learn from" in foretold(session("format-only"))["why"]
