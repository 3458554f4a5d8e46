"""The vLLM engine behind the seven verbs, against a stand-in for vLLM's interface (no GPU, no vLLM)."""

import asyncio
import sys
from dataclasses import replace

import fake_vllm
import numpy as np
import pytest
import torch
from local_models import Adam, Weighted, example, make_folder, request

from selftaught.explore import MinP
from selftaught.format import Format
from selftaught.jobs.gate import gate
from selftaught.jobs.job import Job
from selftaught.jobs.models import open_model
from selftaught.models.engines import open_language_model, parse_engine
from selftaught.models.language.local import open_local
from selftaught.models.vllm import probe
from selftaught.models.vllm.engine import checkpoint, seed_of
from selftaught.models.vllm.model import open_vllm
from selftaught.models.vllm.sampler import StaleWeights, VllmSampler
from selftaught.parts import BadInput
from selftaught.stages import Objective
from selftaught.types import ScoreRequest

# tied, not tied, transposed and tied
NAMES = ("llama", "qwen3", pytest.param("gpt2", marks=pytest.mark.slow))
SOME = (pytest.param("llama", marks=pytest.mark.slow), *NAMES[1:])


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {name: make_folder(tmp_path_factory.mktemp(name), name, chat=name != "gpt2") for name in ("llama", "qwen3", "gpt2")}


@pytest.fixture
def fake(monkeypatch):
    module = fake_vllm.make_module()
    monkeypatch.setitem(sys.modules, "vllm", module)
    monkeypatch.setenv("VLLM_ENABLE_V1_MULTIPROCESSING", "1")
    yield module.LLM
    fake_vllm.LLM.opened.clear()


def sample(model, *requests):
    return asyncio.run(model.sample(requests))


def learn(model, updates=("policy",), lr=1e-2, seed=0):
    rng = np.random.default_rng(seed)
    objective = Objective(loss=Weighted(), optimizer=Adam(lr=lr), updates=updates)
    return asyncio.run(model.learn([example(rng, (20,)) for _ in range(4)], [objective]))


def publish(model):
    return asyncio.run(model.publish())


def logits(module, ids=(5, 6, 7, 40, 41)):
    with torch.no_grad():
        return module(torch.tensor([ids]), use_cache=False).logits


def held(model):
    """The module inside the engine."""
    return model.sampler.engine.llm.module


@pytest.mark.parametrize("name", SOME)
def test_attempts_have_the_shape_of_the_local_models(folders, fake, name):
    model, local = open_vllm(folders[name], device="cpu"), open_local(folders[name], device="cpu")
    wave = [
        request("a", "1+1=", n=5, max_tokens=20),
        request("b", "12*34", n=3, max_tokens=30, temperature=0.7, top_p=0.8, role="judge", view=2),
        request("c", "x", n=1, max_tokens=9, temperature=0.0),
    ]
    found, wanted = sample(model, *wave), sample(local, *wave)
    assert [[a.id for a in group] for group in found] == [[a.id for a in group] for group in wanted]
    for a, b in zip(sum(found, []), sum(wanted, []), strict=True):
        same = ("task", "messages", "role", "view", "sampler", "settings", "generation", "parents", "fork", "error")
        assert [getattr(a, key) for key in same] == [getattr(b, key) for key in same]
        assert a.payload.ids.dtype == b.payload.ids.dtype and a.payload.logprobs.dtype == b.payload.logprobs.dtype
        start = local.count(b.messages)
        assert a.payload.ids[:start].tolist() == b.payload.ids[:start].tolist() and not a.payload.sampled[:start].any()
        assert a.payload.sampled[start:].all() and 1 <= a.sampled_count <= a.settings.max_tokens
        last = int(a.payload.ids[-1])
        assert a.stop == ("end" if last in model.renderer.ends else "length")
        (score,) = asyncio.run(model.score([ScoreRequest(key="s", payload=a.payload)]))
        np.testing.assert_allclose(a.payload.logprobs[start:], score["logprobs"][start:], atol=1e-4)
    assert found[2][0].text == wanted[2][0].text and len({a.text for a in found[0]}) > 1
    assert model.sampler.opened is not None and not model.sampler.opened.beyond(probe.tolerance("float32"))
    assert fake.opened[0].options["logprobs_mode"] == "raw_logprobs" and len(fake.opened) == 1


