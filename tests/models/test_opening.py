"""Folders nobody here made: exactly the weights and the tokenizer their files name, or one line."""

import asyncio
import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from local_models import make_folder, make_tokenizer, request
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, BertConfig, BertLMHeadModel, GPTNeoXConfig, MistralConfig, OPTConfig, Qwen2Config

from selftaught.models.language.local import open_local
from selftaught.models.loading import opening, places
from selftaught.parts import BadInput
from selftaught.types import Attempt, Tokens

SIZES = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, vocab_size=102, max_position_embeddings=64)
ENDS = dict(bos_token_id=None, eos_token_id=1, pad_token_id=0)


@pytest.fixture
def folder(tmp_path):
    return make_folder(tmp_path / "model", "llama")


def refused(where, *words):
    with pytest.raises(BadInput) as caught:
        open_local(where, device="cpu")
    said = str(caught.value)
    assert "\n" not in said and all(word in said for word in words), said
    return said


def change(folder, function):
    state = load_file(folder / "model.safetensors")
    save_file({k: v.contiguous() for k, v in function(state).items()}, folder / "model.safetensors", {"format": "pt"})


def configure(folder, name="config.json", **values):
    path = folder / name
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


OTHERS = {
    "mistral": lambda: MistralConfig(**SIZES, **ENDS, num_key_value_heads=2, tie_word_embeddings=False),
    "qwen2": lambda: Qwen2Config(**SIZES, **ENDS, num_key_value_heads=2, tie_word_embeddings=True),
    "opt": lambda: OPTConfig(**{k: v for k, v in SIZES.items() if k != "intermediate_size"}, **ENDS, ffn_dim=64, word_embed_proj_dim=32),
    "gpt_neox": lambda: GPTNeoXConfig(**SIZES, **ENDS, tie_word_embeddings=False),
}


def test_code_that_comes_with_a_model_is_neither_run_nor_asked_about(folder, tmp_path, monkeypatch, capsys):
    code = f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Model: pass\n"
    (folder / "code.py").write_text(code)
    monkeypatch.setattr("builtins.input", lambda *words: pytest.fail("asked"))
    monkeypatch.setattr("sys.stdin", None)
    monkeypatch.setenv("TRUST_REMOTE_CODE", "1")
    maps = {"AutoConfig": "code.Model", "AutoModelForCausalLM": "code.Model", "AutoTokenizer": ["code.Model", None]}
    for name in ("tokenizer_config.json", "config.json"):
        kept = (folder / name).read_text()
        configure(folder, name, auto_map=maps, trust_remote_code=True)
        refused(folder, "code of its own", name)
        (folder / name).write_text(kept)
    assert not (tmp_path / "ran").exists() and capsys.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["llama", "gpt2", "qwen3", *OTHERS])
