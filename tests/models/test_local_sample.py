import asyncio
import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from local_models import ARCHITECTURES, make_folder, make_tokenizer, request

from selftaught.format import Format
from selftaught.models.language.draws import Draw, batches, choose, uniforms
from selftaught.models.language.local import open_local
from selftaught.models.language.render import Renderer
from selftaught.parts import BadInput
from selftaught.types import Message, SamplerSettings, ScoreRequest


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {name: make_folder(tmp_path_factory.mktemp(name), name, chat=name != "gpt2") for name in ARCHITECTURES}


@pytest.fixture(scope="module")
def models(folders):
    return {name: open_local(folder, device="cpu") for name, folder in folders.items()}


def sample(model, *requests):
    return asyncio.run(model.sample(requests))


def reference(model, ids):
    """Log-probabilities f32[T, V] by transformers' own forward of one unpadded sequence."""
    with torch.no_grad():
        return model.trainer.module(torch.tensor([[int(i) for i in ids]]), use_cache=False).logits[0].float().log_softmax(-1)


def expected(model, ids):
    logp_T_V = reference(model, ids)
    return np.concatenate([[0.0], logp_T_V[:-1].gather(-1, torch.tensor(ids[1:].astype(np.int64))[:, None])[:, 0].numpy()])


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_sampled_and_scored_logprobs_are_those_of_a_separate_forward(models, name):
    model = models[name]
    assert model.trainer.forward.packed and (model.sampler.decoder is not None) == (name in ("llama", "qwen3"))
    wave = [
        request("a", "1+1=", n=5, max_tokens=20),
        request("b", "a longer question, 12*34", n=4, max_tokens=30, temperature=0.7),
        request("c", "x", n=3, max_tokens=5, top_p=0.8),
        request("d", "x", n=1, max_tokens=9, temperature=0.0),
    ]
    replies = sample(model, *wave)
    assert [len(attempts) for attempts in replies] == [5, 4, 3, 1]
    attempts = [attempt for group in replies for attempt in group]
    scores = asyncio.run(
        model.score([ScoreRequest(key=a.id, payload=a.payload, outputs=("logprobs", "entropy", "hidden")) for a in attempts])
    )
    for attempt, score in zip(attempts, scores, strict=True):
        tokens, logp_T = attempt.payload, expected(model, attempt.payload.ids)
        np.testing.assert_allclose(tokens.logprobs[tokens.sampled], logp_T[tokens.sampled], atol=1e-4)
        np.testing.assert_allclose(score["logprobs"], logp_T, atol=1e-4)
        logp_T_V = reference(model, tokens.ids)
        entropy_T = -(logp_T_V.exp() * logp_T_V).sum(-1)[:-1].numpy()
        np.testing.assert_allclose(score["entropy"][1:], entropy_T, atol=1e-4)
        assert score["entropy"][0] == score["logprobs"][0] == 0.0
        assert score["hidden"].shape == (len(tokens), 32) and score["logprobs"].dtype == np.float32
        assert not tokens.logprobs[~tokens.sampled].any()
    late = asyncio.run(model.score([ScoreRequest(key=a.id, payload=a.payload, start=a.payload.opened) for a in attempts]))
    for attempt, whole, rest in zip(attempts, scores, late, strict=True):
        assert not rest["logprobs"][: attempt.payload.opened].any()
        np.testing.assert_allclose(rest["logprobs"][attempt.payload.opened :], whole["logprobs"][attempt.payload.opened :], atol=1e-5)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_greedy_sampling_is_that_of_generate(models, name):
    model = models[name]
    wave = [request(f"g{i}", prompt, temperature=0.0, max_tokens=16) for i, prompt in enumerate(("1+1=", "what is 3*7?", "q"))]
    for asked, (attempt,) in zip(wave, sample(model, *wave), strict=True):
        start = model.count(asked.messages)
        ids_B_T = torch.tensor(attempt.payload.ids[None, :start].astype(np.int64))
        given = model.trainer.module.generate(ids_B_T, attention_mask=torch.ones_like(ids_B_T), do_sample=False, max_new_tokens=16)
        assert attempt.payload.ids.tolist() == given[0].tolist()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_samples_do_not_depend_on_the_company_they_are_in(models, name):
    model = models[name]
    mine = request("mine", "5+5=", n=4, max_tokens=24)
    others = [request(f"o{i}", "z" * (3 * i + 1), n=3, max_tokens=8 + i) for i in range(4)]
    (alone,) = sample(model, mine)
    for rows in (256, 3):
        model.sampler.max_rows = rows
        among = sample(model, *others, mine)[-1]
        assert [a.payload.ids.tolist() for a in among] == [a.payload.ids.tolist() for a in alone]
        np.testing.assert_allclose([a.logprob for a in among], [a.logprob for a in alone], atol=1e-3)
    model.sampler.max_rows = 256
    assert len({a.text for a in alone}) > 1
    (renamed,) = sample(model, replace(mine, key="other", noise="mine"))
    assert [a.text for a in renamed] == [a.text for a in alone] and renamed[0].id == "other/0"


