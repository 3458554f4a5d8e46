"""Models, tokenizers, templates and adapters that are damaged, incomplete or something else."""

import json
import shutil

import pytest
from refusals import cases, names
from safetensors.torch import load_file, save_file

from models.local_models import make_folder

# saving an adapter warns of names that will go
pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")
ALL = ("config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")


def text(name, content):
    return lambda folder: (folder / name).write_text(content)


def bytes_of(name, change):
    return lambda folder: (folder / name).write_bytes(change((folder / name).read_bytes()))


def configure(name="config.json", **values):
    return lambda folder: (folder / name).write_text(json.dumps(json.loads((folder / name).read_text()) | values))


def without(*patterns):
    return lambda folder: [file.unlink() for pattern in patterns for file in folder.glob(pattern)]


def weights(change, name="model.safetensors"):
    def changed(folder):
        save_file({k: v.contiguous() for k, v in change(load_file(folder / name)).items()}, folder / name, {"format": "pt"})

    return changed


def renamed(state):
    return {f"other.{key}": value for key, value in state.items()}


def nan(state):
    return {key: value * float("nan") if "norm" in key else value for key, value in state.items()}


def pickled(folder):
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04cos\nsystem\n.")


def index(folder):
    (folder / "model.safetensors.index.json").write_text('{"weight_map": {"lm_head.weight": "model-00002-of-00002.safetensors"}}')
    (folder / "model.safetensors").unlink()


