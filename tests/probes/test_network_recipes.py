"""Every recipe of a network: its tiny form is fast, and the same for one seed; its presets can be run."""

import time

import pytest

from probes.helpers import live, whole
from selftaught.jobs.fits import fit_network
from selftaught.models.modules.model import ModuleModel
from selftaught.recipe import all_recipes, get_recipe
from selftaught.tasks.source import parse_source

RECIPES = [name for name, recipe in all_recipes().items() if recipe.model]
NAMED = [*RECIPES, *(f"{name}/{preset}" for name in RECIPES for preset in get_recipe(name).presets)]
# Processor seconds, of the quicker of two.
LIMIT = 0.2


def tiny(name, path, seed=0):
    recipe = get_recipe(name)
    recipe, source = recipe.with_options(recipe.tiny), parse_source(recipe.tasks[0])
    [task] = source.draw("width", 1, "train")
    return live(recipe, ModuleModel.open(recipe.model, task.payload, recipe.modules, seed), path, [source], seed=seed)


@pytest.mark.parametrize("name", NAMED)
def test_tiny_form_runs_the_same_twice(name, tmp_path):
    fit_network(get_recipe(name))
    runs, seconds = [], []
    for i in range(2):
        run, start = tiny(name, tmp_path / str(i)), time.process_time()
        runs.append(whole(run))
        seconds.append(time.process_time() - start)
    one, two = runs
    assert one.model.digest() == two.model.digest() != one.model.digest("start") and one.ledger.snapshot() == two.ledger.snapshot()
    assert whole(tiny(name, tmp_path / "other", seed=1)).model.digest() != one.model.digest()
    assert one.position == len(list(one.recipe.schedule())) >= 2 and one.ledger.total("tokens", "trained") > 0
    assert min(seconds) < LIMIT, f"{name} took {min(seconds):.2f} s"
