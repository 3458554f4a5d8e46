"""The dispatcher: what a model remembers of its attempts is there again after a resume."""

import asyncio

import numpy as np
import pytest

from scripted_run import live_run
from selftaught.loop import improve
from selftaught.models.scripted import ScriptedModel
from selftaught.recipe import get_recipe
from selftaught.run.folder import RunFolder
from selftaught.run.training import TrainingRun


class Warm(ScriptedModel):
    """Puts into the last bits of log-probabilities whether an attempt's parent was remembered, and in which shape of batch."""

    warm = True

    def __init__(self):
        super().__init__()
        self.remembered, self.waves, self.remade = {}, 0, 0

    async def sample(self, requests):
        replies = await super().sample(requests)
        self.waves += 1
        for request, attempts in zip(requests, replies, strict=True):
            bits = self.remembered.get(request.after.id, 0.5) if request.after else 0.0
            for attempt in attempts:
                self.remade += attempt.id in self.remembered
                attempt.payload.logprobs[len(request.after.payload) if request.after else 0 :] += np.float32(bits + 1e-3 * len(requests))
                self.remembered[attempt.id] = bits / 2 + 1e-3 * len(requests)
        return replies

    async def publish(self, weights="policy"):
        self.remembered.clear()
        return await super().publish(weights)

    async def load(self, folder):
        self.remembered.clear()
        await super().load(folder)


def tiny(name):
    recipe = get_recipe(name)
    return recipe.with_options(recipe.tiny)


def play(run, crash_at=0):
    """To the end, or to the n-th sampled wave; returns the bytes of the journal."""
    whole = run.dispatcher.performers["sample"]

    async def sample(requests):
        if crash_at and run.model.waves + 1 == crash_at:
            raise RuntimeError("power cut")
        return await whole(requests)

    async def steps():
        if not await run.resume():
            await run.save()
        await improve(run.recipe, run)

    run.dispatcher.performers["sample"] = sample
    try:
        asyncio.run(steps())
    finally:
        run.folder.journal.close()
    return run.folder.journal.path.read_bytes()


def reopened(recipe, folder, model):
    """The run of a folder, as `--resume` opens it."""
    (folder / "run.json").write_text("{}")
    new = live_run(recipe, folder.parent / f"{folder.name}-new")
    new.folder.journal.close()
    again = RunFolder(folder, resume=True)
    return TrainingRun(recipe=recipe, model=model, pool=new.pool, folder=again, settings=new.settings, format=new.format)


def killed(recipe, folder, crash_at):
    """A run that was killed at its n-th wave."""
    with pytest.raises(RuntimeError, match="power cut"):
        play(live_run(recipe, folder, model=Warm()), crash_at)
    return folder


@pytest.mark.parametrize("name", ["rest-mcts-star", "score-self-correct", "spiral"])
def test_what_a_warm_model_remembers_is_there_after_a_resume(name, tmp_path):
    recipe = tiny(name)
    whole = live_run(recipe, tmp_path / "whole", model=Warm())
    expected = play(whole)
    for crash_at in range(2, min(whole.model.waves, 9)):
        model = Warm()
        assert play(reopened(recipe, killed(recipe, tmp_path / f"{crash_at}", crash_at), model)) == expected
        assert model.remade == 0


def test_of_a_model_that_is_not_warm_nothing_is_made_again(tmp_path):
    recipe = tiny("rest-mcts-star")
    whole = live_run(recipe, tmp_path / "whole", model=Warm())
    expected = play(whole)
    model = Warm()
    model.warm = False
    assert play(reopened(recipe, killed(recipe, tmp_path / "killed", 3), model)) != expected
    assert model.waves == whole.model.waves - 2


def test_waves_that_come_out_differently_are_spoken_of(tmp_path):
    recipe, model = tiny("rest-mcts-star"), Warm()
    model.script = lambda request, rng, skill: "something else altogether"
    with pytest.warns(RuntimeWarning, match="comes out differently"):
        play(reopened(recipe, killed(recipe, tmp_path / "killed", 3), model))