@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_turns_are_appended_and_trees_go_on_after_tokens(models, name):
    model = models[name]
    ((first,),) = sample(model, request("first", n=1, max_tokens=6))
    more = (Message("user", "check that"),)
    step, cut, turn = sample(
        model,
        request("step", after=first, messages=(), n=2, max_tokens=4),
        request("cut", after=first, messages=(), cut=len(first.payload) - 3, max_tokens=4),
        request("turn", after=first, messages=more, max_tokens=4),
    )
    kept = len(first.payload)
    assert step[0].fork == kept and step[0].payload.ids[:kept].tolist() == first.payload.ids.tolist()
    assert step[0].payload.logprobs[:kept].tolist() == first.payload.logprobs.tolist() and step[0].parents == (first.id,)
    assert cut[0].fork == kept - 3 and len(cut[0].payload) <= kept + 1
    ids = turn[0].payload.ids.tolist()
    assert ids[:kept] == first.payload.ids.tolist() and not turn[0].payload.sampled[kept : model.count(more, first)].any()
    between = model.renderer.tokenizer.decode(ids[kept : model.count(more, first)])
    assert between == ("<end><user>check that<end><assistant>" if name == "llama" else "\nQuestion: check that\nAnswer:")
    assert turn[0].messages == (*first.messages, Message("assistant", first.text), *more)
    for asked, attempt in (((more, first, None), turn[0]), (((), first, None), step[0]), (((), first, kept - 3), cut[0])):
        assert model.count(*asked) == len(attempt.payload) - (attempt.sampled_count - int(first.payload.sampled[: attempt.fork].sum()))


def test_an_end_of_turn_is_not_doubled():
    renderer = Renderer(make_tokenizer(chat=True), Format())
    end = renderer.tokenizer.convert_tokens_to_ids("<end>")
    assert renderer.ends == {end}
    model_free = type("A", (), {"payload": type("P", (), {"ids": np.array([9, 9, end], np.int32)})})
    ids = renderer.context((Message("user", "x"),), model_free)
    assert ids.count(end) == 2 and ids[:3] == (9, 9, end)


def test_formats_choose_the_template(folders):
    with pytest.raises(BadInput, match="no chat template"):
        open_local(folders["gpt2"], Format(template="chat"), device="cpu")
    plain = open_local(folders["llama"], Format(template="plain"), device="cpu")
    conversation = (Message("user", "a"), Message("assistant", "b"), Message("user", "c"))
    text = plain.renderer.tokenizer.decode(plain.renderer.context(conversation))
    assert text == "Question: a\nAnswer: b\nQuestion: c\nAnswer:"


def test_stop_strings_and_limits_end_attempts(models):
    model = models["llama"]
    ((stopped, *_),) = sample(model, request("s", n=8, max_tokens=60, stop=("e", "1", "=", "q")))
    assert stopped.stop == "end" and stopped.text[-1] in "e1=q" or stopped.payload.ids[-1] == 1
    assert not set(stopped.text[:-1]) & set("e1=q")
    ((short,),) = sample(model, request("l", max_tokens=1, temperature=0.0))
    assert short.stop == "length" and short.sampled_count == 1 and len(short.payload) == model.count(short.messages) + 1


