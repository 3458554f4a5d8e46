"""Large waves in parts: checks are made while the next part is sampled, and nothing else is different."""

import asyncio
import json
import random
import threading
import time
from dataclasses import dataclass, replace

import pytest

from scripted_run import live_run
from selftaught.loop import improve
from selftaught.models.scripted import ScriptedModel
from selftaught.recipe import get_recipe
from selftaught.run.budget import Budget
from selftaught.run.folder import RunFolder
from selftaught.run.journal import waves
from selftaught.run.training import TrainingRun
from selftaught.stages import Supervise
from selftaught.types import Score

TASKS, N, ROWS = 8, 4, 8


class Parts(ScriptedModel):
    """Samples two groups at a time, and blocks the event loop while it does."""

    wave_rows = ROWS

    def __init__(self, pause=lambda: 0.0):
        super().__init__()
        self.pause, self.at_work, self.waves = pause, [], 0

    async def sample(self, requests):
        self.waves += 1
        with self.noted():
            time.sleep(self.pause())
        return await super().sample(requests)

    def noted(self):
        return Noted(self.at_work)


class Noted:
    """Notes when something was at work."""

    def __init__(self, kept):
        self.kept = kept

    def __enter__(self):
        self.began = time.monotonic()

    def __exit__(self, *error):
        self.kept.append((self.began, time.monotonic(), threading.get_ident()))


@dataclass(frozen=True, kw_only=True)
class Graded(Supervise):
    """Asks a slow checker."""

    name = "graded"
    signal = ("rule",)

    async def read_group(self, run, group):
        grades = await run.dispatcher.ask("check", f"{run.step}/{group.key}", [a.text for a in group.attempts_G])
        run.ledger.add("calls", "checker", len(grades))
        return group.scored(
            [Score(attempt=a.id, value=v, source="rule", judge=self.name) for a, v in zip(group.attempts_G, grades, strict=True)]
        )


def recipe_of(steps=2):
    recipe = get_recipe("ttrl").with_options({"plan.tasks": TASKS, "plan.n": N, "steps": steps})
    return replace(recipe, phases=(replace(recipe.phases[0], read=(Graded(),)),))


def opened(folder, model, pause=lambda: 0.0):
    """A run whose checker takes its time in a thread; opened again where the folder has one."""
    run = live_run(recipe_of(), folder if not (folder / "run.json").exists() else folder.parent / f"{folder.name}-new", model=model)
    if (folder / "run.json").exists():
        run.folder.journal.close()
        again = RunFolder(folder, resume=True)
        run = TrainingRun(recipe=run.recipe, model=model, pool=run.pool, folder=again, settings=run.settings, format=run.format)
    (folder / "run.json").write_text("{}")
    run.checked = []

    def grade(texts):
        with Noted(run.checked):
            time.sleep(pause())
            return [[float(len(text) % 2) for text in texts_G] for texts_G in texts]

    async def check(texts):
        return await asyncio.to_thread(grade, texts)

    run.dispatcher.performers["check"] = check
    return run


def play(run):
    async def steps():
        if not await run.resume():
            await run.save()
        await improve(run.recipe, run)

    try:
        asyncio.run(steps())
    finally:
        run.folder.journal.close()
    return run


def numbers(run):
    rows = [json.loads(line) for line in (run.folder.path / "steps.jsonl").read_text().splitlines()]
    return run.model.skill, run.ledger.snapshot(), [{k: v for k, v in row.items() if k != "seconds"} for row in rows]


def test_checks_are_made_while_the_next_part_is_sampled(tmp_path):
    model = Parts(pause=lambda: 0.05)
    run = play(opened(tmp_path / "run", model, pause=lambda: 0.04))
    assert model.waves == 2 * TASKS * N // ROWS and len(run.checked) == model.waves
    assert {thread for _, _, thread in run.checked}.isdisjoint({thread for _, _, thread in model.at_work})
    overlaps = [
        min(end, other_end) - max(began, other) for began, end, _ in run.checked for other, other_end, _ in model.at_work
        if min(end, other_end) > max(began, other)
    ]  # fmt: skip
    # Those of a step's last part have nothing left to overlap.
    assert len(overlaps) >= model.waves - 2 and sum(overlaps) > 0.25 * 0.04 * (model.waves - 2)


def test_waves_depend_on_what_was_asked_and_not_on_how_long_it_takes(tmp_path):
    quick = play(opened(tmp_path / "quick", Parts()))
    log = quick.folder.journal.path.read_bytes()
    for seed in range(3):
        rng = random.Random(seed)
        slow = play(opened(tmp_path / f"{seed}", Parts(lambda r=rng: 0.01 * r.random()), lambda r=rng: 0.01 * r.random()))
        assert slow.folder.journal.path.read_bytes() == log and numbers(slow) == numbers(quick)
    kinds = [(wave["kind"], len(wave["keys"])) for wave in waves(quick.folder.journal.path)]
    size = ROWS // N
    assert kinds[: 2 * TASKS // size] == [("sample", size), *[("check", size), ("sample", size)] * (TASKS // size - 1), ("check", size)]


def test_numbers_are_those_of_one_wave(tmp_path):
    parts = play(opened(tmp_path / "parts", Parts()))
    model = Parts()
    model.wave_rows = 10**6
    whole = play(opened(tmp_path / "whole", model))
    assert numbers(parts) == numbers(whole) and (parts.model.waves, model.waves) == (2 * TASKS * N // ROWS, 2)


@pytest.mark.parametrize("crash_at", range(1, 2 * TASKS * N // ROWS + 1))
@pytest.mark.parametrize("at", ["sample", "check"])
def test_killed_at_any_part_and_resumed_equals_uninterrupted(at, crash_at, tmp_path):
    whole = play(opened(tmp_path / "whole", Parts()))
    run, calls = opened(tmp_path / "killed", Parts()), []
    perform = run.dispatcher.performers[at]

    async def fails(requests):
        calls.append(1)
        if len(calls) == crash_at:
            raise RuntimeError("power cut")
        return await perform(requests)

    run.dispatcher.performers[at] = fails
    with pytest.raises(RuntimeError, match="power cut"):
        play(run)
    resumed = play(opened(tmp_path / "killed", Parts()))
    assert numbers(resumed) == numbers(whole)
    assert resumed.folder.journal.path.read_bytes() == whole.folder.journal.path.read_bytes()


@pytest.mark.parametrize("rows", [1, 4, 512])
@pytest.mark.parametrize("name", ["ttrl", "selftaught", "self-rewarding-dpo", "rest-mcts-star", "star/rule"])
def test_no_budget_is_overspent_in_parts(name, rows, tmp_path):
    recipe = get_recipe(name)
    recipe = recipe.with_options(recipe.tiny)
    model = Parts()
    model.wave_rows = rows
    whole = play(live_run(recipe, tmp_path / "whole", model=model)).ledger.spent
    for share in (0.1, 0.3, 0.5, 0.8):
        model = Parts()
        model.wave_rows = rows
        run = play(live_run(recipe, tmp_path / f"{share}", model=model, budget=Budget(tokens=int(share * whole), calls=40)))
        assert run.ledger.spent <= share * whole and run.ledger.calls <= 40 and run.ledger.reserved == 0
