"""Small random models and tokenizers, made on the spot."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    AutoModelForCausalLM,
    Gemma2Config,
    GPT2Config,
    LlamaConfig,
    PreTrainedTokenizerFast,
    Qwen3Config,
)

from selftaught.stages import Loss
from selftaught.train import AdamW
from selftaught.types import Example, SampleRequest, SamplerSettings, Task, Tokens, content_hash

ARCHITECTURES = ("llama", "qwen3", "gpt2", "gemma2")
SPECIAL = ["<pad>", "<end>", "<user>", "<assistant>", "<system>", "<unk>"]
CHARACTERS = [chr(c) for c in range(32, 127)] + ["\n"]
TEMPLATE = (
    "{% for m in messages %}{{ '<' + m['role'] + '>' + m['content'] + '<end>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<assistant>' }}{% endif %}"
)


def make_tokenizer(chat: bool) -> PreTrainedTokenizerFast:
    vocab = {token: i for i, token in enumerate(SPECIAL + CHARACTERS)}
    core = Tokenizer(models.WordLevel(vocab, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    core.decoder = decoders.Fuse()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token="<pad>", eos_token="<end>", unk_token="<unk>", extra_special_tokens=SPECIAL[2:5]
    )
    tokenizer.chat_template = TEMPLATE if chat else None
    return tokenizer


def make_folder(where: Path, architecture: str, chat: bool = True, positions: int = 128, width: int = 32) -> Path:
    common = dict(vocab_size=len(SPECIAL) + len(CHARACTERS), bos_token_id=None, eos_token_id=1, pad_token_id=0)
    if architecture == "gpt2":
        config: Any = GPT2Config(n_embd=32, n_layer=2, n_head=4, n_positions=positions, **common)
    else:
        common |= dict(
            hidden_size=width, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=8,
            max_position_embeddings=positions,
        )  # fmt: skip
        config = {
            "llama": lambda: LlamaConfig(tie_word_embeddings=True, **common),
            "qwen3": lambda: Qwen3Config(**common),
            "gemma2": lambda: Gemma2Config(sliding_window=8, query_pre_attn_scalar=8, final_logit_softcapping=2.0, **common),
        }[architecture]()
    torch.manual_seed(7)
    module = AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for p in module.parameters():
            if p.ndim == 2:
                p.mul_(8.0)
    module.save_pretrained(where)
    make_tokenizer(chat).save_pretrained(where)
    return where


def task(prompt: str = "1+1=") -> Task:
    return Task(id=content_hash(prompt), prompt=prompt)


def request(key: str, prompt: str = "1+1=", **options: Any) -> SampleRequest:
    settings = SamplerSettings(**{k: options.pop(k) for k in ("temperature", "top_p", "max_tokens", "stop") if k in options})
    given = task(prompt)
    return SampleRequest(key=key, task=given, messages=options.pop("messages", given.messages), settings=settings, **options)


def example(rng: np.random.Generator, lengths: Sequence[int], vocabulary: int = 100) -> Example:
    """Payloads whose second half is sampled, with weights on those items."""
    payloads = []
    for n in lengths:
        sampled_T = np.arange(n) >= n // 2
        ids_T = rng.integers(6, vocabulary, n).astype(np.int32)
        payloads.append(Tokens(ids=ids_T, sampled=sampled_T, logprobs=np.zeros(n, np.float32)))
    mask = np.concatenate([p.sampled for p in payloads]).astype(np.float32)
    return Example(payloads=tuple(payloads), streams={"weight": mask * rng.normal(size=len(mask)).astype(np.float32)}, attempt="a")


def Adam(**options: Any) -> AdamW:
    """The real optimizer at a rate that moves a tiny model."""
    return AdamW(**{"lr": 1e-2, **options})


@dataclass(frozen=True, kw_only=True)
class Weighted(Loss):
    """Minus the weighted mean log-probability."""

    name: ClassVar[str] = "weighted"
    reads: ClassVar[tuple[str, ...]] = ("weight",)

    def count(self, examples: Sequence[Example]) -> float:
        return float(sum((e.streams["weight"] != 0).sum() for e in examples))

    def __call__(self, batch: Any) -> Any:
        return -(batch["logprobs"] * batch["weight"]).sum()


@dataclass(frozen=True, kw_only=True)
class Ranked(Loss):
    """Needs both payloads of an example at once: minus log sigmoid of the difference of their log-probabilities."""

    name: ClassVar[str] = "ranked"
    needs: ClassVar[tuple[str, ...]] = ("logprobs", "entropy")

    def __call__(self, batch: Any) -> Any:
        slot_N = 2 * batch["example"] + batch["payload"]
        sums_S = batch["logprobs"].new_zeros(2 * batch["examples"]).index_add(0, slot_N, batch["logprobs"] + 0.1 * batch["entropy"])
        return -torch.nn.functional.logsigmoid(0.1 * (sums_S[0::2] - sums_S[1::2])).sum()


@dataclass(frozen=True, kw_only=True)
class Regressed(Loss):
    name: ClassVar[str] = "regressed"
    needs: ClassVar[tuple[str, ...]] = ("value",)
    reads: ClassVar[tuple[str, ...]] = ("weight",)

    def __call__(self, batch: Any) -> Any:
        return ((batch["value"] - batch["weight"]) ** 2).sum()
