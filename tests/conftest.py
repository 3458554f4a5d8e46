"""A run of any recipe on the scripted model: a few easy tasks, no gate, no torch."""

import asyncio

import pytest

from selftaught.format import Format
from selftaught.loop import improve
from selftaught.models.scripted import ScriptedModel
from selftaught.run.folder import RunFolder
from selftaught.run.live import LiveRun
from selftaught.tasks.pool import split
from selftaught.types import SamplerSettings

SOURCES = ("sums:level=3", "countdown:level=1")


def live_run(recipe, folder, *, seed=0, budget=None, skill=0.5, sources=(), model=None, max_tokens=64):
    """An opened run, its start saved, as `improve` finds it."""
    pool, _ = split(sources or recipe.tasks or SOURCES, seed=seed, counts={"held-out": 8, "development": 4, "audit": 4})
    return LiveRun(
        recipe=recipe, model=model or ScriptedModel(skill), pool=pool, folder=RunFolder(folder), seed=seed, budget=budget,
        settings=SamplerSettings(max_tokens=max_tokens), format=Format(),
    )  # fmt: skip


@pytest.fixture
def opened(tmp_path):
    """`opened(recipe, seed=.., budget=..)`: a run before its first step, in a folder of its own; closed after the test."""
    runs = []

    def make(recipe, **options):
        runs.append(live_run(recipe, tmp_path / f"run-{len(runs)}", **options))
        return runs[-1]

    yield make
    for run in runs:
        run.folder.journal.close()


@pytest.fixture
def play(opened):
    """`play(recipe, seed=.., budget=..)`: a run after all its steps."""

    async def whole(run):
        await run.save()
        await improve(run.recipe, run)
        return run

    return lambda recipe, **options: asyncio.run(whole(opened(recipe, **options)))
