"""Every recipe: declared once, listed without torch, and in its tiny form a fast, exact, honest run."""

import asyncio
import json
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

import selftaught.recipes
from scripted_run import live_run, played
from selftaught.compare.plans import against
from selftaught.options import parts_of
from selftaught.parts import record
from selftaught.recipe import all_recipes, get_recipe

RECIPES = all_recipes()
TEXT = [name for name, recipe in RECIPES.items() if not recipe.model]
NAMED = [*RECIPES, *(f"{name}/{preset}" for name, recipe in RECIPES.items() for preset in recipe.presets)]
TINY = [name for name in NAMED if name.partition("/")[0] in TEXT]
LIMIT = 0.5
HOME = Path(selftaught.recipes.__file__).parent


def tiny(name):
    recipe = get_recipe(name)
    return recipe.with_options(recipe.tiny)


@pytest.mark.parametrize("name", NAMED)
def test_is_declared(name):
    recipe = get_recipe(name)
    json.loads(json.dumps(record(recipe), allow_nan=False))
    assert recipe.digest() == get_recipe(name).digest() != replace(recipe, rounds=recipe.rounds + 1).digest()
    assert recipe.name == name and re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*(/[a-z0-9-]+)?", name)
    assert recipe.claim.text and recipe.claim.asks and recipe.pillars and recipe.tiny
    assert not recipe.trains or recipe.changes != "nothing"
    assert recipe.reads_gold == (recipe.signal == "gold") or "/" in name


def test_file_is_short_and_says_what_it_is():
    for path in [*HOME.glob("*.py"), *HOME.glob("controls/*.py")]:
        if path.stem != "__init__":
            lines = path.read_text().splitlines()
            assert len(lines) <= 60, path
            assert lines[0].startswith('"""') and path.stem.replace("_", "-") in RECIPES


def test_claims_name_recipes():
    others = {(name, against(ask)) for name, recipe in RECIPES.items() for ask in recipe.claim.asks}
    assert not [(name, other) for name, other in others if other and other.partition(" without ")[0] not in NAMED]


def test_listing_imports_no_torch():
    code = "import sys; from selftaught.recipe import all_recipes; all_recipes(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.fixture(scope="module", params=TINY)
def twice(request, tmp_path_factory):
    """(name, two runs of the tiny form from one seed, the processor seconds of the quicker): what several tests look at."""
    recipe, runs, seconds = tiny(request.param), [], []
    for _ in range(2):
        start = time.process_time()
        runs.append(played(live_run(recipe, tmp_path_factory.mktemp("run") / "run")))
        seconds.append(time.process_time() - start)
    # The first run imports, and other processes must not fail what looks at the time.
    yield request.param, *runs, min(seconds)
    for run in runs:
        run.folder.journal.close()


def test_tiny_form_runs(twice):
    name, run, _, seconds = twice
    assert run.position == len(list(tiny(name).schedule())) >= 2
    # What was given instead of attempts is not sampled.
    assert run.ledger.total("tokens", "sampled") > 0 or run.ledger.total("tokens", "trained") > 0
    assert seconds < LIMIT, f"{name} took {seconds:.2f} s"
    # Learning inside explore leaves nothing behind; all else that trains has an objective.
    if not tiny(name).trains and not any("learn" in part.asks for part in parts_of(tiny(name).phases)):
        assert "learn" not in run.model.calls and run.ledger.total("tokens", "trained") == 0


def test_same_seed_same_run(twice, play):
    name, one, two, _ = twice
    other = play(tiny(name), seed=1)
    assert one.ledger.snapshot() == two.ledger.snapshot() and one.model.skill == two.model.skill and one.state == two.state
    assert one.folder.journal.path.read_bytes() == two.folder.journal.path.read_bytes()
    if said := one.folder.journal.path.read_bytes():
        assert said != other.folder.journal.path.read_bytes()
    else:
        assert one.ledger.snapshot() != other.ledger.snapshot()


def test_budget_is_a_hard_stop(twice, play):
    name, whole, *_ = twice
    for budget in (whole.ledger.spent // 2, whole.ledger.spent // 5, 50):
        run = play(tiny(name), budget=budget)
        assert run.ledger.spent <= budget


def test_reads_answers_only_if_it_says_so(twice):
    name, run, *_ = twice
    reads = run.ledger.summary()["gold_read"]
    assert reads["select"] == reads["audit"] == reads["evaluate"] == 0
    assert not reads["train"] or get_recipe(name).reads_gold
    assert reads["train"] or get_recipe(name).signal != "gold" or "/" in name


@pytest.mark.parametrize("name", [name for name in TINY if not RECIPES[name.partition("/")[0]].trains])
def test_decides_among_its_attempts(name, opened):
    recipe = tiny(name)

    async def reply(run):
        phase = recipe.phases[0]
        groups = list(await phase.explore.explore(run, phase.plan.plan(run, run.pool)[0]))
        for part in phase.read:
            groups = await part.read(run, groups)
        return await recipe.decide.decide(run, groups[0]) in groups[0].attempts_G

    assert asyncio.run(reply(opened(recipe)))


def test_zero_lr_moves_nothing(play):
    run = play(tiny("zero-lr"))
    assert run.model.skill["policy"] == run.model.skill["start"]
    assert run.model.calls["learn"] == 2


def test_star_begins_each_round_anew(play):
    run = play(tiny("star").with_options({"rounds": 3}))
    assert run.position == 6
    # Two steps of 0.05 from the start, not six: each round's student forgets the rounds before.
    assert run.model.skill == pytest.approx({"policy": 0.6, "start": 0.5, "origin": 0.5, "student": 0.5})


@pytest.mark.parametrize("name", ["zero-lr", "random-reward", "shuffled-votes", "format-only", "sft-unfiltered", "cooler-start"])
def test_control_explores_as_ttrl_does(name):
    ttrl, control = RECIPES["ttrl"], RECIPES[name]
    for mine, its in zip(control.phases, ttrl.phases, strict=True):
        assert replace(mine.plan, temperature=None) == its.plan
        assert [replace(o.optimizer, lr=1.0) for o in mine.objectives] == [replace(o.optimizer, lr=1.0) for o in its.objectives][
            : len(mine.objectives)
        ]
