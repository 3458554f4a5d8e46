"""Budgets: how they are written, and that no run oversteps one in any unit."""

import asyncio
import itertools

import pytest

from selftaught.loop import improve
from selftaught.models.scripted import ScriptedModel
from selftaught.parts import BadInput
from selftaught.recipe import get_recipe
from selftaught.run.budget import Budget
from selftaught.run.ledger import Ledger
from selftaught.run.stopwatch import Stopwatch

PARAMETERS = 1000


class Big(ScriptedModel):
    """A scripted model that says it has many parameters."""

    parameters = PARAMETERS


def tiny(name, **options):
    recipe = get_recipe(name)
    return recipe.with_options({**recipe.tiny, **options})


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("1000000", {"tokens": 1_000_000}),
        ("1_000_000", {"tokens": 1_000_000}),
        ("1M", {"tokens": 1_000_000}),
        ("1.5M", {"tokens": 1_500_000}),
        ("500k", {"tokens": 500_000}),
        ("2B tokens", {"tokens": 2 * 10**9}),
        ("90s", {"seconds": 90}),
        ("30m", {"seconds": 1800}),
        ("30min", {"seconds": 1800}),
        ("2h", {"seconds": 7200}),
        ("0.5s", {"seconds": 0.5}),
        ("5000calls", {"calls": 5000}),
        ("5kcalls", {"calls": 5000}),
        ("2e12flops", {"flops": 2e12}),
        ("2Tflops", {"flops": 2e12}),
        ("1M, 10m", {"tokens": 1_000_000, "seconds": 600}),
        ("1M,10m,50calls,1e9flops", {"tokens": 1_000_000, "seconds": 600, "calls": 50, "flops": 1e9}),
    ],
)
def test_written_budgets(text, limits):
    budget = Budget.parse(text)
    assert budget.limits() == limits
    assert Budget.parse(budget.text()) == budget


def test_other_ways_to_give_one():
    assert Budget.parse(None) == Budget() and Budget.parse(None).text() == ""
    assert Budget.parse(700) == Budget(tokens=700) and Budget.parse(Budget(calls=3)) == Budget(calls=3)


@pytest.mark.parametrize("text", ["", "x", "1X", "M", "-5", "0", "0.3", "1M,2k", "1M,", "5 apples", "1e999", "1e999s", "1e-3", "1Ms"])
def test_bad_budgets_are_refused_in_one_line(text):
    with pytest.raises(BadInput) as error:
        Budget.parse(text)
    assert "\n" not in str(error.value) and ("write tokens (1M)" in str(error.value) or "positive" in str(error.value))


def test_flops_of_a_worst_case_by_hand():
    ledger = Ledger(Budget(flops=10 * (2 * 5 + 6 * 3)), parameters=10)
    assert ledger.admit(5, 3) and ledger.reserved == 8
    assert not ledger.admit(1) and not ledger.admit(0, 1)
    ledger.release(5, 3)
    ledger.tokens("sampled", 2)
    ledger.tokens("trained", 2)
    # 10 * (2 * 2 + 6 * 2) = 160 of 280 are gone: six tokens forward, or two trained, fit.
    assert ledger.flops == 160
    assert not ledger.admit(7) and not ledger.admit(0, 3) and ledger.admit(0, 2)


@pytest.mark.parametrize("name", ["ttrl", "selftaught", "self-rewarding-dpo", "rest-mcts-star"])
@pytest.mark.parametrize("share", [0.2, 0.6])
def test_flops_are_never_overstepped(name, share, opened, play):
    whole = play(tiny(name), model=Big()).ledger.flops
    run = play(tiny(name), model=Big(), budget=Budget(flops=share * whole))
    assert run.ledger.flops <= share * whole and run.ledger.reserved == 0
    assert share < 0.5 or run.ledger.flops > 0


def test_flops_fall_short_by_less_than_one_group(play):
    budget = 2e7
    run = play(tiny("ttrl", steps=200), model=Big(), budget=Budget(flops=budget))
    n, longest = 4, max(len(task.text) for task in run.pool.draw(run.rng("all"), 200)) + 1
    worst = PARAMETERS * (2 * (longest + n * 64) + 6 * n * (longest + 64))
    assert budget - worst < run.ledger.flops <= budget


@pytest.mark.parametrize("calls", [3, 20, 37])
def test_calls_are_never_overstepped_and_end_the_run(calls, play):
    run = play(tiny("star/rule", steps=50, rounds=1), budget=Budget(calls=calls), sources=("countdown:level=1",))
    n = 4
    assert calls - n < run.ledger.calls <= calls
    assert run.ledger.summary()["calls"]["checker"] == run.ledger.calls
    assert run.position < 50


def test_nothing_starts_once_the_seconds_are_over(opened):
    now = itertools.count()
    clock = [0.0]

    class Slow(ScriptedModel):
        started = []

        async def sample(self, requests):
            self.started.append(clock[0])
            clock[0] += 10.0
            return await super().sample(requests)

    run = opened(tiny("ttrl", steps=50), model=Slow(), budget="35s")
    run.ledger.watch = Stopwatch(wall=lambda: clock[0], cpu=lambda: float(next(now)))
    Slow.started.clear()

    async def play():
        await run.save()
        await improve(run.recipe, run)

    asyncio.run(play())
    assert Slow.started == [0.0, 10.0, 20.0, 30.0] and run.position < 50
    assert run.ledger.used()["seconds"] == 40.0


def test_evaluation_takes_no_seconds_of_the_budget(opened):
    clock = [0.0]

    class Slow(ScriptedModel):
        async def sample(self, requests):
            clock[0] += 100.0
            return await super().sample(requests)

    run = opened(tiny("ttrl"), model=Slow(), budget="50s")
    run.ledger.watch = Stopwatch(wall=lambda: clock[0], cpu=lambda: 0.0)
    tasks = run.pool.draw(run.rng("t"), 2)
    asyncio.run(run.draw(tasks, 2, run.settings, "policy", "start", 0))
    assert run.ledger.watch.seconds() == (100.0, 0.0) and run.ledger.watch.seconds(counted=True) == (0.0, 0.0)
    assert run.ledger.admit(1)
