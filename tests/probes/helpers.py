"""Runs of one recipe on one model, stopped and resumed."""

import asyncio

from selftaught.format import Format
from selftaught.loop import improve
from selftaught.run.folder import RunFolder, write_json
from selftaught.run.training import TrainingRun
from selftaught.tasks.splits import split
from selftaught.types import SamplerSettings


class Stopped(Exception):
    pass


def live(recipe, model, path, sources, *, resume=False, settings=None, budget=None, seed=0, stop_after=None):
    """A run of a recipe; `stop_after` steps it raises, as an interrupt between steps would."""
    pool, _ = split(sources, seed=seed, counts={})
    folder = RunFolder(path, resume)
    if not resume:
        write_json(path / "run.json", {})

    def watch(numbers):
        if stop_after is not None and numbers["step"] >= stop_after:
            raise Stopped

    return TrainingRun(
        recipe=recipe, model=model, pool=pool, folder=folder, settings=settings or SamplerSettings(max_tokens=64), format=Format(),
        seed=seed, budget=budget, watch=watch,
    )  # fmt: skip


def whole(run):
    """Run to the end."""

    async def go():
        if not await run.resume():
            await run.save()
        await improve(run.recipe, run)

    asyncio.run(go())
    run.folder.journal.close()
    return run


def stopped_and_resumed(make, path, stop_after):
    """The same run made of two halves; `make(path, **options)` opens it with a fresh model."""
    first = make(path, stop_after=stop_after)
    try:
        whole(first)
    except Stopped:
        first.folder.journal.close()
    else:
        raise AssertionError("the run was not stopped")
    return whole(make(path, resume=True))
