"""Weights that are adapted for a while and dropped, and replies that somebody else wrote as tokens."""

import asyncio

import numpy as np
import pytest
from local_models import make_folder, request

from scripted_run import live_run
from selftaught.explore import Even, Sample
from selftaught.models.language.local import open_local
from selftaught.parts import BadInput
from selftaught.recipe import Objective, Phase, Recipe
from selftaught.train import NLL, AdamW
from selftaught.types import Example, Message

LEARN = Objective(loss=NLL(), optimizer=AdamW(lr=0.1), updates=("scratch",))
PLAIN = Recipe(name="plain", phases=(Phase(plan=Even(), explore=Sample()),))


@pytest.fixture(params=["chat", "plain"])
def model(request, tmp_path):
    return open_local(make_folder(tmp_path / "m", "llama", chat=request.param == "chat"))


def said(model, weights="policy"):
    [[attempt]] = asyncio.run(model.sample([request("k", weights=weights, temperature=0.0, max_tokens=6)]))
    return attempt.text


def test_a_reply_as_tokens_is_what_the_model_would_have_said(model):
    messages = (Message("user", "1+1="),)
    tokens = model.tokens(messages, "2 <user>")
    opened = tokens.opened
    assert tuple(tokens.ids[:opened]) == model.renderer.context(messages) and tokens.sampled[opened:].all()
    assert model.renderer.tokenizer.decode(tokens.ids[opened:-1]) == "2 <user>" and int(tokens.ids[-1]) in model.renderer.ends
    assert not tokens.logprobs.any() and len(model.tokens(messages, "")) == opened
    roles = model.renderer.tokenizer.convert_tokens_to_ids(["<user>"])
    assert not set(roles) & set(tokens.ids[opened:].tolist()), "what it spells is text"


def test_scratch_weights_learn_and_are_gone(model, tmp_path):
    run = live_run(PLAIN, tmp_path / "run", model=model)
    tokens = run.tokens((Message("user", "1+1="),), "22222")
    example = Example(payloads=(tokens,), streams={"weight": tokens.sampled.astype(np.float32)})

    async def adapted():
        async with run.scratch() as name:
            for _ in range(20):
                await run.learn([example], [LEARN])
            [[attempt]] = await model.sample([request("k", weights=name, temperature=0.0, max_tokens=6)])
            return attempt.text

    start, digest = said(model), model.digest("policy")
    first, second = asyncio.run(adapted()), asyncio.run(adapted())
    run.folder.journal.close()
    assert first == second and first.startswith("22222"), "each begins anew"
    assert said(model) == start != first and model.digest("policy") == digest
    assert "scratch" not in model.trainer.weights.copies and said(model, "scratch") == start
    assert run.ledger.summary()["tokens"]["trained"] == 2 * 20 * len(tokens)


def test_what_every_model_has_is_not_dropped(model):
    for name in ("policy", "start"):
        with pytest.raises(BadInput, match="never dropped"):
            model.drop(name)


def test_nothing_is_learned_beyond_the_budget(opened):
    run = opened(PLAIN, budget=10)
    tokens = run.tokens((Message("user", "1+1="),), "2" * 20)
    example = Example(payloads=(tokens,), streams={"weight": np.ones(len(tokens), np.float32)})
    assert asyncio.run(run.learn([example], [LEARN])) is None and run.ledger.reserved == 0
