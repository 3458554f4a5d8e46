"""What grows: memory hardly over hundreds of rounds, the number of calls no faster than the attempts."""

import asyncio
import cProfile
import gc
import tracemalloc

import pytest

from scripted_run import live_run
from selftaught.loop import improve
from selftaught.monitors.alarms import DEFAULT_MONITORS
from selftaught.recipe import get_recipe

SOURCES = ("linear:level=6", "sort:level=6", "sudoku:level=8")
WARM, ROUNDS = 60, 220
# 0.02% of what a Python process with numpy and this package holds resident.
MOST = 2e-4 * 48e6


def opened(name, folder, **options):
    recipe = get_recipe(name).with_options({key.replace("__", "."): value for key, value in options.items()})
    run = live_run(recipe, folder, sources=SOURCES)
    run.watcher.monitors, run.heed = DEFAULT_MONITORS, False
    return run


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("ttrl", {"plan__tasks": 16, "plan__n": 8}),
        ("selftaught", {}),
        ("rest-mcts-star", {"plan__tasks": 4}),
        ("star", {"plan__tasks": 4}),
    ],
)
def test_memory_hardly_grows_over_hundreds_of_rounds(name, options, tmp_path):
    run = opened(name, tmp_path / "run", steps=ROUNDS, **options)
    held = {}

    def watch(row):
        if row["step"] in (WARM, ROUNDS - 1):
            gc.collect()
            held[row["step"]] = tracemalloc.get_traced_memory()[0]

    async def play():
        await run.save()
        await improve(run.recipe, run)

    run.watch = watch
    tracemalloc.start()
    try:
        asyncio.run(play())
    finally:
        tracemalloc.stop()
        run.folder.journal.close()
    assert (held[ROUNDS - 1] - held[WARM]) / (ROUNDS - 1 - WARM) < MOST


def calls(run):
    """How many functions are called in one step, the model's sampling left out."""
    profile = cProfile.Profile()
    whole = run.dispatcher.performers["sample"]

    async def sample(requests):
        profile.disable()
        try:
            return await whole(requests)
        finally:
            profile.enable()

    run.dispatcher.performers["sample"] = sample
    run.watcher.monitors = ()
    profile.enable()
    asyncio.run(improve(run.recipe, run))
    profile.disable()
    run.folder.journal.close()
    return sum(entry.callcount for entry in profile.getstats())


@pytest.mark.parametrize("name", ["ttrl", *(pytest.param(name, marks=pytest.mark.slow) for name in ("star", "co-reward"))])
@pytest.mark.parametrize("grows", ["plan__tasks", "plan__n"])
def test_calls_grow_no_faster_than_attempts(name, grows, tmp_path):
    few = calls(opened(name, tmp_path / "few", **{"plan__tasks": 16, "plan__n": 8, "steps": 2}))
    many = calls(opened(name, tmp_path / "many", **{"plan__tasks": 16, "plan__n": 8, "steps": 2} | {grows: 128}))
    times = 8 if grows == "plan__tasks" else 16
    # Tasks are drawn until they differ, which takes a few more draws the more of them there are.
    assert many < 1.15 * times * few
