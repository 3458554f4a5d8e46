"""Decoders: both samplers draw from the logits a decoder makes, and engines that cannot say so."""

import asyncio
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from local_models import make_folder, request

from selftaught.explore import Guided, MinP
from selftaught.models.language.local import open_local
from selftaught.models.scripted import ScriptedModel
from selftaught.parts import BadInput
from selftaught.types import Message


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = make_folder(tmp_path_factory.mktemp("llama"), "llama")
    return {fast: open_local(folder, device="cpu", fast=fast) for fast in (True, False)}


def sample(model, *requests):
    return asyncio.run(model.sample(requests))


def rows(model, ids):
    """f[T,V]: log-probabilities of what follows each token, by the module itself."""
    with torch.no_grad():
        return model.trainer.module(torch.tensor([[int(i) for i in ids]]), use_cache=False).logits[0].float().log_softmax(-1)


def test_min_p_by_hand():
    given = torch.tensor([[0.0, math.log(0.5), math.log(0.1), math.log(0.05)]])
    assert MinP(share=0.2).logits(given, given).isinf().tolist() == [[False, False, True, True]]
    assert MinP(share=1.0).logits(given, given).isfinite().sum() == 1
    assert torch.equal(MinP(share=0.04).logits(given, given), given)


def test_guidance_by_hand():
    here, there = torch.tensor([[1.0, 3.0]]), torch.tensor([[2.0, 1.0]])
    assert Guided(weight=2.0).logits(here, there).tolist() == [[0.0, 5.0]]
    assert torch.equal(Guided(weight=1.0).logits(here, there), here) and torch.equal(Guided(weight=0.0).logits(here, there), there)
    turns = (Message("user", "a"), Message("assistant", "b"), Message("user", "c"))
    assert Guided(instead="x").beside(turns) == (*turns[:2], Message("user", "x"))


def wave(decoder, other=None):
    return [
        request("a", "1+1=", n=5, max_tokens=20, decoder=decoder),
        request("b", "12*34=", n=3, max_tokens=12, temperature=0.7, top_p=0.9, decoder=other),
        request("c", "7-7+7=", n=2, max_tokens=9, temperature=0.0, decoder=decoder),
        request("d", "x", n=3, max_tokens=15),
    ]


@pytest.mark.parametrize("decoder", [MinP(share=0.3), Guided(weight=2.0, instead="9*9=")], ids=["min-p", "guided"])
def test_both_samplers_draw_the_same_and_others_are_left_alone(models, decoder):
    fast, slow = (sample(models[kind], *wave(decoder, Guided(weight=1.5))) for kind in (True, False))
    plain = sample(models[True], *wave(None))
    for mine, twins in zip(fast, slow, strict=True):
        for a, b in zip(mine, twins, strict=True):
            assert (a.id, a.text, a.stop) == (b.id, b.text, b.stop)
            np.testing.assert_allclose(a.payload.logprobs, b.payload.logprobs, atol=1e-4)
    assert [a.text for a in fast[3]] == [a.text for a in plain[3]]
    assert [a.text for a in fast[0]] != [a.text for a in plain[0]]
    for group in fast:
        for a in group:
            own_T_V, at = rows(models[False], a.payload.ids), np.flatnonzero(a.payload.sampled)
            found = own_T_V[at - 1, a.payload.ids[at].astype(np.int64)].numpy()
            np.testing.assert_allclose(a.payload.logprobs[at], found, atol=1e-4, err_msg="of the weights, not of the decoder")


def test_min_p_keeps_to_its_tokens(models):
    (attempts,) = sample(models[True], request("k", n=24, max_tokens=12, decoder=MinP(share=0.3)))
    for a in attempts:
        logp_T_V = rows(models[False], a.payload.ids)
        for t in np.flatnonzero(a.payload.sampled):
            assert logp_T_V[t - 1, int(a.payload.ids[t])] >= logp_T_V[t - 1].max() + math.log(0.3) - 1e-4


def test_a_guided_greedy_reply_is_the_best_at_every_step(models):
    decoder, slow = Guided(weight=3.0, instead="9*9="), models[False]
    ((a,),) = sample(models[True], request("k", temperature=0.0, max_tokens=8, decoder=decoder))
    there = slow.renderer.context(decoder.beside(a.messages))
    said, start = a.payload.ids[a.payload.opened :], a.payload.opened
    for t in range(len(said)):
        here_V, there_V = (rows(slow, [*before, *said[:t]])[-1] for before in (a.payload.ids[:start], there))
        assert int(said[t]) == int(decoder.logits(here_V, there_V).argmax())


def test_a_captured_step_draws_the_same(models, monkeypatch):
    wanted = sample(models[True], *wave(Guided()))
    monkeypatch.setattr(models[True].sampler.decoder, "capture", lambda: lambda body: body)
    found = sample(models[True], *wave(Guided()))
    assert [[a.text for a in group] for group in found] == [[a.text for a in group] for group in wanted]


def test_noise_is_the_draws_own_whatever_stands_beside(models):
    alone = sample(models[True], request("a", "1+1=", n=5, max_tokens=20, decoder=MinP()))
    models[True].sampler.max_rows = 4
    many = sample(models[True], *wave(MinP(), Guided()))
    models[True].sampler.max_rows = 256
    assert [a.text for a in many[0]] == [a.text for a in alone[0]]


def test_what_cannot_be_decoded_is_one_line(models):
    ((first,),) = sample(models[True], request("k", max_tokens=4))
    with pytest.raises(BadInput, match="'guided' compares two questions, and next continues an attempt"):
        sample(models[True], request("next", after=first, decoder=Guided()))
    assert sample(models[True], replace(request("next", after=first, messages=(), max_tokens=3), decoder=MinP()))[0][0].fork
    with pytest.raises(BadInput, match="scripted model has no logits for decoder 'min-p'"):
        sample(ScriptedModel(), request("k", decoder=MinP()))
