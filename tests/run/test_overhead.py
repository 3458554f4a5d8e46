"""What a step costs beside the model and the checkers."""

import asyncio
import time

import numpy as np
import pytest
from benchmarks.speed.overhead import Clock

from scripted_run import live_run
from selftaught.loop import improve
from selftaught.models.scripted import ScriptedModel
from selftaught.monitors.alarms import DEFAULT_MONITORS
from selftaught.recipe import get_recipe

SOURCES = ("linear:level=6", "sort:level=6", "sudoku:level=8")
ATTEMPTS = {"plan.tasks": 64, "plan.n": 8}


class Overhead:
    """Steps of a run as (seconds, those of them outside verbs and checkers); the first holds what came before it too."""

    def __init__(self, run, now=time.perf_counter):
        self.clock, self.now, self.last, self.watch, self.steps = Clock(run, now), now, now(), run.watch, []
        run.watch = self.step

    def step(self, row):
        whole = self.now() - self.last
        self.steps.append((whole, whole - self.clock.inside()))
        self.clock.clear()
        self.last = self.now()
        if self.watch:
            self.watch(row)


def test_overhead_by_hand(opened):
    now = [0.0]

    class Slow(ScriptedModel):
        async def sample(self, requests):
            now[0] += 2.0
            return await super().sample(requests)

        async def learn(self, examples, objectives):
            now[0] += 1.0
            return await super().learn(examples, objectives)

    recipe = get_recipe("ttrl")
    run = opened(recipe.with_options({**recipe.tiny, "steps": 3}), model=Slow())
    rows, record = [], run.record
    run.watch = rows.append

    def slow_record(groups):
        now[0] += 0.5
        record(groups)

    run.record = slow_record
    meter = Overhead(run, now=lambda: now[0])
    asyncio.run(improve(run.recipe, run))
    assert meter.steps == [(3.5, 0.5)] * 3 and len(rows) == 3


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ttrl", "star", "co-reward"])
def test_an_answer_costs_less_than_a_tenth_of_a_millisecond_beside_the_verbs(name, tmp_path):
    """An answer is an attempt or the scores of one: co-reward has nearly every attempt scored under the start weights."""
    recipe = get_recipe(name).with_options(ATTEMPTS | {"steps": 8})
    run = live_run(recipe, tmp_path / "run", sources=SOURCES)
    run.watcher.monitors = DEFAULT_MONITORS
    answers, scored = [], []
    score = run.dispatcher.performers["score"]
    run.dispatcher.performers["score"] = lambda wave: scored.extend(wave) or score(wave)
    run.watch = lambda row: answers.append(row["attempts"] + len(scored)) or scored.clear()
    meter = Overhead(run)
    try:
        asyncio.run(improve(recipe, run))
    finally:
        run.folder.journal.close()
    # The fastest step: other processes only ever make one slower.
    assert min(outside / n for (_, outside), n in zip(meter.steps, answers, strict=True)) < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ttrl", "co-reward"])
def test_less_than_a_twentieth_of_a_step_of_sprout_is_overhead(name, tmp_path):
    from selftaught.jobs.job import Job
    from selftaught.jobs.session import open_session

    session = open_session(Job(recipe=name, options=ATTEMPTS | {"steps": 5}, gate=False), tmp_path / "run")
    meter = Overhead(session.run)

    async def play():
        await session.run.save()
        await improve(session.recipe, session.run)

    asyncio.run(play())
    session.close()
    assert len(meter.steps) == 5 and np.median([outside / whole for whole, outside in meter.steps[1:]]) < 0.05
