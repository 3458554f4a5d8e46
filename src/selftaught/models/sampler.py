"""The sampler: contexts prefilled once, rows decoded together, finished rows dropped."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers.cache_utils import Cache, DynamicCache, DynamicLayer

from selftaught.models.forward import picked_logits
from selftaught.types import SamplerSettings

SPARE = 64
PREFILL_TOKENS = 16384


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Draw:
    """One attempt to be drawn. Attributes: context ids; limit on new tokens; noise key; over_V, ids that end it."""

    context: tuple[int, ...]
    settings: SamplerSettings
    limit: int
    noise: str
    over_V: NDArray[np.bool_]


def uniforms(key: str, count: int) -> NDArray[np.float64]:
    """The first `count` numbers in [0, 1) of the stream that belongs to a key, whatever the count."""
    digest = hashlib.blake2b(key.encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "little"))).random(count)


class RoomyLayer(DynamicLayer):  # type: ignore[no-untyped-call]
    """Keys and values with spare room, so that a decoding step writes one column instead of copying all."""

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self.room: list[Tensor] = []
        held = self.get_seq_length()
        length = held + key_states.shape[-2]
        if not self.room or self.room[0].shape[-2] < length:
            spare = length + (SPARE if held else 0)
            new = [torch.empty(*s.shape[:-2], spare, s.shape[-1], dtype=s.dtype, device=s.device) for s in (key_states, value_states)]
            for fresh, old in zip(new, self.room, strict=False):
                fresh[..., :held, :] = old[..., :held, :]
            self.room = new
        self.room[0][..., held:length, :], self.room[1][..., held:length, :] = key_states, value_states
        self.keys, self.values = (room[..., :length, :] for room in self.room)
        return self.keys, self.values

    def batch_select_indices(self, indices: Tensor) -> None:
        length = self.get_seq_length()
        self.room = [room.index_select(0, indices) for room in self.room]
        self.keys, self.values = (room[..., :length, :] for room in self.room)


def new_cache(config: Any) -> Cache:
    """An empty cache for any architecture; the roomy one where every layer is plain attention."""
    text = config.get_text_config(decoder=True)
    kinds = set(getattr(text, "layer_types", None) or ["full_attention"])
    if kinds <= {"full_attention", "sliding_attention"}:
        return Cache(layer_class_to_replicate=RoomyLayer)
    return DynamicCache(config=config)


def batches(draws: Sequence[Draw], max_rows: int) -> Iterator[list[int]]:
    """Indices of draws, equal contexts side by side, short contexts first, with little padding between them."""
    order = sorted(range(len(draws)), key=lambda i: (len(draws[i].context), draws[i].context))
    batch: list[int] = []
    distinct = 0
    for i in order:
        context = draws[i].context
        if batch:
            fresh = context != draws[batch[-1]].context
            shortest = len(draws[batch[0]].context)
            ragged = len(context) > 1.5 * shortest + 16 and 4 * len(batch) >= max_rows
            if len(batch) >= max_rows or (fresh and (ragged or (distinct + 1) * len(context) > PREFILL_TOKENS)):
                yield batch
                batch, distinct = [], 0
        distinct += not batch or context != draws[batch[-1]].context
        batch.append(i)
    if batch:
        yield batch


def choose(logits_R_V: Tensor, uniform_R: Tensor, temperature_R_1: Tensor | None, top_p_R_1: Tensor | None) -> Tensor:
    """Token ids i64[R] by inverse CDF; argmax where temperature is 0, in the nucleus where top_p is given."""
    greedy_R = logits_R_V.argmax(-1)
    if temperature_R_1 is None:
        return greedy_R
    probs_R_V = (logits_R_V / temperature_R_1.clamp(min=1e-6)).softmax(-1)
    if top_p_R_1 is not None:
        sorted_R_V, order_R_V = probs_R_V.sort(dim=-1, descending=True, stable=True)
        outside_R_V = sorted_R_V.cumsum(-1) - sorted_R_V >= top_p_R_1
        probs_R_V = probs_R_V.masked_fill(torch.zeros_like(outside_R_V).scatter(-1, order_R_V, outside_R_V), 0.0)
    cdf_R_V = probs_R_V.to(uniform_R.dtype).cumsum(-1)
    total_R = cdf_R_V[:, -1]
    # rounding must not push the target past the last token that has any mass, nor a NaN past the vocabulary
    target_R = torch.minimum(uniform_R * total_R, total_R * (1 - torch.finfo(total_R.dtype).eps))
    drawn_R = torch.searchsorted(cdf_R_V, target_R[:, None], right=True)[:, 0].clamp(max=logits_R_V.shape[-1] - 1)
    return torch.where(temperature_R_1[:, 0] > 0, drawn_R, greedy_R)


def last(hidden_B_T_H: Tensor) -> Tensor:
    """The last position of each row."""
    return hidden_B_T_H[:, -1]


@torch.inference_mode()
def decode(module: Any, draws: Sequence[Draw]) -> list[tuple[list[int], list[float], bool]]:
    """Draw all rows of a batch; equal contexts must stand side by side.

    Returns:
        Per draw: new token ids, their log-probabilities at temperature 1, and whether an ending token came.
    """
    device = next(module.parameters()).device
    contexts: list[tuple[int, ...]] = []
    owner = []
    for draw in draws:
        if not contexts or contexts[-1] != draw.context:
            contexts.append(draw.context)
        owner.append(len(contexts) - 1)
    width, steps, rows = max(map(len, contexts)), max(d.limit for d in draws), len(draws)
    ids_U_T = torch.tensor([[0] * (width - len(c)) + list(c) for c in contexts], device=device)
    lengths_U = torch.tensor([len(c) for c in contexts], device=device)
    seen_U_T = torch.arange(width, device=device) >= width - lengths_U[:, None]
    padded = not all(len(c) == width for c in contexts)
    positions_U_T = (torch.arange(width, device=device) - (width - lengths_U[:, None])).clamp(min=0)
    cache = new_cache(module.config)
    fixed = {"past_key_values": cache, "use_cache": True}
    mask = {"attention_mask": seen_U_T.long()} if padded else {}
    logits, _ = picked_logits(module, last, input_ids=ids_U_T, position_ids=positions_U_T, **fixed, **mask)
    owner_R = torch.tensor(owner, device=device)
    if len(contexts) < rows:
        cache.batch_select_indices(owner_R)
    real = torch.float32 if device.type == "mps" else torch.float64
    noise_R_S = torch.from_numpy(np.stack([uniforms(d.noise, steps) for d in draws])).to(real).to(device)
    kinds = {id(d.over_V): d.over_V for d in draws}
    over_K_V = torch.from_numpy(np.stack(list(kinds.values()))).to(device)
    kind_R = torch.tensor([list(kinds).index(id(d.over_V)) for d in draws], device=device)
    limit_R = torch.tensor([d.limit for d in draws], device=device)
    hot = any(d.settings.temperature > 0 for d in draws)
    temperature_R = torch.tensor([[d.settings.temperature] for d in draws], device=device) if hot else None
    nucleus = any(d.settings.top_p < 1 for d in draws)
    top_p_R = torch.tensor([[d.settings.top_p] if d.settings.top_p < 1 else [2.0] for d in draws], device=device) if nucleus else None
    tokens_R_S = torch.zeros(rows, steps, dtype=torch.long, device=device)
    logprobs_R_S = torch.zeros(rows, steps, device=device)
    lengths_R = torch.zeros(rows, dtype=torch.long, device=device)
    ended_R = torch.zeros(rows, dtype=torch.bool, device=device)
    live_R = torch.arange(rows, device=device)
    done_R = torch.zeros(rows, dtype=torch.bool, device=device)
    logits, start_R = logits[owner_R], lengths_U[owner_R]
    seen = torch.cat([seen_U_T[owner_R].long(), torch.ones(rows, steps, dtype=torch.long, device=device)], 1) if padded else None
    for step in range(steps):
        logits = logits.float()
        hot_R = None if temperature_R is None else temperature_R[live_R]
        token_R = choose(logits, noise_R_S[live_R, step], hot_R, None if top_p_R is None else top_p_R[live_R])
        tokens_R_S[live_R, step] = token_R
        logprobs_R_S[live_R, step] = logits.log_softmax(-1).gather(-1, token_R[:, None])[:, 0]
        over_R = over_K_V[kind_R[live_R], token_R]
        fresh_R = ~done_R & (over_R | (limit_R[live_R] == step + 1))
        lengths_R[live_R[fresh_R]] = step + 1
        ended_R[live_R[fresh_R]] = over_R[fresh_R]
        done_R = done_R | fresh_R
        done = int(done_R.sum())
        if done == len(live_R):
            break
        if 4 * done >= len(live_R):
            kept = (~done_R).nonzero()[:, 0]
            cache.batch_select_indices(kept)
            live_R, token_R, start_R, done_R = live_R[kept], token_R[kept], start_R[kept], done_R[kept]
            seen = seen[kept] if seen is not None else None
        # a row that is over but not yet dropped decodes on in place, so that no position lies beyond the model's last
        at_R = torch.minimum(start_R + step, start_R + limit_R[live_R] - 1)
        mask = {"attention_mask": seen[:, : width + step + 1]} if seen is not None else {}
        logits, _ = picked_logits(module, last, input_ids=token_R[:, None], position_ids=at_R[:, None], **fixed, **mask)
    found = zip(tokens_R_S.tolist(), logprobs_R_S.tolist(), lengths_R.tolist(), ended_R.tolist(), strict=True)
    return [(tokens[:n], logprobs[:n], bool(ended)) for tokens, logprobs, n, ended in found]
