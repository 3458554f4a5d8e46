"""An unstarted run of any recipe on the scripted model. Not in conftest: folders below have one too, and the names clash."""

import asyncio

from selftaught.format import Format
from selftaught.loop import improve
from selftaught.models.scripted import ScriptedModel
from selftaught.run.folder import RunFolder
from selftaught.run.training import TrainingRun
from selftaught.tasks.splits import split
from selftaught.types import SamplerSettings

SOURCES = ("sums:level=3", "countdown:level=1")


def live_run(recipe, folder, *, seed=0, budget=None, skill=0.5, sources=(), model=None, max_tokens=64):
    """An opened run, its start saved, as `improve` finds it."""
    pool, _ = split(sources or recipe.tasks or SOURCES, seed=seed, counts={"held-out": 8, "development": 4, "audit": 4})
    return TrainingRun(
        recipe=recipe, model=model or ScriptedModel(skill), pool=pool, folder=RunFolder(folder), seed=seed, budget=budget,
        settings=SamplerSettings(max_tokens=max_tokens), format=Format(),
    )  # fmt: skip


def played(run):
    """The run after all its steps."""

    async def whole():
        await run.save()
        await improve(run.recipe, run)
        return run

    return asyncio.run(whole())