def test_noise_belongs_to_the_noise_key_and_the_index(folders, fake):
    model = open_vllm(folders["llama"], device="cpu")
    (three,) = sample(model, request("k", n=3, max_tokens=16))
    (_, five) = sample(model, request("other", "z", n=2, max_tokens=9), request("k", n=5, max_tokens=16))
    assert [a.text for a in five[:3]] == [a.text for a in three]
    (renamed,) = sample(model, replace(request("new", n=3, max_tokens=16), noise="k"))
    assert [a.text for a in renamed] == [a.text for a in three] and renamed[0].id == "new/0"
    seeds = [seed_of(f"k/{i}") for i in range(1000)]
    assert len(set(seeds)) == 1000 and min(seeds) >= 0 and 2**61 < max(seeds) < 2**63


def test_stops_lengths_and_errors(folders, fake):
    model = open_vllm(folders["llama"], device="cpu")
    ((*stopped,),) = sample(model, request("s", n=8, max_tokens=60, stop=("e", "1", "=", "q")))
    assert {a.stop for a in stopped} >= {"end"} and {a.text[-1:] for a in stopped} & set("e1=q")
    for a in stopped:
        assert (a.text[-1:] in set("e1=q") or a.payload.ids[-1] == 1) == (a.stop == "end") and not set(a.text[:-1]) & set("e1=q")
    ((short,),) = sample(model, request("l", max_tokens=1, temperature=0.0))
    assert short.stop == "length" and short.sampled_count == 1
    long, edge = sample(model, request("long", "9" * 200, n=2), request("edge", "9" * 60, n=6, max_tokens=999))
    assert [a.stop for a in long] == ["error", "error"] and "no room" in long[0].error
    assert all(len(a.payload) <= 128 and a.stop != "error" for a in edge)
    fake_vllm.LLM.abort = 1
    ((lost, fine),) = sample(model, request("f", n=2, max_tokens=4))
    assert lost.stop == "error" and lost.error == "vLLM ended the request with 'abort'" and not lost.sampled_count
    assert fine.stop != "error"


def test_an_engine_with_less_room_sets_the_limit(folders, fake):
    fake.longest = 64
    model = open_vllm(folders["llama"], device="cpu")
    assert model.limit == 64
    ((attempt, *_),) = sample(model, request("k", "9" * 20, n=4, max_tokens=999))
    assert len(attempt.payload) <= 64
    fake.longest = 8
    with pytest.raises(BadInput, match="too few for a question"):
        sample(open_vllm(folders["llama"], device="cpu"), request("k"))


def test_a_decoder_is_refused(folders, fake):
    with pytest.raises(BadInput, match="vLLM does not draw from the logits of decoder 'min-p'"):
        sample(open_vllm(folders["llama"], device="cpu"), request("k", decoder=MinP()))


def test_turns_and_tree_steps_go_on_after_an_attempts_tokens(folders, fake):
    model = open_vllm(folders["llama"], device="cpu")
    ((first,),) = sample(model, request("first", max_tokens=6))
    (step,) = sample(model, request("step", after=first, messages=(), n=2, max_tokens=4))
    kept = len(first.payload)
    assert step[0].fork == kept and step[0].payload.ids[:kept].tolist() == first.payload.ids.tolist()
    assert step[0].payload.logprobs[:kept].tolist() == first.payload.logprobs.tolist()


@pytest.mark.parametrize("adapter", [pytest.param("", marks=pytest.mark.slow), "lora"])
@pytest.mark.parametrize("name", SOME)
def test_what_was_learned_reaches_the_running_engine(folders, fake, name, adapter):
    model = open_vllm(folders[name], device="cpu", adapter=adapter)
    engine, base = held(model), {key: value.clone() for key, value in model.trainer.module.state_dict().items() if "lora_" not in key}
    torch.testing.assert_close(logits(engine), logits(model.trainer.module), atol=1e-4, rtol=1e-4)
    sample(model, request("k", n=4, max_tokens=12))
    first = logits(engine)
    metrics = learn(model)
    assert metrics["engine_gap"] < 1e-4 and torch.equal(logits(engine), first)
    assert publish(model) == 1 == model.generation
    assert not torch.allclose(logits(engine), first, atol=1e-3)
    torch.testing.assert_close(logits(engine), logits(model.trainer.module), atol=1e-4, rtol=1e-4)
    assert model.sampler.gap.mean < 1e-4 and model.sampler.opened is not None
    assert len(fake.opened) == 1 and held(model) is engine and fake.opened[0].pushes == 2
    if adapter:
        after = model.trainer.module.state_dict()
        assert all(torch.equal(value, after[key]) for key, value in base.items())
    ((attempt,),) = sample(model, request("k2", max_tokens=12))
    (score,) = asyncio.run(model.score([ScoreRequest(key="s", payload=attempt.payload)]))
    np.testing.assert_allclose(attempt.payload.logprobs, np.where(attempt.payload.sampled, score["logprobs"], 0), atol=1e-4)
    assert attempt.generation == 1


