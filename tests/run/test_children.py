"""Runs inside a run: what they cost, where they live, and that a stop inside one leaves no trace."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from scripted_run import live_run
from selftaught.explore import Even, Sample
from selftaught.jobs.job import Job
from selftaught.jobs.session import open_session
from selftaught.loop import improve
from selftaught.models.scripted import ScriptedModel
from selftaught.parts import BadInput
from selftaught.protocols import Run
from selftaught.recipe import Phase, Recipe, get_recipe
from selftaught.run.children import Children
from selftaught.run.ledger import Ledger
from selftaught.stages import Explore
from selftaught.types import Group, Request, Task

CHILD = get_recipe("ttrl").with_options({"plan.tasks": 2, "plan.n": 4, "steps": 3})
MOST = 4000


@dataclass(frozen=True, kw_only=True)
class Nested(Explore):
    """Lets a run inside learn before it samples, and puts down how far that came."""

    async def explore(self, run: Run, request: Request) -> Sequence[Group]:
        ended = await run.child("look", CHILD, budget=MOST)
        run.note("inside", -1 if ended is None else ended.steps)
        return await Sample().explore(run, request)


RECIPE = Recipe(name="nested", phases=(Phase(plan=Even(tasks=1, n=2), explore=Nested(), steps=2, every=1),))


class Stop(Exception):
    pass


class Mortal(ScriptedModel):
    """Dies once so many samples were asked of all such models."""

    left = 10**9

    async def sample(self, requests):
        Mortal.left -= 1
        if Mortal.left < 0:
            raise Stop
        return await super().sample(requests)


def nested(folder, **options):
    run = live_run(RECIPE, folder, model=Mortal(), **options)
    run.dispatcher.performers["child"] = Children(run, lambda recipe: Mortal(), improve).perform
    return run


def whole(run):
    async def go():
        if not await run.resume():
            await run.save()
        await improve(RECIPE, run)

    try:
        asyncio.run(go())
    finally:
        run.folder.journal.close()
    return run


def files(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*.bin")}


def test_a_child_is_a_run_in_a_folder_below_and_its_ledger_is_its_parents(tmp_path):
    Mortal.left = 10**9
    run = whole(nested(tmp_path / "run"))
    [first, second] = sorted((tmp_path / "run/children").iterdir())
    assert all((child / name).exists() for child in (first, second) for name in ("journal.bin", "latest.json", "steps.jsonl"))
    assert run.notes["inside"] == 3
    trained = run.ledger.summary()["tokens"]["trained"]
    assert trained > 0 and run.ledger.reserved == 0 and "learn" not in run.model.calls, "the child learned, in a model of its own"
    assert run.model.skill == {"policy": 0.5, "start": 0.5}


@pytest.mark.parametrize("after", [0, 1, 2, 4, 6, 7])
def test_a_run_that_dies_inside_a_child_and_goes_on_equals_one_that_did_not(tmp_path, after):
    Mortal.left = 10**9
    one = whole(nested(tmp_path / "one"))
    Mortal.left = after
    with pytest.raises(Stop):
        whole(nested(tmp_path / "two"))
    Mortal.left = 10**9
    two = whole(nested(tmp_path / "two"))
    assert files(tmp_path / "one") == files(tmp_path / "two") and one.ledger.snapshot() == two.ledger.snapshot()


def test_a_finished_child_is_not_run_twice(tmp_path):
    Mortal.left = 10**9
    whole(nested(tmp_path / "one"))
    made = 10**9 - Mortal.left
    Mortal.left = 10**9
    (tmp_path / "two").mkdir()
    (tmp_path / "two/journal.bin").write_bytes((tmp_path / "one/journal.bin").read_bytes())
    whole(nested(tmp_path / "two"))
    assert Mortal.left == 10**9 and made > 6


def test_the_budget_admits_a_child_beforehand_and_holds(tmp_path):
    Mortal.left = 10**9
    for budget in (MOST - 1, MOST + 500):
        run = whole(nested(tmp_path / str(budget), budget=budget))
        assert run.ledger.spent <= budget and run.ledger.reserved == 0
        assert (run.ledger.total("tokens", "trained") > 0) == (budget > MOST)


def test_one_that_reads_answers_needs_a_parent_that_says_so(opened):
    run = opened(RECIPE)
    with pytest.raises(BadInput, match="no run can be opened inside"):
        asyncio.run(run.child("x", CHILD, budget=1))
    run.dispatcher.performers["child"] = Children(run, lambda recipe: ScriptedModel(), improve).perform
    with pytest.raises(BadInput, match="star reads answers, and nested does not say so"):
        asyncio.run(run.child("x", get_recipe("star"), budget=1))


def test_a_child_draws_tasks_of_its_own_and_none_that_is_held_out(opened):
    run = opened(RECIPE, sources=("sums:level=1",))
    inside = run.pool.beside()
    assert inside.sources == run.pool.sources and run.pool.beside(("chain:level=1",)).sources == ("chain:level=1",)
    drawn = inside.draw(run.rng("x"), 200)
    apart = run.pool._apart
    assert drawn and not any(apart.holds(task, apart.of(task)) for task in drawn)
    inside.add([Task(id="new", prompt="What is new?")])
    assert len(run.pool.snapshot()["added"]) == 0 and len(inside.snapshot()["added"]) == 1


def test_what_a_child_counts_is_counted_under_the_purpose_of_who_asked():
    ledger = Ledger()
    rows = [["tokens", "sampled", "solver", "train", "explore", 5], ["beyond", "sampled", "solver", "train", "explore", 7]]
    ledger.take(rows)
    ledger.take([*rows, ["calls", "checker", "solver", "train", "read", 2]], "evaluate")
    assert ledger.spent == 5 and ledger.total("tokens", "evaluated") == 5 and ledger.total("beyond", "evaluated") == 7 and ledger.calls == 0


def test_a_session_opens_children_of_its_own_model(tmp_path):
    job = Job(recipe="self-consistency", model="scripted", tasks=("sums:level=3",), gate=False)
    session = open_session(job, tmp_path / "run")
    try:
        ended = asyncio.run(session.run.child("look", CHILD, budget=MOST, tasks=("chain:level=2",)))
    finally:
        session.close()
    assert ended.steps == 3 and 0 < ended.tokens <= MOST and ended.tokens == session.run.ledger.spent
    [folder] = (tmp_path / "run/children").iterdir()
    assert '"source": "chain:level=2"' in (folder / "attempts.jsonl").read_text() and not (folder / "given").exists()
