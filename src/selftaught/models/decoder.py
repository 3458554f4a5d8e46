"""The fast sampler of known families: prompts shared by their attempts, prefixes shared with parents, no padding kept.

Keys and values live in two parts. A prompt's are computed once and read by all attempts at it together; what an
attempt itself has said stands in rows of its own, of which the live ones always come first. `Prefixes` remembers both,
so that a wave which continues earlier attempts (a tree's next level, a revision) computes only what is new.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from selftaught.models.draws import Draw, Noise, Said
from selftaught.models.family import Family, Packed
from selftaught.models.prefixes import NOWHERE, Block, Prefixes

FIRST_ROOM = 32


class Decoder:
    """Decodes batches of draws under one set of packed weights."""

    def __init__(self, family: Family, prefixes: Prefixes) -> None:
        self.family, self.prefixes = family, prefixes

    @torch.inference_mode()
    def decode(self, packed: Packed, name: str, draws: Sequence[Draw]) -> list[Said]:
        """Draw all rows of a batch; equal contexts must stand side by side.

        Args:
            packed: the weights.
            name: what they are called: keys and values are reused only under the same name.
            draws: the rows.
        """
        contexts = [next(same) for _, same in groupby(draws, key=lambda draw: draw.context)]
        owners = np.cumsum([0, *(a.context != b.context for a, b in zip(draws[1:], draws, strict=False))]).tolist()
        owner_R = torch.tensor(owners, device=self.device)
        block, logits_U_V = self._read(packed, name, contexts)
        rows = Rows(self.family, block, owner_R, [len(draw.context) for draw in draws], all=self.prefixes.wanted)
        noise = Noise(draws, self.device)
        logits_n_V = logits_U_V[owner_R]
        for step in range(noise.steps):
            step_1 = torch.tensor(step, device=self.device)
            token_n, over_n = noise.take(step, rows.live, logits_n_V)
            token_n = rows.keep(~over_n, step, token_n)
            if not rows.n:
                break
            at_n = rows.start[rows.live] + torch.minimum(step_1, noise.limit_R[rows.live] - 1)
            hidden = self.family.hidden(packed, token_n, at_n, rows.attend(step))
            logits_n_V = self.family.logits(packed, hidden)
        said = noise.said()
        self.prefixes.remember(block, draws, owners, rows.slots(), said)
        return said

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        found: torch.device = next(self.family.causal.parameters()).device
        return found

    def _read(self, packed: Packed, name: str, contexts: Sequence[Draw]) -> tuple[Block, Tensor]:
        """Keys and values of contexts, as far as they are not remembered, and the logits f32[U,V] after them."""
        held, block = self.prefixes.gather(name, contexts, self.device)
        fresh = [draw.context[n:] for draw, n in zip(contexts, held, strict=True)]
        width, known = max(map(len, fresh)), block.at_U_C.shape[1]
        ids_U_T = torch.tensor([[*ids, *[0] * (width - len(ids))] for ids in fresh], device=self.device)
        offset_T, lengths_U = torch.arange(width, device=self.device), torch.tensor([*map(len, fresh)], device=self.device)
        at_U_T = torch.tensor(held, device=self.device)[:, None] + offset_T
        real_U_T = offset_T < lengths_U[:, None]
        block.at_U_C = torch.cat([block.at_U_C, at_U_T.masked_fill(~real_U_T, NOWHERE)], 1)
        mask_U_1_T_C = (block.at_U_C[:, None] <= at_U_T[..., None])[:, None]
        several = self.family.heads != self.family.kv_heads

        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            q, k, v = (x.transpose(1, 2) for x in (q, k, v))
            if known:
                k, v = (torch.cat([old, new], 2) for old, new in zip(block.prompt[layer], (k, v), strict=True))
                block.prompt[layer] = (k, v)
            else:
                block.prompt.append((k.contiguous(), v.contiguous()))
            out = scaled_dot_product_attention(q, k, v, attn_mask=mask_U_1_T_C, scale=1.0, enable_gqa=several)
            return out.transpose(1, 2).flatten(-2)

        # a padded position lies beyond the row's last and is looked up nowhere
        most = int(self.family.config.max_position_embeddings) - 1
        hidden_U_T_H = self.family.hidden(packed, ids_U_T, at_U_T.clamp(max=most), attend)
        return block, self.family.logits(packed, hidden_U_T_H[torch.arange(len(fresh), device=self.device), lengths_U - 1])


class Rows:
    """Own keys and values of a batch's rows, live ones first, and attention over them and their prompts.

    Attributes:
        live: i64[n], which draws the first n slots hold.
        start: i64[R], position of each draw's first new token.
    """

    def __init__(self, family: Family, block: Block, owner_R: Tensor, lengths: Sequence[int], all: bool) -> None:
        """`all` keeps what rows that are over have said."""
        self.family, self.block, self.owner_R, self.all = family, block, owner_R, all
        device = owner_R.device
        self.start = torch.tensor(lengths, device=device)
        self.order = torch.arange(len(lengths), device=device)
        self.n = len(lengths)
        self.prompt = dict(enumerate(block.prompt))
        self.at_U_C = block.at_U_C
        self.owner = owner_R
        self._grid()

    @property
    def live(self) -> Tensor:
        """Draws in the live slots."""
        return self.order[: self.n]

    def slots(self) -> list[int]:
        """The slot of each draw."""
        return self.order.argsort().tolist()

    def keep(self, kept_n: Tensor, step: int, token_n: Tensor) -> Tensor:
        """Move rows that go on to the front once a quarter is over; returns the tokens of the live slots."""
        n = int(kept_n.sum())
        if 4 * n > 3 * self.n:
            return token_n
        if not n:
            self.n = 0
            return token_n[:0]
        holes, movers = (~kept_n[:n]).nonzero()[:, 0], kept_n[n:].nonzero()[:, 0] + n
        a, b = (torch.cat([holes, movers]), torch.cat([movers, holes])) if self.all else (holes, movers)
        for pair in self.block.own:
            for room in pair:
                room[a, :, :step] = room[b, :, :step]
        a, b = torch.cat([holes, movers]), torch.cat([movers, holes])
        self.order[a], token_n[a] = self.order[b], token_n[b]
        self.n = n
        self.owner = self.owner_R[self.live]
        self._grid()
        return token_n[:n]

    def _grid(self) -> None:
        """Where each slot's heads stand when slots are sorted by prompt, equally many places a prompt."""
        family, device, n = self.family, self.owner.device, self.n
        prompts, slot_prompt = torch.unique(self.owner, return_inverse=True)
        if 4 * len(prompts) <= 3 * len(self.at_U_C):
            self.prompt = {layer: (k[prompts], v[prompts]) for layer, (k, v) in self.prompt.items()}
            self.at_U_C, self.owner_R = self.at_U_C[prompts], torch.bucketize(self.owner_R, prompts).clamp(max=len(prompts) - 1)
            self.owner = slot_prompt
        counts = torch.bincount(self.owner, minlength=len(self.at_U_C))
        places, sort = int(counts.max()), self.owner.argsort(stable=True)
        rank = torch.empty_like(sort)
        rank[sort] = torch.arange(n, device=device) - (counts.cumsum(0) - counts)[self.owner[sort]]
        heads, U = torch.arange(family.kv_heads, device=device), len(self.at_U_C)
        spot_n_h = (self.owner[:, None] * family.kv_heads + heads) * places + rank[:, None]
        self.spot = spot_n_h.flatten()
        self.grid = torch.zeros(U * family.kv_heads * places, dtype=torch.long, device=device)
        self.grid[self.spot] = torch.arange(n * family.kv_heads, device=device)
        nowhere = self.at_U_C == NOWHERE
        self.mask = None
        if bool(nowhere.any()):
            mask_U_C = torch.zeros(nowhere.shape, dtype=self.block.prompt[0][0].dtype, device=device).masked_fill(nowhere, -torch.inf)
            self.mask = mask_U_C.repeat_interleave(family.kv_heads, 0)[:, None]

    def _room(self, step: int, k: Tensor) -> None:
        """Make place for one more token in each row."""
        own = self.block.own
        if own and own[0][0].shape[2] > step:
            return
        rows = len(self.order) if self.all else self.n
        shape = (rows, k.shape[1], max(FIRST_ROOM, step + step // 2), k.shape[2])
        for layer in range(len(self.block.prompt)):
            # zeros: what is masked out is still multiplied, and garbage may be NaN
            fresh = (k.new_zeros(shape), k.new_zeros(shape))
            if not step:
                own.append(fresh)
                continue
            for old, new in zip(own[layer], fresh, strict=True):
                new[:, :, :step] = old[:rows, :, :step]
            own[layer] = fresh

    def attend(self, step: int) -> Any:
        """Attention of one new token a live slot over its prompt and what it has said up to `step`."""
        family, n = self.family, self.n
        several = family.heads // family.kv_heads

        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            if not layer:
                self._room(step, k)
            own_k, own_v = self.block.own[layer]
            own_k[:n, :, step], own_v[:n, :, step] = k, v
            own_k, own_v = (x[:n, :, : step + 1].flatten(0, 1) for x in (own_k, own_v))
            prompt_k, prompt_v = (x.flatten(0, 1) for x in self.prompt[layer])
            size, width = q.shape[-1], prompt_k.shape[1]
            q = q.reshape(n * family.kv_heads, several, size)
            asked = q.index_select(0, self.grid).view(len(prompt_k), -1, size)
            if self.mask is None:
                far = torch.bmm(asked, prompt_k.transpose(1, 2))
            else:
                far = torch.baddbmm(self.mask, asked, prompt_k.transpose(1, 2))
            scores = torch.cat([far.view(-1, several, width).index_select(0, self.spot), torch.bmm(q, own_k.transpose(1, 2))], -1)
            weight = scores.softmax(-1, dtype=torch.float32).to(v.dtype)
            seen = torch.bmm(weight[..., :width].index_select(0, self.grid).view(len(prompt_k), -1, width), prompt_v)
            out = torch.bmm(weight[..., width:], own_v) + seen.view(-1, several, size).index_select(0, self.spot)
            return out.view(n, -1)

        return attend
