"""Whether what was loaded is what its files name: weights, tokenizer, and that it predicts text from what came before."""

import re
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from selftaught.parts import BadInput

PROBE = "What is 12 + 7? The quick brown fox jumps over the lazy dog."
# constants of attention masks that old versions of transformers wrote out
BUFFERS = re.compile(r"\.attn\.masked_bias$|\.attention\.masked_bias$")
# placeholders of pictures and sounds, which text models keep in their tokenizer and no text brings about
MEDIA = re.compile(r"image|img|vision|video|audio|speech", re.IGNORECASE)


def check_weights(where: str, found: Mapping[str, Iterable[Any]]) -> None:
    """Raises BadInput unless a folder held exactly the weights its config names.

    What transformers itself leaves out is not in `found`: tied heads, rotary and position buffers, keys an architecture
    ignores.

    Args:
        where: the folder, for the message.
        found: transformers' loading info.
    """
    missing, unknown = (sorted(map(str, found.get(kind, ()))) for kind in ("missing_keys", "unexpected_keys"))
    unknown = [key for key in unknown if not BUFFERS.search(key)]
    for key, held, named in sorted(found.get("mismatched_keys", ()), key=str):
        raise BadInput(f"'{where}': {key} has shape {tuple(held)} in the weights and {tuple(named)} by config.json: mend config.json")
    if errors := list(found.get("error_msgs", ())):
        raise BadInput(f"'{where}' cannot be loaded: {' '.join(str(errors[0]).split())[:200]}")
    if not missing and not unknown:
        return
    if any("lora_" in key or ".base_layer." in key for key in unknown):
        raise BadInput(f"'{where}' holds a model with its adapter not merged in: save model.merge_and_unload(), or the adapter alone")
    if prefix := prefix_of(missing, unknown):
        raise BadInput(
            f"'{where}' has the prefix '{prefix}' before the names of its weights, as a wrapped model does: "
            "save the model inside (torch.compile: model._orig_mod, DDP: model.module), or take the prefix off"
        )
    parts = [f"{len(keys)} {what} ({keys[0]} first)" for keys, what in ((missing, "missing"), (unknown, "unknown")) if keys]
    raise BadInput(f"'{where}' does not hold the weights its config.json names: {', '.join(parts)}: save it again, or mend config.json")


def prefix_of(missing: list[str], unknown: list[str]) -> str:
    """What stands before known names, "" when that is not what is wrong."""
    wanted = set(missing)
    for key in unknown:
        for at in (m.end() for m in re.finditer(r"\.", key)):
            if key[at:] in wanted:
                return key[:at]
    return ""


def check_tokenizer(where: str, tokenizer: Any, rows: int, ends: Iterable[int] = ()) -> None:
    """Raises BadInput when a tokenizer is not the one of a model with `rows` embeddings.

    Args:
        where: the folder, for the message.
        tokenizer: as loaded.
        rows: of the embeddings, one a token.
        ends: ids the configuration ends a text with.
    """
    vocabulary = tokenizer.get_vocab()
    beyond = sorted((i, token) for token, i in vocabulary.items() if i >= rows and not MEDIA.search(token))
    if beyond:
        i, token = beyond[0]
        raise BadInput(
            f"'{where}': token {token!r} is number {i} of the tokenizer, and the model has embeddings for {rows:,}: take the model's own "
            "tokenizer, or make room with model.resize_token_embeddings(len(tokenizer)) and save it again"
        )
    if over := [i for i in ends if i >= rows]:
        raise BadInput(f"'{where}': eos_token_id {over[0]} lies beyond the {rows:,} embeddings: write the tokenizer's in config.json")
    ids = tokenizer(PROBE, add_special_tokens=False)["input_ids"]
    if not ids or set(ids) == {tokenizer.unk_token_id}:
        raise BadInput(f"'{where}' has a tokenizer that knows no word of {PROBE[:14]!r}: take the model's own tokenizer")
    if 2 * len(vocabulary) < rows:
        raise BadInput(
            f"'{where}' has a tokenizer of {len(vocabulary):,} tokens and embeddings for {rows:,}: it is another model's, take its own"
        )


@torch.inference_mode()
def check_sense(where: str, module: Any) -> None:
    """Raises BadInput for a model with weights or logits that are not finite, or that looks ahead as encoders do."""
    for name, p in module.named_parameters():
        if not bool(p.sum(dtype=torch.float32).isfinite()):
            raise BadInput(f"'{where}': {name} holds NaN or infinite numbers: take an earlier checkpoint")
    logits = probe_logits(module)
    if not bool(logits.isfinite().all()):
        raise BadInput(f"'{where}' computes NaN or infinite logits: take an earlier checkpoint")
    first, second = logits[0, :-1], logits[1, :-1]
    if float((first - second).abs().max()) > rounding(module) * float(first.abs().max()):
        raise BadInput(
            f"'{where}' is no causal language model: a later token changes what it says before ({module.config.model_type}): "
            "give a model that writes text, not an encoder"
        )


def rounding(module: Any) -> float:
    """How far the same logits may be apart, as a share of the largest."""
    return 1e-4 if next(module.parameters()).dtype == torch.float32 else 3e-2


@torch.inference_mode()
def probe_logits(module: Any) -> Tensor:
    """f32[2, 8, V] of two rows that differ in their last token alone."""
    rows, device = int(module.get_input_embeddings().weight.shape[0]), next(module.parameters()).device
    ids = ((torch.arange(8) * 7919 + 3) % rows).repeat(2, 1)
    ids[1, -1] = (ids[1, -1] + 1) % rows
    return module(input_ids=ids.to(device), use_cache=False).logits.float()  # type: ignore[no-any-return]


def check_ends(ends: Iterable[int]) -> None:
    """Warns where nothing ends an attempt."""
    if not list(ends):
        warnings.warn("the model names no end of text (eos_token_id): every attempt goes on to its length limit", stacklevel=4)
