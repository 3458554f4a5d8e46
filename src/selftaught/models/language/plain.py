"""The sampler for any architecture: contexts prefilled once, rows decoded together, finished rows dropped.

It asks nothing of a model but its own forward with a cache, and is the twin that the fast sampler must equal.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import Cache, DynamicCache, DynamicLayer

from selftaught.models.language.draws import Draw, Said
from selftaught.models.language.forward import picked_logits
from selftaught.models.language.key_values import Pairs, filled_cache
from selftaught.models.language.noise import Noise

SPARE = 64


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


def last(hidden_B_T_H: Tensor) -> Tensor:
    """The last position of each row."""
    return hidden_B_T_H[:, -1]


@torch.inference_mode()
def decode(module: Any, draws: Sequence[Draw], pairs: Pairs = ()) -> list[Said]:
    """Draw all rows of a batch; equal contexts must stand side by side. `pairs` stand before all of them."""
    device = next(module.parameters()).device
    same = [list(group) for _, group in groupby(draws, key=lambda draw: draw.context)]
    contexts = [group[0].context for group in same]
    owner_R = torch.arange(len(same), device=device).repeat_interleave(torch.tensor([*map(len, same)], device=device))
    width, rows = max(map(len, contexts)), len(draws)
    ids_U_T = torch.tensor([[0] * (width - len(c)) + list(c) for c in contexts], device=device)
    lengths_U = torch.tensor([len(c) for c in contexts], device=device)
    seen_U_T = torch.arange(width, device=device) >= width - lengths_U[:, None]
    before = pairs[0][0].shape[1] if pairs else 0
    padded = bool(pairs) or not all(len(c) == width for c in contexts)
    positions_U_T = (torch.arange(width, device=device) - (width - lengths_U[:, None])).clamp(min=0) + before
    cache = new_cache(module.config)
    if pairs:
        filled_cache(cache, module, pairs, len(contexts))
        seen_U_T = torch.cat([seen_U_T.new_ones(len(contexts), before), seen_U_T], 1)
    fixed = {"past_key_values": cache, "use_cache": True}
    mask = {"attention_mask": seen_U_T.long()} if padded else {}
    logits, _ = picked_logits(module, last, input_ids=ids_U_T, position_ids=positions_U_T, **fixed, **mask)
    if len(contexts) < rows:
        cache.batch_select_indices(owner_R)
    noise = Noise(draws, device)
    live_n = torch.arange(rows, device=device)
    logits, start_R = logits[owner_R], lengths_U[owner_R]
    seen = torch.cat([seen_U_T[owner_R].long(), torch.ones(rows, noise.steps, dtype=torch.long, device=device)], 1) if padded else None
    for step in range(noise.steps):
        step_1 = torch.tensor([step], device=device)
        token_n, over_n = noise.take(step_1, live_n, logits)
        over = int(over_n.sum())
        if over == len(live_n):
            break
        if 4 * over >= len(live_n):
            kept = (~over_n).nonzero()[:, 0]
            cache.batch_select_indices(kept)
            live_n, token_n = live_n[kept], token_n[kept]
            seen = seen[kept] if seen is not None else None
        # a row that is over but not yet dropped decodes on in place, so that no position lies beyond the model's last
        at_n = start_R[live_n] + before + torch.minimum(step_1, noise.limit_R[live_n] - 1)
        mask = {"attention_mask": seen[:, : before + width + step + 1]} if seen is not None else {}
        logits, _ = picked_logits(module, last, input_ids=token_n[:, None], position_ids=at_n[:, None], **fixed, **mask)
    return noise.said()
