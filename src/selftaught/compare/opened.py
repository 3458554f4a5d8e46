"""A recipe as a comparison runs it: with the options it has, until its budget is spent."""

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from selftaught.jobs.job import Job
from selftaught.parts import BadInput, record
from selftaught.recipe import Recipe, get_recipe
from selftaught.types import content_hash

# More steps than any budget pays for: the budget ends the run.
ENDLESS = 10_000


class Opened(NamedTuple):
    """A recipe as it will run, its job, the options it has been given, and the content hash of what it does."""

    recipe: Recipe
    job: Job
    taken: frozenset[str]
    mark: str


def open_recipe(text: str, options: Mapping[str, Any], until_spent: bool = True) -> Opened:
    """`name`, `name/preset` or `name without PILLAR`, with the options it has.

    With `until_spent` the budget ends the run, else the recipe's own steps do.
    """
    return _opened(text, tuple(sorted(options.items())), until_spent)


@cache
def _opened(text: str, options: tuple[tuple[str, Any], ...], until_spent: bool) -> Opened:
    name, _, pillar = text.partition(" without ")
    recipe, taken = get_recipe(name), {}
    for key, value in options:
        if recipe.fixes(key):
            continue
        try:
            recipe = recipe.with_options({key: value})
        except BadInput as error:
            if not str(error).startswith("unknown option"):
                raise
            continue
        taken[key] = value
    job = Job(recipe=name, without=pillar, options=taken | (endless(recipe) if until_spent else {}))
    resolved = job.resolved()
    return Opened(resolved, job, frozenset(taken), declaration(resolved))


def endless(recipe: Recipe) -> dict[str, Any]:
    """Options under which the budget ends the run: more rounds, or a last phase without end where there is one round."""
    if not recipe.lasting:
        return {"steps": 1, "rounds": 1}
    if recipe.rounds > 1:
        return {"rounds": ENDLESS}
    return {f"{len(recipe.phases) - 1}.steps": ENDLESS}


# What a recipe says of itself and what it is called by; none of it decides what it does.
SAID = frozenset({"claim", "presets", "tiny", "paper", "fixed"})


def declaration(recipe: Recipe) -> str:
    """Content hash of what a recipe does, whatever it claims."""
    return content_hash({name: value for name, value in record(recipe).items() if name not in SAID})