def test_a_context_that_does_not_fit_is_an_attempt_with_an_error(models):
    for name in ("llama", "gpt2"):
        model = models[name]
        long, good, edge = sample(
            model, request("long", "9" * 200, n=2), request("good", max_tokens=3), request("edge", "9" * 60, n=6, max_tokens=999)
        )
        assert [a.stop for a in long] == ["error", "error"] and "no room" in long[0].error and long[0].text == ""
        assert len(long[0].payload) == model.count(long[0].messages) and not long[0].payload.sampled.any()
        assert good[0].stop != "error" and all(len(a.payload) <= 128 for a in edge)


def test_requests_carry_over_to_attempts(models):
    ((attempt,),) = sample(models["qwen3"], request("r", role="judge", view=2, weights="start", max_tokens=3))
    assert (attempt.id, attempt.role, attempt.view, attempt.sampler, attempt.generation) == ("r/0", "judge", 2, "start", 0)
    assert attempt.settings == SamplerSettings(max_tokens=3) and attempt.parents == () and attempt.fork is None


def test_choose_follows_the_inverse_cdf():
    logits_R_V = torch.tensor([[0.1, 0.2, 0.7], [0.1, 0.2, 0.7], [0.1, 0.2, 0.7], [0.5, 0.3, 0.2], [0.6, 0.0, 0.4]]).log()
    uniform_R = torch.tensor([0.05, 0.29, 0.999999999, 0.9, 1 - 2**-53], dtype=torch.float64)
    one_R_1 = torch.ones(5, 1)
    assert choose(logits_R_V, uniform_R, one_R_1, None).tolist() == [0, 1, 2, 2, 2]
    assert choose(logits_R_V, uniform_R, one_R_1, torch.full((5, 1), 0.65)).tolist() == [2, 2, 2, 1, 2]
    assert choose(logits_R_V, uniform_R, torch.zeros(5, 1), None).tolist() == [2, 2, 2, 0, 0]
    assert choose(logits_R_V, uniform_R, None, None).tolist() == choose(logits_R_V, uniform_R, one_R_1, None, cold=False).tolist()
    assert choose(torch.full((1, 3), torch.nan), uniform_R[:1], one_R_1[:1], None).item() in range(3)
    draws_N = choose(logits_R_V[:1].expand(20000, 3), torch.rand(20000, dtype=torch.float64), torch.full((20000, 1), 2.0), None)
    wanted_V = logits_R_V[0].div(2).softmax(-1)
    assert (draws_N.bincount(minlength=3) / 20000 - wanted_V).abs().max() < 0.02


def test_each_context_is_prefilled_once_and_finished_rows_are_dropped(folders, monkeypatch):
    model, seen = open_local(folders["llama"], device="cpu", fast=False), []
    forward = model.trainer.module.forward
    monkeypatch.setattr(
        model.trainer.module, "forward", lambda **inputs: seen.append(tuple(inputs["input_ids"].shape)) or forward(**inputs)
    )
    (replies, more) = sample(model, request("p", n=40, max_tokens=40), request("q", n=8, prompt="2*2=?", max_tokens=40))
    assert [shape for shape in seen if shape[1] > 1] == [(2, model.count(more[0].messages))]
    assert len(seen) <= 40 and seen[1][0] == 48 > seen[-1][0] and {a.stop for a in replies} == {"end", "length"}
    assert sum(rows for rows, width in seen if width == 1) < 48 * 39


def test_noise_belongs_to_key_and_position():
    first, other = uniforms(["k/0", "k/1"], 9).tolist()
    assert uniforms(["k/0"], 3).tolist() == [first[:3]] != [other[:3]]
    for key, found in zip(("k/0", "k/1", ""), uniforms(["k/0", "k/1", ""], 37), strict=True):
        seed = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=16).digest(), "little")
        assert np.random.Generator(np.random.Philox(key=seed)).random(37).tolist() == found.tolist()


def test_batches_keep_equal_contexts_together_and_every_draw_once():
    contexts = [(1,) * n for n in (3, 9, 3, 200, 9, 3)]
    draws = [Draw(context=c, settings=SamplerSettings(), limit=1, noise="", over_V=np.zeros(1, bool)) for c in contexts]
    found = list(batches(draws, 4))
    assert sorted(i for batch in found for i in batch) == list(range(6)) and all(len(b) <= 4 for b in found)
    assert found[0][:3] == [0, 2, 5]
