"""Rows: keys and values of what a batch's attempts have said, and attention over them and their prompts."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from selftaught.models.language.fast import Attend, Family
from selftaught.models.language.prefixes import NOWHERE, Block

FIRST_ROOM, ALIGNED = 32, 8


class Rows:
    """A slot a draw, live ones first. Prompts stand in the block once; slots look at them in groups.

    Attributes:
        n, said: number of live slots; how many tokens each of them has said.
        order, start: i64[R], which draw each slot holds; position of each draw's first new token.
        step: i64[1], `said` where the computation is.
        base: columns in front of what a slot says.
    """

    base = 0

    def __init__(self, family: Family, block: Block, owners: Sequence[int], all: bool) -> None:
        """`owners` says which context each draw goes on from; `all` keeps all that is computed."""
        self.family, self.block, self.all = family, block, all
        self.device = block.at_U_C.device
        self.owner_R = torch.tensor(owners, device=self.device)
        self.start = torch.tensor([block.lengths[u] for u in owners], device=self.device)
        self.order = torch.arange(len(owners), device=self.device)
        self.step = torch.zeros(1, dtype=torch.long, device=self.device)
        self.n, self.said = len(owners), 0
        # narrowed to those that live slots look at
        self.prompt, self.at_U_C, self.owner = list(block.prompt), block.at_U_C, self.owner_R
        self._settle()

    @property
    def live(self) -> Tensor:
        """Draws in the live slots."""
        return self.order[: self.n]

    def slots(self) -> list[int]:
        """The slot of each draw."""
        found: list[int] = self.order.argsort().tolist()
        return found

    def keep(self, kept_n: Tensor) -> Tensor | None:
        """Move slots that go on to the front, once an eighth is over; returns where the live ones stood, None when nothing moves."""
        n = int(kept_n.sum())
        if 8 * n > 7 * self.n:
            return None
        holes, movers = (~kept_n[:n]).nonzero()[:, 0], kept_n[n:].nonzero()[:, 0] + n
        whole, moved = torch.cat([holes, movers]), torch.cat([movers, holes])
        a, b = (whole, moved) if self.all else (holes, movers)
        for pair in self.block.own:
            for room in pair:
                room[a, :, : self.base + self.said] = room[b, :, : self.base + self.said]
        stood = torch.arange(self.n, device=self.device)
        stood[whole] = moved
        self.order[whole] = self.order[moved]
        self.n = n
        if n:
            self.owner = self.owner_R[self.live]
            self._settle()
        return stood[:n]

    def make_room(self, size: int, most: int) -> None:
        """Let every slot say `size` tokens, of `most` to come; one that is over is dropped unless all are kept."""
        own = self.block.own
        if own and own[0][0].shape[2] >= self.base + size:
            return
        first, rows = self.block.prompt[0][0], len(self.order) if self.all else self.n
        grown = self.base + min(most, max(FIRST_ROOM, size + size // 2))
        # a kernel that reads a mask wants its rows aligned
        shape = (rows, first.shape[1], -(-grown // ALIGNED) * ALIGNED, first.shape[3])
        for layer in range(len(self.block.prompt)):
            # zeros: what is masked out is still multiplied, and garbage may be NaN
            fresh = (first.new_zeros(shape), first.new_zeros(shape))
            if len(own) <= layer:
                own.append(fresh)
                self._begin(layer)
                continue
            for old, new in zip(own[layer], fresh, strict=True):
                new[:, :, : self.base + self.said] = old[:rows, :, : self.base + self.said]
            own[layer] = fresh
        if self.all:
            held, width = self.block.hidden_R_S_H, int(self.family.config.hidden_size)
            self.block.hidden_R_S_H = torch.zeros(len(self.order), shape[2] - self.base, width, device=self.device)
            if held is not None:
                self.block.hidden_R_S_H[:, : self.said] = held[:, : self.said]

    def note(self, hidden_n_H: Tensor) -> None:
        """Keep the last hidden states after what live slots said at this step, where all is kept."""
        if self.block.hidden_R_S_H is not None:
            self.block.hidden_R_S_H[self.live, self.step] = hidden_n_H

    def attend(self) -> Attend:
        """Attention of one new token a live slot over its prompt, what it has said, and itself."""
        n, heads, several = self.n, self.family.kv_heads, self.family.heads // self.family.kv_heads

        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            own_k, own_v = (room[:n] for room in self.block.own[layer])
            own_k[:, :, self.said], own_v[:, :, self.said] = k, v
            own_k, own_v = (room[:, :, : self.said + 1].flatten(0, 1) for room in (own_k, own_v))
            prompt_k, prompt_v = (x.flatten(0, 1) for x in self.prompt[layer])
            size, far = q.shape[-1], prompt_k.shape[1]
            q = q.reshape(n * heads, several, size)
            asked = q.index_select(0, self.grid).view(len(prompt_k), -1, size)
            if self.mask is None:
                scores = torch.bmm(asked, prompt_k.transpose(1, 2))
            else:
                scores = torch.baddbmm(self.mask, asked, prompt_k.transpose(1, 2))
            near = torch.bmm(q, own_k.transpose(1, 2))
            scores = torch.cat([scores.view(-1, several, far).index_select(0, self.spot), near], -1)
            weight = scores.softmax(-1, dtype=torch.float32).to(v.dtype)
            seen = torch.bmm(weight[..., :far].index_select(0, self.grid).view(len(prompt_k), -1, far), prompt_v)
            out = torch.bmm(weight[..., far:], own_v) + seen.view(-1, several, size).index_select(0, self.spot)
            return out.view(n, -1)

        return attend

    def _begin(self, layer: int) -> None:
        """Fill what stands in front of the first token a slot says."""

    def _settle(self) -> None:
        """Where each live slot's heads stand when slots are sorted by prompt, equally many places a prompt."""
        device, heads, n = self.device, self.family.kv_heads, self.n
        prompts, slot_prompt = torch.unique(self.owner, return_inverse=True)
        if 4 * len(prompts) <= 3 * len(self.at_U_C):
            self.prompt = [(k[prompts], v[prompts]) for k, v in self.prompt]
            # draws whose prompt goes are over, and are not looked up again
            self.at_U_C, self.owner_R = self.at_U_C[prompts], torch.bucketize(self.owner_R, prompts).clamp(max=len(prompts) - 1)
            self.owner = slot_prompt
        counts = torch.bincount(self.owner, minlength=len(self.at_U_C))
        places, sort = int(counts.max()), self.owner.argsort(stable=True)
        rank = torch.empty_like(sort)
        rank[sort] = torch.arange(n, device=device) - (counts.cumsum(0) - counts)[self.owner[sort]]
        self.spot = ((self.owner[:, None] * heads + torch.arange(heads, device=device)) * places + rank[:, None]).flatten()
        self.grid = torch.zeros(len(self.at_U_C) * heads * places, dtype=torch.long, device=device)
        self.grid[self.spot] = torch.arange(n * heads, device=device)
        nowhere, self.mask = self.at_U_C == NOWHERE, None
        if bool(nowhere.any()):
            mask_U_C = torch.zeros(nowhere.shape, dtype=self.block.prompt[0][0].dtype, device=device).masked_fill(nowhere, -torch.inf)
            self.mask = mask_U_C.repeat_interleave(heads, 0)[:, None]


