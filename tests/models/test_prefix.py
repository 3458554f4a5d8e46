"""A prefix: trained key-value pairs before every context, for sampler, scorer and learner alike."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest
import torch
from local_models import Adam, Weighted, example, make_folder, request
from safetensors.torch import load_file

import selftaught
from selftaught.jobs.fits import fit_model
from selftaught.models.capabilities import TABLES
from selftaught.models.language.local import open_local
from selftaught.parts import BadInput
from selftaught.recipe import get_recipe
from selftaught.stages import Objective
from selftaught.train import Prefix
from selftaught.types import ScoreRequest, Tokens

CORPUS = "the quick brown fox jumps over the lazy dog, and then 1+1=2."
K = 12


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    (home / "corpus.txt").write_text(CORPUS)
    for name in ("llama", "qwen3"):
        make_folder(home / name, name)
    return home


def opened(home, name="llama", fast=True, **prefixes):
    prefixes = prefixes or {"notes": Prefix(tokens=K, corpus=str(home / "corpus.txt"))}
    return open_local(home / name, device="cpu", fast=fast, prefixes=prefixes)


def sample(model, *requests):
    return asyncio.run(model.sample(requests))


def score(model, payload, weights, **options):
    [found] = asyncio.run(model.score([ScoreRequest(key="s", payload=payload, weights=weights, **options)]))
    return found


def ids_of(model, text=CORPUS):
    return model.renderer.tokenizer.encode(text, add_special_tokens=False)[:K]


@pytest.mark.parametrize("name", ["llama", "qwen3"])
@pytest.mark.parametrize("fast", [True, False])
def test_it_begins_as_the_tokens_of_its_corpus_before_every_context(home, name, fast):
    model = opened(home, name, fast)
    wave = [request("a", n=4, max_tokens=12, weights="notes"), request("b", "12*34", n=3, max_tokens=9, temperature=0.7, weights="notes")]
    found = sample(model, *wave)
    for attempt in sum(found, []):
        assert attempt.sampler == "notes" and not attempt.payload.sampled[: model.count(attempt.messages)].any()
        ids_T, start = np.concatenate([ids_of(model), attempt.payload.ids]), attempt.payload.opened
        with torch.no_grad():
            logp_T_V = model.trainer.module(torch.tensor(ids_T[None].astype(np.int64)), use_cache=False).logits[0].float().log_softmax(-1)
        wanted_T = logp_T_V[np.arange(K, len(ids_T)) - 1, ids_T[K:].astype(np.int64)].numpy()
        np.testing.assert_allclose(attempt.payload.logprobs[start:], wanted_T[start:], atol=2e-4)
        np.testing.assert_allclose(score(model, attempt.payload, "notes")["logprobs"][1:], wanted_T[1:], atol=2e-4)
    assert score(model, found[0][0].payload, "policy")["logprobs"][1:].tolist() != pytest.approx(wanted_T[1:].tolist())


def test_both_samplers_say_the_same_behind_it(home):
    fast, slow = (opened(home, fast=fast) for fast in (True, False))
    wave = [request("a", n=5, max_tokens=20, weights="notes"), request("b", "7*7=", n=3, max_tokens=9), request("c", n=2, weights="start")]
    for mine, twins in zip(sample(fast, *wave), sample(slow, *wave), strict=True):
        assert [a.text for a in mine] == [a.text for a in twins]
    ((first,),) = sample(fast, replace(wave[0], n=1, remember=True))
    ask = request("d", messages=(), after=first, n=3, max_tokens=6, weights="notes", remember=True)
    assert [a.text for a in sample(fast, ask)[0]] == [a.text for a in sample(slow, ask)[0]]


def test_two_stand_one_behind_the_other(home, tmp_path):
    (tmp_path / "other.txt").write_text("9876543210 " * 4)
    declared = {"notes": Prefix(tokens=K, corpus=str(home / "corpus.txt")), "facts": Prefix(tokens=5, corpus=str(tmp_path))}
    models = [opened(home, fast=fast, **declared) for fast in (True, False)]
    wave = request("a", n=6, max_tokens=10, weights="notes+facts")
    found = [sample(model, wave)[0] for model in models]
    [alone] = sample(models[0], replace(wave, weights="notes"))
    assert [a.text for a in found[0]] == [a.text for a in found[1]] != [a.text for a in alone]
    assert models[0].trainer.held("notes+facts") == K + 5
    values = [score(model, found[0][0].payload, "notes+facts")["logprobs"] for model in models]
    np.testing.assert_allclose(*values, atol=2e-4)


@pytest.mark.parametrize("fast", [True, False])
def test_it_alone_is_trained_and_micro_batches_do_not_matter(home, fast):
    rng, found = np.random.default_rng(0), []
    given = [example(rng, (18,)) for _ in range(3)] + [example(rng, (11,))]
    for tokens in (10_000, 12):
        model = opened(home, fast=fast)
        model.trainer.max_tokens = tokens
        before = {w: model.digest(w) for w in ("policy", "notes")}
        metrics = asyncio.run(model.learn(given, [Objective(loss=Weighted(), optimizer=Adam(), updates=("notes",))]))
        assert model.digest() == before["policy"] and model.digest("notes") != before["notes"]
        prefix = model.trainer.weights.prefixes["notes"]
        found.append((metrics["loss/weighted"], metrics["grad_norm"], prefix.keys.detach().numpy()))
    np.testing.assert_allclose(found[0][:2], found[1][:2], rtol=1e-4)
    np.testing.assert_allclose(found[0][2], found[1][2], atol=1e-4)
    fresh = opened(home, fast=fast).trainer.weights.prefixes["notes"]
    assert torch.equal(prefix.first, fresh.first) and prefix.first.shape[3] == 1
    assert not np.array_equal(found[0][2], fresh.keys.detach().numpy())


def test_gradients_are_those_of_the_twin(home):
    rng, grads = np.random.default_rng(1), []
    given = [example(rng, (15,)), example(rng, (9,))]
    for fast in (True, False):
        model = opened(home, fast=fast)
        asyncio.run(model.learn(given, [Objective(loss=Weighted(), optimizer=Adam(lr=1e-9, max_norm=1e9), updates=("notes",))]))
        [state] = model.trainer.learner.states.values()
        grads.append(np.concatenate([moments["exp_avg"].numpy().ravel() for moments in state.moments["notes"].values()]))
    np.testing.assert_allclose(*grads, atol=1e-5 + 1e-3 * np.abs(grads[1]).max())
    assert np.abs(grads[0]).max() > 1e-4


def test_it_is_saved_and_goes_on_where_it_stood(home, tmp_path):
    rng = np.random.default_rng(2)
    given, objective = [example(rng, (18,))], Objective(loss=Weighted(), optimizer=Adam(), updates=("notes",))
    model = opened(home)
    asyncio.run(model.learn(given, [objective]))
    asyncio.run(model.save(tmp_path))
    again = opened(home)
    asyncio.run(again.load(tmp_path))
    assert again.digest("notes") == model.digest("notes")
    for one in (model, again):
        asyncio.run(one.learn(given, [objective]))
    assert again.digest("notes") == model.digest("notes")


def test_what_a_prefix_cannot_be_is_one_line(home, tmp_path):
    for declared, words in (
        (Prefix(tokens=200, corpus=str(home / "corpus.txt")), "has 60 tokens, fewer than 200"),
        (Prefix(corpus=str(tmp_path / "none")), "there is no corpus"),
    ):
        with pytest.raises(BadInput, match=words):
            opened(home, notes=declared)
    with pytest.raises(BadInput, match="fixed=4 at least 0 and below"):
        Prefix(tokens=4, fixed=4)
    model = opened(home, notes=Prefix(tokens=K))
    with pytest.raises(BadInput, match="'notes' are a prefix, which has no average"):
        asyncio.run(model.average("notes", "ema", 0.5))
    ((attempt,),) = sample(model, request("long", "9" * (128 - K - 20), weights="notes", max_tokens=999))
    assert attempt.stop == "error" or len(attempt.payload) <= 128 - K
    with pytest.raises(BadInput, match=f"1 to {128 - K} tokens"):
        score(model, Tokens(ids=np.full(120, 9, np.int32), sampled=np.ones(120, bool), logprobs=np.zeros(120, np.float32)), "notes")
    make_folder(tmp_path / "gemma2", "gemma2")
    with pytest.raises(BadInput, match="gemma2_text|gemma2"):
        open_local(tmp_path / "gemma2", device="cpu", prefixes={"notes": Prefix(tokens=4)})


def test_a_recipe_declares_it_and_a_run_saves_it(home, tmp_path, monkeypatch):
    base = get_recipe("sft-unfiltered")
    phase = replace(base.phases[0], steps=2, every=1)
    phase = replace(phase, objectives=(replace(phase.objectives[0], updates=("notes",)),))
    recipe = replace(base, phases=(phase,), weights={"notes": Prefix(tokens=6, corpus=str(home / "corpus.txt"))}, fixed=())
    monkeypatch.setattr("selftaught.jobs.job.get_recipe", lambda name: recipe)
    assert {"weights.notes.tokens", "weights.notes.corpus"} <= recipe.options().keys()
    options = {"plan.tasks": 2, "plan.n": 2, "optimizer.lr": 1e-2, "weights.notes.tokens": 4}
    job = dict(model=str(home / "llama"), tasks=("sums:level=1",), options=options, max_tokens=6, answer="text", gate=False, anyway=True)
    selftaught.improve("ttrl", out=tmp_path / "run", forecast=False, monitors=False, **job)
    start, end = ((tmp_path / "run" / "generations" / name) for name in ("00000", "00002"))
    kept = [load_file(folder / "prefixes" / "notes.safetensors") for folder in (start, end)]
    assert kept[0]["keys"].shape == (2, 2, 3, 8) and not torch.equal(kept[0]["keys"], kept[1]["keys"])
    assert torch.equal(kept[0]["first"], kept[1]["first"])
    weights = [(folder / "policy" / "model.safetensors").read_bytes() for folder in (start, end)]
    assert weights[0] == weights[1]
    for name in ("policy", "start"):
        with pytest.raises(BadInput, match="can be called"):
            replace(base, weights={name: Prefix()})
    with pytest.raises(BadInput, match="'notes' as a prefix, which this model has not"):
        fit_model(recipe, {"": TABLES})