def test_nothing_is_pushed_when_nothing_was_learned(folders, fake):
    model = open_vllm(folders["llama"], device="cpu")
    assert [publish(model), publish(model)] == [1, 2] and fake.opened[0].pushes == 1


@pytest.mark.parametrize("rate", [pytest.param(1e-2, marks=pytest.mark.slow), 1e-4])
def test_weights_that_do_not_arrive_are_noticed(folders, fake, rate):
    model = open_vllm(folders["llama"], device="cpu")
    sample(model, request("k", n=8, max_tokens=16))
    fake.lose = ("",)
    learn(model, lr=rate)
    with pytest.raises(StaleWeights, match="does not hold the weights"):
        publish(model)
    assert model.generation == 0


def test_weights_that_arrive_in_part_are_noticed(folders, fake):
    model = open_vllm(folders["qwen3"], device="cpu")
    sample(model, request("k", n=8, max_tokens=16))
    fake.lose = ("layers.1.",)
    learn(model)
    with pytest.raises(StaleWeights):
        publish(model)


def test_prefixes_of_old_weights_are_noticed(folders, fake):
    model = open_vllm(folders["llama"], device="cpu")
    sample(model, request("k", n=8, max_tokens=16))
    fake.keep = True
    learn(model)
    with pytest.raises(StaleWeights):
        publish(model)


def test_a_model_that_vllm_computes_differently_is_refused(folders, fake):
    fake.lose = ("norm", "down_proj")
    model = open_vllm(folders["llama"], device="cpu")
    with pytest.raises(BadInput, match="does not compute this model"):
        sample(model, request("k"))


def test_larger_rounding_than_expected_is_said(folders, fake, monkeypatch):
    monkeypatch.setitem(probe.TOLERANCE, "float32", (1e-2, 1e-9))
    model = open_vllm(folders["llama"], device="cpu")
    with pytest.warns(UserWarning, match="more than mean 0.01, max 1e-09 nats a token expected of float32"):
        sample(model, request("k", max_tokens=2))


def test_other_named_weights_are_sampled_here(folders, fake):
    model, local = open_vllm(folders["llama"], device="cpu"), open_local(folders["llama"], device="cpu")
    ask = request("k", n=3, max_tokens=10, weights="start")
    engine = sample(model, ask)
    assert model.digest("start").endswith("-vllm-float32") and model.digest("start") == model.digest()
    learn(model)
    publish(model)
    after, wanted = sample(model, ask), sample(local, ask)
    assert [a.text for a in after[0]] == [a.text for a in wanted[0]] and model.digest("start") == local.digest("start")
    assert [a.text for a in engine[0]] != [a.text for a in wanted[0]] and fake.opened[0].pushes == 2
    asyncio.run(model.average("policy", "ema", 0.5))
    assert fake.opened[0].pushes == 2
    learn(model, seed=1)
    publish(model)
    assert sample(model, replace(ask, weights="ema"))[0][0].sampler == "ema" and model.digest("ema") != model.digest()


def test_an_average_into_the_policy_is_pushed(folders, fake):
    model = open_vllm(folders["llama"], device="cpu")
    learn(model)
    asyncio.run(model.average("start", "policy", 0.5))
    torch.testing.assert_close(logits(held(model)), logits(model.trainer.module), atol=1e-4, rtol=1e-4)
    publish(model)
    assert fake.opened[0].pushes == 2


