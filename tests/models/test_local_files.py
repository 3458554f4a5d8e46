import asyncio
import subprocess
import sys

import numpy as np
import pytest
import torch
from local_models import ARCHITECTURES, Adam, Regressed, Weighted, example, make_folder, request
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from selftaught.models.language.local import open_local
from selftaught.parts import BadInput
from selftaught.protocols import Model
from selftaught.stages import Objective
from selftaught.types import ScoreRequest

OBJECTIVES = (
    Objective(loss=Weighted(), optimizer=Adam(minibatches=2)),
    Objective(loss=Regressed(), optimizer=Adam(lr=3e-3), updates=("value",)),
)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {name: make_folder(tmp_path_factory.mktemp(name), name) for name in ARCHITECTURES}


def everything(model):
    tensors = {f"policy/{k}": v for k, v in model.trainer.weights.state("policy").items()}
    tensors |= {f"{name}/{k}": v for name, state in model.trainer.weights.copies.items() for k, v in state.items()}
    return {
        k: v.clone()
        for k, v in (tensors | {f"{n}/{k}": v for n, head in model.trainer.heads.items() for k, v in head.state_dict().items()}).items()
    }


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


async def step(model, seed):
    rng = np.random.default_rng(seed)
    await model.learn([example(rng, (12, 7)) for _ in range(4)], OBJECTIVES)
    await model.average("policy", "ema", 0.9)
    await model.publish()


@pytest.mark.parametrize(("name", "adapter"), [*((n, "") for n in ARCHITECTURES), ("llama", "lora"), ("gpt2", "lora")])
def test_saved_loaded_and_continued_is_bit_equal_to_uninterrupted(folders, tmp_path, name, adapter):
    async def story():
        through = open_local(folders[name], device="cpu", adapter=adapter)
        for i in range(2):
            await step(through, i)
        await through.save(tmp_path / "g2")
        saved = everything(through)
        await step(through, 2)
        resumed = open_local(folders[name], device="cpu", adapter=adapter, seed=0)
        await resumed.load(tmp_path / "g2")
        assert same(saved, everything(resumed)) and resumed.generation == 2
        await step(resumed, 2)
        assert same(everything(through), everything(resumed)) and not same(saved, everything(resumed))
        await through.load(tmp_path / "g2")
        assert same(saved, everything(through)) and through.generation == 2

    asyncio.run(story())


@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_a_saved_policy_opens_with_transformers(folders, tmp_path, name):
    model = open_local(folders[name], device="cpu")
    asyncio.run(step(model, 0))
    asyncio.run(model.save(tmp_path))
    module, tokenizer = AutoModelForCausalLM.from_pretrained(tmp_path / "policy"), AutoTokenizer.from_pretrained(tmp_path / "policy")
    assert all(torch.equal(module.state_dict()[k], v) for k, v in model.trainer.module.state_dict().items())
    assert (
        tokenizer.encode("1+1") == model.renderer.tokenizer.encode("1+1")
        and tokenizer.chat_template == model.renderer.tokenizer.chat_template
    )
    wave = [request("k", n=3, max_tokens=8)]
    again, first = (asyncio.run(m.sample(wave)) for m in (open_local(tmp_path / "policy", device="cpu"), model))
    assert [a.text for a in again[0]] == [a.text for a in first[0]]


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_lora_trains_publishes_saves_and_reloads_with_peft(folders, tmp_path, name):
    model = open_local(folders[name], device="cpu", adapter="lora")
    base = {k: v.clone() for k, v in model.trainer.module.named_parameters() if not v.requires_grad}
    payload = example(np.random.default_rng(0), (14,)).payloads[0]
    asked = [ScoreRequest(key=w, payload=payload, weights=w) for w in ("policy", "start", "ema")]
    before = asyncio.run(model.score(asked))
    np.testing.assert_array_equal(before[0]["logprobs"], before[1]["logprobs"])
    for i in range(2):
        asyncio.run(step(model, i))
    policy, start, ema = (s["logprobs"] for s in asyncio.run(model.score(asked)))
    assert model.generation == 2 and all(torch.equal(v, base[k]) for k, v in model.trainer.module.named_parameters() if k in base)
    np.testing.assert_array_equal(start, before[1]["logprobs"])
    assert np.abs(policy - start).max() > 1e-3 < np.abs(ema - policy).max()
    asyncio.run(model.save(tmp_path))
    assert {"adapter_model.safetensors", "adapter_config.json"} <= {f.name for f in (tmp_path / "policy").iterdir()}
    peft = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(folders[name]), tmp_path / "policy")
    ids_B_T = torch.tensor(payload.ids[None].astype(np.int64))
    with torch.no_grad():
        logp_T_V = peft(ids_B_T).logits[0].log_softmax(-1)
    np.testing.assert_allclose(logp_T_V[:-1].gather(-1, ids_B_T[0, 1:, None])[:, 0], policy[1:], atol=1e-4)
    merged = open_local(tmp_path / "policy", device="cpu")
    np.testing.assert_allclose(asyncio.run(merged.score(asked[:1]))[0]["logprobs"], policy, atol=1e-4)
    with pytest.raises(BadInput, match="adapter"):
        asyncio.run(merged.load(tmp_path))


@pytest.mark.parametrize("adapter", ["", "lora"])
def test_a_damaged_generation_is_one_line_and_changes_nothing_it_can_help(folders, tmp_path, adapter):
    model = open_local(folders["llama"], device="cpu", adapter=adapter)
    asyncio.run(step(model, 0))
    asyncio.run(model.save(tmp_path))
    file = tmp_path / "policy" / ("adapter_model.safetensors" if adapter else "model.safetensors")
    for data in (file.read_bytes()[:-40], b"no tensors"):
        file.unlink()
        file.write_bytes(data)
        with pytest.raises(BadInput, match="another generation") as caught:
            asyncio.run(model.load(tmp_path))
        assert "\n" not in str(caught.value)


def test_opening_says_what_is_missing_in_one_line(folders, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "config.json").write_text((folders["llama"] / "config.json").read_text())
    broken = make_folder(tmp_path / "broken", "llama")
    (broken / "model.safetensors").write_bytes(b"no tensors")
    for where, words in ((tmp_path / "none", "no model folder"), (empty, "config.json"), (bare, "tokenizer"), (broken, "cannot be loaded")):
        with pytest.raises(BadInput, match=words) as caught:
            open_local(where, device="cpu")
        assert "\n" not in str(caught.value)
    with pytest.raises(BadInput, match="unknown adapter"):
        open_local(folders["llama"], device="cpu", adapter="dora")
    with pytest.raises(BadInput, match="not available"):
        open_local(folders["llama"], device="abacus")


def test_it_is_a_model_and_the_protocol_needs_no_torch(folders):
    model = open_local(folders["llama"], device="cpu", threads=1)
    assert isinstance(model, Model) and model.parameters == sum(p.numel() for p in model.trainer.module.parameters())
    script = "import sys, selftaught.protocols; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0