class FlatRows(Rows):
    """Every slot has a copy of its prompt in front of what it says, so that one kernel reads both: memory for fewer calls.

    Shapes do not change from step to step, as a CUDA graph needs: attention reads columns that are still empty, masked.
    """

    def _begin(self, layer: int) -> None:
        for room, prompt in zip(self.block.own[layer], self.prompt[layer], strict=True):
            room[:, :, : self.base] = prompt[self.owner_R]

    def _settle(self) -> None:
        self.base = self.at_U_C.shape[1]
        self.nowhere_n_C = (self.at_U_C == NOWHERE)[self.owner]

    def attend(self) -> Attend:
        """As Rows; what of the slots' room is not yet said is masked by `step`, wherever that stands when this is replayed."""
        n, heads = self.n, self.family.kv_heads
        columns = torch.arange(self.block.own[0][0].shape[2] - self.base, device=self.device)
        hidden_n_W = torch.cat([self.nowhere_n_C, (columns > self.step).expand(n, -1)], 1)
        mask = torch.zeros(hidden_n_W.shape, dtype=self.block.prompt[0][0].dtype, device=self.device).masked_fill(hidden_n_W, -torch.inf)
        at = self.step + self.base

        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            own_k, own_v = (room[:n] for room in self.block.own[layer])
            own_k.index_copy_(2, at, k[:, :, None])
            own_v.index_copy_(2, at, v[:, :, None])
            # the heads that share keys are like so many queries
            asked = q.reshape(n, heads, -1, q.shape[-1])
            seen = mask[:, None, None].expand(n, heads, asked.shape[2], -1)
            return scaled_dot_product_attention(asked, own_k, own_v, attn_mask=seen, scale=1.0).reshape(n, -1)

        return attend

    def apart(self) -> None:
        """Let the block hold what was said without the prompts in front."""
        self.block.own = [(k[:, :, self.base :], v[:, :, self.base :]) for k, v in self.block.own]