# What is done to a good folder, by name.
MODELS = {
    "no-config": without("config.json"), "config-alone": without(*ALL[1:]), "no-weights": without("model.safetensors"),
    "no-tokenizer": without("tokenizer*"),
    "json-config": text("config.json", "{"), "empty-config": text("config.json", ""), "list-config": text("config.json", "[]"),
    "null-config": text("config.json", "{}"), "latin-config": bytes_of("config.json", lambda b: b"\xff\xfe" + b),
    "unknown-type": configure(model_type="telepath"), "number-type": configure(model_type=3),
    "bert": configure(model_type="bert", architectures=["BertModel"]), "layers": configure(num_hidden_layers=-1),
    "no-layers": configure(num_hidden_layers=0), "huge-layers": configure(num_hidden_layers=3),
    "text-layers": configure(num_hidden_layers="two"),
    "zero-hidden": configure(hidden_size=0), "odd-heads": configure(num_attention_heads=0), "other-hidden": configure(hidden_size=48),
    "vocab": configure(vocab_size=90), "end": configure(eos_token_id="</s>"), "activation": configure(hidden_act="magic"),
    "auto-map": configure(auto_map={"AutoModelForCausalLM": "code.Model"}),
    "auto-tokenizer": configure("tokenizer_config.json", auto_map={"AutoTokenizer": ["code.T", None]}),
    "rope": configure(rope_scaling={"rope_type": "endless"}),
    "garbage": bytes_of("model.safetensors", lambda b: b"garbage" * 99), "empty-weights": bytes_of("model.safetensors", lambda b: b""),
    "long-header": bytes_of("model.safetensors", lambda b: b"\xff" * 8 + b[8:]),
    "bad-header": bytes_of("model.safetensors", lambda b: b[:8] + b"x" * 40 + b[48:]),
    "cut-weights": bytes_of("model.safetensors", lambda b: b[:-64]),
    "half-weights": bytes_of("model.safetensors", lambda b: b[: len(b) // 2]),
    "nan-weights": weights(nan), "other-keys": weights(renamed), "no-keys": weights(lambda s: {}), "shard": index, "pickle": pickled,
    "cut-tokenizer": bytes_of("tokenizer.json", lambda b: b[: len(b) // 2]), "empty-tokenizer": text("tokenizer.json", ""),
    "list-tokenizer": text("tokenizer.json", "[]"), "null-tokenizer": text("tokenizer.json", "{}"),
    "kind-tokenizer": text("tokenizer.json", '{"model": {"type": "Telepath"}}'), "json-tokenizer": text("tokenizer_config.json", "{"),
    "raising-template": text("chat_template.jinja", "{{ raise_exception('no') }}"),
    "broken-template": text("chat_template.jinja", "{% for m in messages %}"),
    "calling-template": text("chat_template.jinja", "{{ messages[99].content }}"),
    "empty-template": text("chat_template.jinja", "{{ '' }}"),
    "escaping-template": text("chat_template.jinja", "{{ ''.__class__.__mro__ }}"),
    "endless-template": text("chat_template.jinja", "{% for a in range(10**9) %}{{ a }}{% endfor %}"),
}  # fmt: skip
ADAPTERS = {
    "adapter-base": configure("adapter_config.json", base_model_name_or_path="./gone"),
    "adapter-nobody": configure("adapter_config.json", base_model_name_or_path=None),
    "adapter-number": configure("adapter_config.json", base_model_name_or_path=3),
    "adapter-itself": configure("adapter_config.json", base_model_name_or_path="./adapter-itself"),
    "adapter-kind": configure("adapter_config.json", peft_type="MAGIC"), "adapter-json": text("adapter_config.json", "{"),
    "adapter-empty": text("adapter_config.json", "{}"), "adapter-weightless": without("adapter_model.safetensors"),
    "adapter-garbage": bytes_of("adapter_model.safetensors", lambda b: b"garbage" * 99),
    "adapter-cut": bytes_of("adapter_model.safetensors", lambda b: b[:-40]),
    "adapter-keys": weights(renamed, "adapter_model.safetensors"),
    "adapter-rank": configure("adapter_config.json", r=0), "adapter-text": configure("adapter_config.json", r="two"),
    "adapter-other-rank": configure("adapter_config.json", r=5),
    "adapter-nan": weights(lambda s: {k: v * float("nan") for k, v in s.items()}, "adapter_model.safetensors"),
    "adapter-both": text("model.safetensors", "x"),
}  # fmt: skip
EVALUATE = "evaluate --tasks sums:level=2 --count 10 --max-tokens 4 --answer text --model"
TABLE = {
    EVALUATE: {f"./{name}": name for name in (*MODELS, *ADAPTERS) if name != "empty-template"} | {"./empty-template": "--template"} | {"./empty": "empty", "./file.bin": "file.bin", "./bad.gguf": "bad.gguf", "./empty.gguf": "empty.gguf", "org/absent": "org/absent", "a/b/c": "a/b/c", "'or g/x'": "or g", "absent": "absent", "./good --engine local:dtype=float9": "float9", "./good --engine local:speed=3": "speed", "./good --chat-template-kwargs '{\"messages\": 3}'": "chat_template_kwargs"},
    "gate ./good": {f"./{name} --tasks sums:level=2 --held-out-count 10 --answer text --max-tokens 4": name for name in ("adapter-base", "adapter-keys", "no-config", "empty", "adapter-garbage")},
    "improve ttrl --tasks sums:level=2 --no-gate --no-forecast --steps 1 --max-tokens 4 --answer text --model": {"./nan-weights": "nan-weights", "./no-tokenizer": "no-tokenizer", "./raising-template": "raising-template", "./adapter-base": "adapter-base", "./bert": "bert"},
    "solve 1+1 --model": {"./garbage": "garbage", "./layers": "layers", "./cut-tokenizer": "cut-tokenizer"},
}  # fmt: skip


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """The good folders that damaged ones are made of."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    place = tmp_path_factory.mktemp("models")
    make_folder(place / "good", "llama", chat=True)
    module = AutoModelForCausalLM.from_pretrained(make_folder(place / "base", "llama", chat=False))
    options = LoraConfig(r=2, target_modules=["q_proj", "v_proj"], init_lora_weights=False, task_type="CAUSAL_LM")
    get_peft_model(module, options).save_pretrained(place / "adapter")
    (place / "empty").mkdir()
    for name, data in {"file.bin": b"x", "bad.gguf": b"GGUF" + b"\xff" * 60, "empty.gguf": b""}.items():
        (place / name).write_bytes(data)
    return place


@pytest.mark.parametrize(("words", "named"), cases(TABLE))
def test_a_model_that_is_none_is_refused(refused, prepared, words, named):
    for name in (MODELS | ADAPTERS).keys() & set(words.replace("./", "").split()):
        if not (prepared / name).exists():
            shutil.copytree(prepared / ("good" if name in MODELS else "adapter"), prepared / name)
            (MODELS | ADAPTERS)[name](prepared / name)
    line = refused(words)
    assert names(line, named), line