@pytest.mark.parametrize("adapter", [pytest.param("", marks=pytest.mark.slow), "lora"])
def test_save_load_and_digest_are_the_local_models(folders, fake, tmp_path, adapter):
    model = open_vllm(folders["llama"], device="cpu", adapter=adapter)
    learn(model)
    publish(model)
    asyncio.run(model.save(tmp_path))
    kept, rows, (said,) = model.digest(), logits(held(model)), sample(model, request("k", n=3, max_tokens=10))
    learn(model, seed=1)
    publish(model)
    assert model.digest() != kept
    asyncio.run(model.load(tmp_path))
    assert model.digest() == kept and model.generation == 1 and torch.equal(logits(held(model)), rows)
    other = open_vllm(folders["llama"], device="cpu", adapter=adapter)
    asyncio.run(other.load(tmp_path))
    local = open_local(folders["llama"], device="cpu", adapter=adapter)
    asyncio.run(local.load(tmp_path))
    assert other.digest() == kept == local.digest() + "-vllm-float32"
    (again,) = sample(other, request("k", n=3, max_tokens=10))
    assert [a.text for a in again] == [a.text for a in said]


def test_a_merged_adapter_is_the_sum(folders, fake):
    model = open_local(folders["gpt2"], device="cpu", adapter="lora")
    learn(model)
    named = dict(checkpoint(model.trainer.module, True))
    merged = model.trainer.module.merge_and_unload()
    wanted = dict(merged.named_parameters())
    assert set(wanted) <= set(named)
    for name, tensor in wanted.items():
        torch.testing.assert_close(named[name], tensor.detach(), atol=1e-6, rtol=1e-5)


def test_missing_vllm_is_one_line_with_the_remedy(folders, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(BadInput, match="pip install vllm") as caught:
        open_language_model("vllm", "no-such-folder", Format(), 0, "")
    assert "\n" not in str(caught.value)


def test_engines_are_named_with_options(folders, fake):
    assert parse_engine("local") == ("local", {})
    assert parse_engine("vllm:gpu-memory-utilization=0.5,dtype=float32,enforce_eager=true") == (
        "vllm", {"gpu_memory_utilization": 0.5, "dtype": "float32", "enforce_eager": True},
    )  # fmt: skip
    for text, words in (
        ("vlm", "did you mean 'vllm'"),
        ("local:x=1", "no option .x."),
        ("vllm:x", "write x=VALUE"),
        ("", "known: local, vllm"),
    ):
        with pytest.raises(BadInput, match=words):
            Job(engine=text)
    with pytest.raises(BadInput, match="--model scripted is none"):
        Job(model="scripted", engine="vllm")
    with pytest.raises(BadInput, match="trains a network"):
        job = Job(recipe="t-jepa", engine="vllm")
        open_model(job, job.resolved())
    with pytest.raises(BadInput, match=r"unexpected argument size \(options"):
        open_language_model("vllm:size=red", folders["llama"], Format(), 0, "")
    model = open_language_model("vllm:enforce_eager=true", folders["llama"], Format(), 0, "")
    assert isinstance(model.sampler, VllmSampler) and fake.opened[-1].options["enforce_eager"] is True


@pytest.mark.slow
def test_the_gate_samples_both_sides_with_the_engine(folders, fake, tmp_path, monkeypatch):
    monkeypatch.setenv("SELFTAUGHT_CACHE", str(tmp_path))
    quick = dict(tasks=("sums:level=1",), held_out_count=4, max_tokens=4, attempts=2, engine="vllm")
    result = gate(str(folders["llama"]), str(folders["llama"]), **quick)
    assert len(fake.opened) == 2 and result["gain"] == 0.0
    with pytest.raises(BadInput, match="scripted"):
        gate("scripted", "scripted", **quick)


def test_the_probe_decides_as_soon_as_rounding_allows():
    rng = np.random.default_rng(0)
    now_K = rng.normal(-1, 1, 128).astype(np.float32)
    wrong = 0
    for change in (0.0, 1e-3, 1e-2, 3e-2, 0.1):
        seen = []
        for _ in range(200):
            noise_K, moved_K = (rng.normal(0, s, 128).astype(np.float32) for s in (1e-2, change))
            before_K = now_K - moved_K
            seen += [probe.judge(now_K + noise_K, now_K, before_K), probe.judge(before_K + noise_K, now_K, before_K)]
        wrong += seen[::2].count("stale") + seen[1::2].count("fresh")
        assert set(seen) == {"open"} if change < 5e-3 else set(seen) == {"fresh", "stale"} if change > 2e-2 else True
    assert wrong == 0
    assert probe.Gap.between(np.array([np.nan, 0.0], np.float32), np.zeros(2, np.float32)).max > 1e30
    assert [probe.spread(0, 4), probe.spread(3, 8), probe.spread(100, 3)] == [[], [0, 1, 2], [0, 50, 99]]
