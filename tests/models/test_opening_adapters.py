"""PEFT folders as people have them: merged exactly, or one line before the base is read."""

import json
import os
import shutil
import warnings
from pathlib import Path

import pytest
import torch
from local_models import make_folder, make_tokenizer
from peft import IA3Config, LoraConfig, PromptTuningConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from selftaught.jobs.checkpoints import find_checkpoint
from selftaught.models.language.local import open_local
from selftaught.models.loading import opening
from selftaught.parts import BadInput

IDS = torch.arange(40, 60)[None]
CASES = Path(os.environ.get("SELFTAUGHT_CASES", Path(__file__).parents[3] / "shared" / "cases"))


@pytest.fixture
def base(tmp_path):
    return make_folder(tmp_path / "base", "qwen3")


def trained(base, where, config=None, tokenizer=False):
    """An adapter folder with random weights, and the logits PEFT itself gives with it."""
    torch.manual_seed(3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        config = config or LoraConfig(r=2, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
        model = get_peft_model(AutoModelForCausalLM.from_pretrained(base), config).eval()
        with torch.no_grad():
            for p in model.parameters():
                if p.requires_grad:
                    p.add_(0.3 * torch.randn_like(p))
        model.save_pretrained(where)
    if tokenizer:
        make_tokenizer(True).save_pretrained(where)
    with torch.no_grad():
        return model(IDS).logits


def logits(where):
    with torch.no_grad():
        return opening.load(str(where), "cpu", "")[0](IDS).logits


def configure(folder, **values):
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def rename(folder, function):
    state = load_file(folder / "adapter_model.safetensors")
    save_file({function(k): v for k, v in state.items()}, folder / "adapter_model.safetensors")


def refused(where, *words, early=True):
    for opens in (lambda: opening.load(str(where), "cpu", ""), *([lambda: find_checkpoint(str(where), "best")] if early else [])):
        with pytest.raises(BadInput) as caught:
            opens()
        assert "\n" not in str(caught.value) and all(word in str(caught.value) for word in words), caught.value


@pytest.mark.parametrize(
    "config",
    [
        None,
        LoraConfig(r=2, target_modules="all-linear", use_dora=True, task_type="CAUSAL_LM"),
        LoraConfig(r=2, target_modules=["q_proj"], modules_to_save=["lm_head", "embed_tokens"], task_type="CAUSAL_LM"),
        LoraConfig(r=2, target_modules=["embed_tokens", "lm_head"], task_type="CAUSAL_LM"),
        IA3Config(target_modules=["k_proj", "down_proj"], feedforward_modules=["down_proj"], task_type="CAUSAL_LM"),
    ],
)
def test_an_adapter_of_any_kind_says_what_peft_says(base, tmp_path, config):
    """The base does not tie its embeddings and its head, so each of them can be trained."""
    expected = trained(base, tmp_path / "adapter", config)
    torch.testing.assert_close(logits(tmp_path / "adapter"), expected, atol=2e-4, rtol=1e-4)
    assert find_checkpoint(str(tmp_path / "adapter"), "best").job.model == str(tmp_path / "adapter")


def test_the_tokenizer_beside_the_adapter_wins_and_the_base_lends_its_own(base, tmp_path):
    make_tokenizer(False).save_pretrained(base)
    (base / "chat_template.jinja").unlink()
    for own in (False, True):
        trained(base, tmp_path / f"adapter{own}", tokenizer=own)
        assert open_local(tmp_path / f"adapter{own}", device="cpu").renderer.chat is own


def test_a_config_beside_an_adapter_hides_nothing_and_whole_weights_beside_it_are_refused(base, tmp_path):
    expected = trained(base, tmp_path / "adapter")
    shutil.copy(base / "config.json", tmp_path / "adapter")
    torch.testing.assert_close(logits(tmp_path / "adapter"), expected, atol=2e-4, rtol=1e-4)
    shutil.copy(base / "model.safetensors", tmp_path / "adapter")
    refused(tmp_path / "adapter", "adapter_config.json", "model.safetensors", "one of them")


@pytest.mark.parametrize(
    ("mutate", "words"),
    [
        (lambda f: configure(f, base_model_name_or_path="/home/someone/base-7b"), ("/home/someone/base-7b", "base_model_name_or_path")),
        (lambda f: configure(f, base_model_name_or_path=None), ("does not say", "base_model_name_or_path")),
        (lambda f: configure(f, base_model_name_or_path=str(f)), ("leads back",)),
        (lambda f: configure(f, peft_type="MAGIC"), ("unknown kind MAGIC",)),
        (lambda f: rename(f, lambda k: k.replace("base_model.model.", "base_model.model.trainer.module.")), ("match nothing",)),
        (lambda f: (f / "adapter_model.safetensors").write_bytes(b"12345678"), ("damaged",)),
        (lambda f: (f / "adapter_model.safetensors").unlink(), ("no adapter_model.safetensors",)),
        (lambda f: (f / "adapter_config.json").write_text("[]"), ("no JSON object",)),
    ],
)
def test_what_cannot_work_is_refused_before_the_base_is_read(base, tmp_path, mutate, words):
    trained(base, tmp_path / "adapter")
    mutate(tmp_path / "adapter")
    (base / "model.safetensors").unlink()
    refused(tmp_path / "adapter", *words)


def test_prompts_are_no_weights(base, tmp_path):
    trained(base, tmp_path / "adapter", PromptTuningConfig(num_virtual_tokens=4, task_type="CAUSAL_LM"))
    refused(tmp_path / "adapter", "PROMPT_TUNING", "cannot be merged")


def test_an_adapter_that_fits_in_part_is_refused(base, tmp_path):
    trained(base, tmp_path / "adapter")
    rename(tmp_path / "adapter", lambda k: k.replace("layers.1.", "layers.7."))
    refused(tmp_path / "adapter", "match nothing", "layers.7.", early=False)
    configure(tmp_path / "adapter", r=3)
    refused(tmp_path / "adapter", "does not fit its base", early=False)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("part", [{"target_modules": ["embed_tokens"]}, {"target_modules": ["q_proj"], "modules_to_save": ["lm_head"]}])
def test_an_adapter_that_would_untie_its_base_is_refused(tmp_path, part):
    tied = make_folder(tmp_path / "tied", "llama")
    trained(tied, tmp_path / "adapter", LoraConfig(r=2, task_type="CAUSAL_LM", **part))
    refused(tmp_path / "adapter", "ties", early=False)


def test_an_adapter_on_an_adapter_and_one_trained_on_it(base, tmp_path):
    trained(base, tmp_path / "first", tokenizer=True)
    model = open_local(tmp_path / "first", device="cpu", adapter="lora")
    with torch.no_grad():
        for p in model.trainer.weights.parameters().values():
            p.add_(0.1)
        expected = model.trainer.module(IDS).logits
    model.trainer.weights.save(tmp_path / "second")
    said = json.loads((tmp_path / "second" / "policy" / "adapter_config.json").read_text())["base_model_name_or_path"]
    assert said == str(tmp_path / "first")
    torch.testing.assert_close(logits(tmp_path / "second" / "policy"), expected, atol=2e-4, rtol=1e-4)


@pytest.mark.skipif(not (CASES / "19-adapter-without-tokenizer-or-base").is_dir(), reason="the folder of cases is not here")
@pytest.mark.parametrize("name", ["ad_notok", "ad_both", "ad_moved"])
def test_the_logits_of_the_case(tmp_path, name):
    """The base of case 19 is the model of case 18, which has 259 embeddings, with the adapters' own tokenizer."""
    shutil.copytree(CASES / "18-token-without-embedding" / "narrow", tmp_path / "base", copy_function=shutil.copyfile)
    shutil.copytree(CASES / "19-adapter-without-tokenizer-or-base" / name, tmp_path / name, copy_function=shutil.copyfile)
    for folder in (tmp_path / "base", tmp_path / name):
        folder.chmod(0o755)
    for file in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(CASES / "19-adapter-without-tokenizer-or-base" / "ad_both" / file, tmp_path / "base" / file)
    configure(tmp_path / name, base_model_name_or_path=str(tmp_path / "base"))
    expected = torch.load(tmp_path / name / "expected.pt", weights_only=True)
    torch.testing.assert_close(logits(tmp_path / name), expected, atol=1e-4, rtol=1e-4)
