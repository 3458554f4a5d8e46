"""What a claim needs to be run and measured: its recipe and those it is against, on the same model, tasks, seeds and budget."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from selftaught.claim import START, Ask
from selftaught.compare import second
from selftaught.compare.outcomes import Seen
from selftaught.compare.runs import Settings, ask_all, model_mark, slug
from selftaught.compare.sweep import AGAIN, Wanted
from selftaught.compare.table import stacked
from selftaught.jobs.job import DEFAULT_TASKS
from selftaught.parts import BadInput, named, record
from selftaught.recipe import get_recipe, recipe_names
from selftaught.run.files import read_json
from selftaught.statistics.differences import Numbers
from selftaught.statistics.evaluated import unit_means
from selftaught.types import content_hash

SEEDS = (31, 32, 33)
SETTINGS = Settings(held_out_count=200, evaluation_seed=31, budget=300_000, temperature=1.0)
# (recipe, task source that has runs of its own or "") -> one run a seed.
Arms = dict[tuple[str, str], list[Wanted]]


def asked(names: Sequence[str], beside: bool) -> list[str]:
    """The recipes whose claims are put to the test: all where none is named; raises BadInput on one the second model is not asked."""
    if refused := [name for name in names if beside and not second.asked(name)]:
        raise BadInput(f"compare --claims {refused[0]}: that claim is not about questions a language model answers: leave out --model")
    return list(dict.fromkeys(names)) or sorted(name for name in recipe_names() if not beside or second.asked(name))


def arms(name: str, out: Path, settings: Settings, seeds: Sequence[int]) -> Arms:
    """The runs a claim is decided by. Equal runs of two claims are one folder."""
    claim, found = get_recipe(name).claim, {}
    chosen = replace(second.fitted(settings, claim), tasks=tasks_of(name, settings), model=claim.model or settings.model)
    gate = any(named("measure", ask.measure).kept for ask in claim.asks)
    for text in dict.fromkeys((name, *(other for ask in claim.asks if (other := against(ask))))):
        for source in sources_of(name, settings):
            one = replace(chosen, tasks=(source,)) if source else chosen
            found[text, source] = ask_all(text, seeds, out, one, marked=True, gate=gate, until_spent=claim.equal == "tokens")
    return found


def against(ask: Ask) -> str:
    """The recipe an ask is against, "" where it is against the start or the measure's own baseline."""
    return "" if ask.against in (START, named("measure", ask.measure).baseline) else ask.against


def tasks_of(name: str, settings: Settings) -> tuple[str, ...]:
    """The tasks a claim is tested on: its own, those of the test, its recipe's, the default ones."""
    recipe = get_recipe(name)
    if settings.model == second.SETTINGS.model:
        return settings.tasks
    return recipe.claim.tasks or settings.tasks or recipe.tasks or DEFAULT_TASKS


def sources_of(name: str, settings: Settings) -> tuple[str, ...]:
    """The task sources that have runs of their own; ("",) where all share one."""
    return tasks_of(name, settings) if get_recipe(name).claim.apart else ("",)


def looks(name: str, mine: Arms, out: Path) -> Arms:
    """Measurements of an arm's runs that no verdict holds already; arms without any are left out."""
    found = {}
    for (text, source), runs in mine.items():
        asked = {ask.measure for ask in get_recipe(name).claim.asks if text in (name, against(ask))}
        wanted = sorted(measure for measure in asked if not named("measure", measure).kept)
        if wanted:
            found[text, source] = [look(text, run, wanted, out) for run in runs]
    return found


def look(text: str, run: Wanted, measures: Sequence[str], out: Path) -> Wanted:
    """One measurement of one run."""
    mark = content_hash(run.mark, [record(named("measure", measure)) for measure in measures])
    return spec_of(f"{text} measured", run.seed, out, mark, {"measures": list(measures), "run": str(run.folder)})


def premise_of(name: str, out: Path, settings: Settings) -> Wanted | None:
    """The measurement of what a claim presumes of its start; None where it presumes nothing."""
    claim = get_recipe(name).claim
    if not claim.premise:
        return None
    asked = ("held_out_count", "evaluation_seed", "temperature", "max_tokens")
    job = {key: getattr(settings, key) for key in asked} | {"tasks": tasks_of(name, settings)}
    model = claim.model or settings.model
    mark = content_hash(record(claim.premise), job, model_mark(model))
    spec = {"measures": [claim.premise.measure], "model": model, "job": job}
    return spec_of(f"{name} premise", settings.evaluation_seed, out, mark, spec)


def spec_of(text: str, seed: int, out: Path, mark: str, spec: Mapping[str, object]) -> Wanted:
    """A process that measures."""
    folder = out / f"{slug(text)}-{seed}-{mark[:8]}"
    words = ("selftaught.compare.measured", json.dumps({**spec, "folder": str(folder)}))
    return Wanted(recipe=text, seed=seed, folder=folder, words=words, again=words, mark=mark)


def seen_by(name: str, mine: Arms, measured: Arms) -> Seen:
    """Everything a claim's finished runs were measured to be."""
    found: dict[tuple[str, str, str, str], Numbers] = {}
    measures = dict.fromkeys(ask.measure for ask in get_recipe(name).claim.asks)
    for arm, runs in mine.items():
        for measure in measures:
            if kept := named("measure", measure).kept:
                found |= {(*arm, measure, side): stacked([run.folder for run in runs], side, kept) for side in (START, "result")}
        files = [read_json(run.folder / "measured.json", AGAIN, dict) for run in measured.get(arm, ())]
        for measure in measures:
            sides = files[0].get(measure, {}) if files else {}
            found |= {(*arm, measure, side): np.array([unit_means(file[measure][side]) for file in files]) for side in sides}
    return found