def test_whole_folders_open_with_the_keys_old_versions_wrote(tmp_path, name):
    if name in OTHERS:
        AutoModelForCausalLM.from_config(OTHERS[name]()).save_pretrained(tmp_path)
        make_tokenizer(True).save_pretrained(tmp_path)
    else:
        make_folder(tmp_path, name)
    plain = open_local(tmp_path, device="cpu")
    extra = {
        "llama": {"model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(4)},
        "gpt2": {"transformer.h.0.attn.bias": torch.ones(1, 1, 8, 8), "transformer.h.0.attn.masked_bias": torch.tensor(-1e4)},
        "gpt_neox": {"gpt_neox.layers.0.attention.bias": torch.ones(1, 1, 8, 8)},
    }
    change(tmp_path, lambda state: state | extra.get(name, {}))
    assert open_local(tmp_path, device="cpu").digest() == plain.digest()


def test_a_tied_head_may_be_written_out_and_an_untied_one_may_not_be_missing(tmp_path, folder):
    before = open_local(folder, device="cpu").digest()
    change(folder, lambda state: state | {"lm_head.weight": state["model.embed_tokens.weight"].clone()})
    again = open_local(folder, device="cpu")
    assert again.digest() == before and again.trainer.module.lm_head.weight is again.trainer.module.model.embed_tokens.weight
    untied = make_folder(tmp_path / "untied", "qwen3")
    configure(untied, tie_word_embeddings=False)
    change(untied, lambda state: {k: v for k, v in state.items() if k != "lm_head.weight"})
    refused(untied, "1 missing", "lm_head.weight")


@pytest.mark.parametrize("prefix", ["_orig_mod.", "module.", "base_model.model.", "_fsdp_wrapped_module."])
def test_prefixed_weights_are_named(folder, prefix):
    change(folder, lambda state: {prefix + k: v for k, v in state.items()})
    refused(folder, "prefix", prefix, "_orig_mod")


def test_a_prefix_that_transformers_takes_off_itself_changes_nothing(folder):
    before = open_local(folder, device="cpu").digest()
    change(folder, lambda state: {f"model.{k}": v for k, v in state.items()})
    assert open_local(folder, device="cpu").digest() == before


def without_a_layer(state):
    return {k: v for k, v in state.items() if ".layers.1." not in k}


@pytest.mark.parametrize(
    ("mutate", "words"),
    [
        (lambda f: configure(f, num_hidden_layers=3), ("missing", "model.layers.2.")),
        (lambda f: configure(f, num_hidden_layers=1), ("unknown", "model.layers.1.")),
        (lambda f: change(f, without_a_layer), ("9 missing", "model.layers.1.")),
        (lambda f: change(f, lambda s: s | {"score.weight": torch.ones(1, 32)}), ("1 unknown", "score.weight")),
        (lambda f: configure(f, intermediate_size=48), ("shape", "config.json")),
        (lambda f: configure(f, vocab_size=90), ("shape", "embed_tokens")),
        (lambda f: change(f, lambda s: s | {"model.norm.weight": s["model.norm.weight"] * float("nan")}), ("NaN", "model.norm.weight")),
        (lambda f: change(f, lambda s: s | {"model.norm.weight": s["model.norm.weight"] / 0}), ("infinite",)),
        (lambda f: (f / "model.safetensors").write_bytes((f / "model.safetensors").read_bytes()[:-64]), ("cannot be loaded",)),
        (lambda f: change(f, lambda s: {}), ("missing",)),
        (lambda f: (f / "model.safetensors").unlink(), ("cannot be loaded", "model.safetensors")),
        (lambda f: (f / "config.json").write_text("{"), ("config.json is no JSON",)),
        (lambda f: configure(f, eos_token_id="<end>"), ("eos_token_id", "'<end>'", "write 1")),
        (lambda f: configure(f, "generation_config.json", eos_token_id=[1, "</s>"]), ("generation_config.json", "'</s>'")),
        (lambda f: configure(f, "generation_config.json", eos_token_id=50256), ("50256", "beyond")),
        (lambda f: [x.unlink() for x in f.glob("tokenizer*")], ("tokenizer",)),
        (lambda f: configure(f, auto_map={"AutoModelForCausalLM": "code.Model"}), ("code of its own", "never run")),
        (lambda f: configure(f, "tokenizer_config.json", auto_map={"AutoTokenizer": ["code.T", None]}), ("tokenizer_config.json",)),
    ],
)
def test_what_does_not_fit_is_one_line(folder, mutate, words):
    mutate(folder)
    refused(folder, *words)


def test_an_index_that_names_absent_shards_is_one_line(folder):
    AutoModelForCausalLM.from_pretrained(folder).save_pretrained(folder, max_shard_size="20KB")
    (folder / "model.safetensors").unlink(missing_ok=True)
    shards = sorted(folder.glob("model-*.safetensors"))
    assert len(shards) > 1 and open_local(folder, device="cpu")
    shards[-1].unlink()
    refused(folder, "cannot be loaded", shards[-1].name)


def test_an_encoder_is_no_language_model(tmp_path):
    torch.manual_seed(0)
    BertLMHeadModel(BertConfig(**SIZES, **ENDS)).save_pretrained(tmp_path)
    make_tokenizer(True).save_pretrained(tmp_path)
    refused(tmp_path, "later token", "bert")


def test_tokenizers_of_other_models(folder, tmp_path):
    tokenizer = make_tokenizer(True)
    tokenizer.add_tokens(["<image_soft_token>"])
    tokenizer.save_pretrained(folder)
    model = open_local(folder, device="cpu")
    said = Tokens(ids=np.array([3, 102], np.int32), sampled=np.zeros(2, bool), logprobs=np.zeros(2, np.float32))
    seen = Attempt(id="seen", task="", payload=said)
    with pytest.raises(BadInput, match="no embedding"):
        asyncio.run(model.sample([request("k", messages=(), after=seen)]))
    tokenizer.add_tokens(["<tool>"])
    tokenizer.save_pretrained(folder)
    refused(folder, "'<tool>'", "103", "resize_token_embeddings")
    core = json.loads((folder / "tokenizer.json").read_text())
    core["model"]["vocab"] = {f"piece{i}" if len(token) == 1 else token: i for token, i in core["model"]["vocab"].items()}
    core["added_tokens"] = core["added_tokens"][:6]
    (folder / "tokenizer.json").write_text(json.dumps(core))
    refused(folder, "knows no word")


def test_without_an_end_of_text_it_says_so_and_without_a_pad_it_does_not_matter(folder):
    for name in ("config.json", "generation_config.json"):
        configure(folder, name, eos_token_id=None, pad_token_id=None)
    configure(folder, "tokenizer_config.json", eos_token=None, pad_token=None)
    (folder / "chat_template.jinja").unlink()
    with pytest.warns(UserWarning, match="length limit"):
        assert not open_local(folder, device="cpu").renderer.ends


def test_a_hub_id_without_a_network_is_one_line_at_once(tmp_path):
    code = "from selftaught.models.loading.places import find_place; find_place('nobody/nothing')"
    env = os.environ | {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "0"}
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert "BadInput: 'nobody/nothing' is no folder here and the hub cannot be reached" in done.stderr and "Retry" not in done.stderr
    assert time.monotonic() - started < 20


def test_a_kept_hub_model_opens_offline(folder, monkeypatch):
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda name, file: str(folder / file) if file == "config.json" else None)
    found = places.find_place("some/model")
    assert found.target == str(folder) and found.name == "some/model"
    assert opening.load("some/model", "cpu", "")[0].name_or_path == "some/model"
