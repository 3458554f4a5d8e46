"""Learning inside explore: the margin by hand, scratch weights that leave nothing behind, and a kill in the middle of it."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from scripted_run import live_run, played
from selftaught.explore import Adapt
from selftaught.explore.adapt import margin
from selftaught.explore.neighbors import written
from selftaught.jobs.fits import fit_model
from selftaught.jobs.job import SPROUT
from selftaught.models import capabilities
from selftaught.models.language.local import open_local
from selftaught.models.scripted import ScriptedModel
from selftaught.parts import BadInput
from selftaught.prompts import WRITE_ALIKE
from selftaught.prove.sampling import MethodSampler
from selftaught.recipe import get_recipe
from selftaught.run.journal import records, waves
from selftaught.run.method import Method
from selftaught.train import NLL, AdamW, PolicyGradient

SMALL = {"plan.tasks": 2, "explore.neighbors": 2, "explore.votes": 2, "explore.candidates": 4, "explore.agree": 0.0, "steps": 2}
# So fast that what it does can be seen.
ALWAYS = get_recipe("tt-si/always").with_options(SMALL | {"explore.optimizer.lr": 3e-3})
TASKS = ("sums:level=3",)


def sprout(folder, recipe=ALWAYS, **options):
    return live_run(recipe, folder, model=open_local(SPROUT), sources=TASKS, max_tokens=20, **options)


def test_the_margin_is_what_softmax_leaves_between_the_first_and_the_next():
    chances = np.exp([-1.0, -3.0, -2.0]) / np.exp([-1.0, -3.0, -2.0]).sum()
    assert margin([-1.0, -3.0, -2.0]) == pytest.approx(chances[0] - chances[2])
    assert margin([-700.0, -700.0]) == 0 and margin([-5.0]) == 1 and margin([]) == 0


@pytest.mark.parametrize(("texts", "unsure"), [
    (["a #### 1"] * 4, False),
    # Two solutions of one answer count together, one drawn twice counts once: (e^-1 + e^-1 - e^-1) / 3 e^-1 = 1/3.
    (["a #### 1", "b #### 1", "a #### 1", "c #### 2"], True),
    (["no answer"] * 4, True),
])  # fmt: skip
def test_is_unsure_by_what_its_answers_have_for_probability(opened, texts, unsure):
    run = opened(ALWAYS)
    [request, *_] = ALWAYS.phases[0].plan.plan(run, run.pool)
    part = Adapt(candidates=4, threshold=0.34, loss=NLL(), optimizer=AdamW())

    async def sample(tag, task, messages, *, n, settings):
        made = await type(run).sample(run, tag, task, messages, n=n, settings=settings)
        # Each is as likely as e^-1.
        one = [replace(a.payload, logprobs=np.where(np.arange(len(a.payload)) == len(a.payload) - 1, -1.0, 0.0)) for a in made]
        return [replace(a, text=text, payload=payload) for a, text, payload in zip(made, texts, one, strict=True)]

    run.sample = sample
    assert asyncio.run(part.unsure(run, request)) is unsure
    assert asyncio.run(replace(part, threshold=0.33).unsure(run, request)) is (unsure and "no answer" in texts)


def test_neighbors_are_the_models_own_and_learned_as_it_answered_most(opened):
    """Of four answers two agree; a neighbor that repeats the task, is empty or has no answer is left out."""
    wrote = iter(["2+2=", "TASK", " ", "3+3="])
    answers = {"2+2=": iter(["#### 5", "4 #### 4", "#### 4", "#### 6"]), "3+3=": iter(["?", "?", "?", "?"])}

    def script(request, rng, skill):
        asked = request.messages[-1].content
        if asked.startswith(WRITE_ALIKE):
            return next(wrote).replace("TASK", request.task.text)
        return next(answers[asked])

    run = opened(ALWAYS, model=ScriptedModel(script=script))
    [request, *_] = ALWAYS.phases[0].plan.plan(run, run.pool)
    assert asyncio.run(written(run, request, 4, 4, 0.5, 1.0)) == [("2+2=", "4 #### 4")]


def test_a_task_is_answered_alike_whether_others_were_adapted_to_or_not(tmp_path):
    run = sprout(tmp_path / "run")
    tasks = run.pool.draw(run.rng("some"), 2)
    before = run.model.digest()

    async def said(some, label="x", recipe=ALWAYS):
        method = Method(run, run.settings, 5, label, phase=recipe.phases[0])
        return {a.task: (a.text, a.sampler) for a in await method.reply(some) if a}

    together, alone = asyncio.run(said(tasks)), {}
    for task in tasks:
        alone |= asyncio.run(said([task], "x"))
    plain = asyncio.run(said(tasks, "y", get_recipe("tt-si/never")))
    assert together == alone and {sampler for _, sampler in together.values()} == {"scratch"}
    assert {sampler for _, sampler in plain.values()} == {"policy"}
    assert [text for text, _ in plain.values()] != [text for text, _ in together.values()], "at this rate the steps can be seen"
    assert run.model.digest() == before and "scratch" not in run.model.trainer.weights.copies
    run.folder.journal.close()


@pytest.mark.slow
def test_the_gate_asks_by_the_method_and_finds_the_weights_as_they_were(tmp_path):
    run = sprout(tmp_path / "run")
    sampler = MethodSampler(run=run, seed=3)
    tasks = run.pool.draw(run.rng("some"), 2)
    # Each in an event loop of its own, several at once in each.
    for label in ("one", "two"):
        groups = asyncio.run(sampler.draw(tasks, 2, run.settings, "policy", label))
        assert all(a.sampler == "scratch" for g in groups for a in g.attempts_G)
    sampler.settle()
    tokens = run.ledger.summary()["tokens"]
    assert tokens["trained"] == 0 < tokens["evaluated"]
    run.folder.journal.close()


def test_a_run_killed_inside_an_adaptation_and_gone_on_with_equals_one_that_was_not(tmp_path):
    one = played(sprout(tmp_path / "one"))
    one.folder.journal.close()
    journal = tmp_path / "one/journal.bin"
    with journal.open("rb") as file:
        whole, _, _ = records(file)
    roles = [key.split("/")[1] for wave in waves(journal) for key in wave["keys"]]
    replies = [i for i, wave in enumerate(waves(journal)) if any("/reply" in key for key in wave["keys"])]
    assert "proposer" in roles and len(replies) >= 3
    for kept in (replies[0], replies[2]):
        folder = tmp_path / f"kept-{kept}"
        folder.mkdir()
        (folder / "journal.bin").write_bytes(journal.read_bytes()[: whole[kept - 1].at + whole[kept - 1].size])
        two = played(sprout(folder))
        two.folder.journal.close()
        assert (folder / "journal.bin").read_bytes() == journal.read_bytes()
        assert two.ledger.snapshot() == one.ledger.snapshot() and two.model.digest() == one.model.digest()


def test_in_context_shows_what_would_be_learned_and_never_costs_one_reply(opened):
    shown = opened(get_recipe("tt-si/in-context").with_options(SMALL | {"explore.threshold": 2.0}))
    [request, *_] = ALWAYS.phases[0].plan.plan(shown, shown.pool)
    [group] = asyncio.run(shown.recipe.phases[0].explore.explore(shown, request))
    assert len(group.attempts_G[0].messages) == 2 * 2 + 1 and shown.model.calls.get("learn") is None
    plain = opened(get_recipe("tt-si/never"))
    asyncio.run(plain.recipe.phases[0].explore.explore(plain, request))
    assert plain.model.calls == {"sample": 1}


def test_what_cannot_be_is_refused():
    for wrong in ({"loss": NLL()}, {"loss": PolicyGradient(), "optimizer": AdamW()}, {"threshold": 3.0}, {"votes": 0}):
        with pytest.raises(BadInput, match="adapt"):
            Adapt(**wrong)


def test_a_model_that_cannot_learn_is_refused_before_anything_is_opened():
    known = {"": capabilities.SCRIPTED - {"learn"}}
    with pytest.raises(BadInput, match="explore 'adapt' needs learn, which this model does not give"):
        fit_model(ALWAYS, known)
    fit_model(ALWAYS, {"": capabilities.SCRIPTED})
    fit_model(get_recipe("tt-si/in-context"), known)
