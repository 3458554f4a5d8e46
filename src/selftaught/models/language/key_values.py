"""Key-value pairs that are trained: what stands before every context under the name of a prefix."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from transformers.cache_utils import DynamicCache

from selftaught.models.weights import Weights
from selftaught.parts import BadInput
from selftaught.shown import reason

SAVED = ".safetensors"
# Keys and values f[h,K,D] by layer, rotated as the module itself rotates them.
Pairs = Sequence[tuple[Tensor, Tensor]]


class KeyValues(torch.nn.Module):
    """Keys and values f32[L,h,K,D], the first `fixed` places of which are buffers."""

    def __init__(self, keys: Tensor, values: Tensor, fixed: int) -> None:
        super().__init__()
        self.register_buffer("first", torch.stack([keys[:, :, :fixed], values[:, :, :fixed]]).clone())
        self.keys, self.values = (torch.nn.Parameter(x[:, :, fixed:].clone()) for x in (keys, values))

    @property
    def size(self) -> int:
        """Places (K)."""
        first: Any = self.first
        return int(first.shape[3] + self.keys.shape[2])

    def pairs(self) -> Pairs:
        """By layer; gradients flow."""
        first: Any = self.first
        keys, values = (torch.cat([head, x], 2) for head, x in zip(first, (self.keys, self.values), strict=True))
        return list(zip(keys, values, strict=True))


def joined(several: Sequence[Pairs]) -> Pairs:
    """Prefixes one behind the other."""
    return [tuple(torch.cat(x, 1) for x in zip(*layer, strict=True)) for layer in zip(*several, strict=True)]  # type: ignore[misc]


def standing(weights: Weights, name: str) -> Pairs:
    """What stands before every context under a name of weights; nothing for most."""
    several = [prefix.pairs() for prefix in weights.before(name)]
    return joined(several) if len(several) > 1 else several[0] if several else ()


def expanded(pairs: Pairs, rows: int, dtype: torch.dtype | None = None) -> list[tuple[Tensor, Tensor]]:
    """The same for each row: f[rows,h,K,D] by layer."""
    return [(k.to(dtype or k.dtype).expand(rows, -1, -1, -1), v.to(dtype or v.dtype).expand(rows, -1, -1, -1)) for k, v in pairs]


def interleaved(keys: Tensor) -> Tensor:
    """Keys [..., D] that a module has rotated, with the two halves interleaved as the fast forward has them."""
    return keys.view(*keys.shape[:-1], 2, -1).transpose(-1, -2).flatten(-2)


def behind(pairs: Pairs, layer: int, k: Tensor, v: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor, Tensor | None]:
    """The fast forward's keys and values [B, h, T, D] of a layer behind those of a prefix, and the mask that lets all see it."""
    if not pairs:
        return k, v, mask
    [(first_k, first_v)] = expanded([pairs[layer]], len(k), k.dtype)
    size, before = k.shape[2], first_k.shape[2]
    seen = torch.ones(size, size, dtype=torch.bool, device=k.device).tril() if mask is None else mask
    whole = torch.cat([seen.new_ones(*seen.shape[:-1], before), seen], -1)
    return torch.cat([interleaved(first_k), k], 2), torch.cat([first_v, v], 2), whole


def filled_cache(cache: Any, module: Any, pairs: Pairs, rows: int) -> Any:
    """A module's empty cache in which key-value pairs come to stand for every row."""
    for layer, (keys, values) in enumerate(expanded(pairs, rows, next(module.parameters()).dtype)):
        cache.update(keys, values, layer)
    return cache


def read_prefix(module: Any, tokenizer: Any, declared: Any, name: str, seed: int) -> KeyValues:
    """The keys and values a module computes of the first tokens of a corpus, or of tokens drawn by the seed.

    Args:
        module: a causal language model all of whose layers look at all that came before.
        tokenizer: its own.
        declared: a `train.prefix.Prefix`.
        name: of the weights, for messages.
        seed: draws the tokens where there is no corpus.

    Raises:
        BadInput: for an architecture with other caches, a corpus that is not there, too short, or saved by another model's run.
    """
    config = module.config.get_text_config(decoder=True)
    if set(getattr(config, "layer_types", None) or ["full_attention"]) != {"full_attention"}:
        raise BadInput(f"prefix '{name}' needs layers that look at all that came before, and {config.model_type} has others: leave it out")
    if declared.corpus.endswith(SAVED):
        return saved_prefix(config, Path(declared.corpus).expanduser(), name)
    if declared.corpus or declared.text:
        text = declared.text or text_of(declared.corpus, name, 16 * declared.tokens)
        ids = tokenizer.encode(text, add_special_tokens=False)[: declared.tokens]
        if len(ids) < declared.tokens:
            what = f"corpus '{declared.corpus}'" if declared.corpus else "its text"
            raise BadInput(f"prefix '{name}': {what} has {len(ids)} tokens, fewer than {declared.tokens}: give fewer tokens")
    else:
        size = min(len(tokenizer), int(config.vocab_size))
        ids = torch.randint(size, (declared.tokens,), generator=torch.Generator().manual_seed(seed)).tolist()
    cache = DynamicCache(config=module.config)
    with torch.no_grad():
        module(input_ids=torch.tensor([ids], device=next(module.parameters()).device), past_key_values=cache, use_cache=True)
    keys, values = (torch.stack([getattr(layer, kind)[0] for layer in cache.layers]).float() for kind in ("keys", "values"))
    return KeyValues(keys, values, declared.fixed)


def saved_prefix(config: Any, file: Path, name: str) -> KeyValues:
    """A prefix as a run has saved it; raises BadInput where it is not there, or is another model's."""
    try:
        state = load_file(file)
        first, rest = state["first"], torch.stack([state["keys"], state["values"]])
    except (OSError, SafetensorError, KeyError, RuntimeError) as error:
        where = f"give RUN/generations/N/prefixes/NAME{SAVED}"
        raise BadInput(f"prefix '{name}': {file} holds no saved prefix ({reason(error)}): {where}") from None
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    if (rest.shape[1], rest.shape[2], rest.shape[4]) != (config.num_hidden_layers, heads, width):
        raise BadInput(f"prefix '{name}': {file} is of another model: give one of a run on this model")
    keys, values = torch.cat([first, rest], 3)
    return KeyValues(keys, values, first.shape[3])


def text_of(corpus: str, name: str, most: int) -> str:
    """The first characters of a file, or of the files of a folder in the order of their names."""
    place = Path(corpus).expanduser()
    files = sorted(file for file in place.rglob("*") if file.is_file()) if place.is_dir() else [place]
    text = ""
    try:
        for file in files:
            text += file.read_text(encoding="utf-8", errors="replace")
            if len(text) >= most:
                break
    except OSError:
        raise BadInput(f"prefix '{name}': there is no corpus '{corpus}': give a file or a folder of text") from None
    return text
