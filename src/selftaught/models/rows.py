"""Rows: keys and values of what a batch's attempts have said, and attention over them and their prompts."""

from collections.abc import Sequence

import torch
from torch import Tensor

from selftaught.models.family import Attend, Family
from selftaught.models.prefixes import NOWHERE, Block

FIRST_ROOM = 32


class Rows:
    """A slot a draw, live ones first. Prompts stand in the block once; slots look at them in groups.

    Attributes:
        n: number of live slots.
        order: i64[R], which draw each slot holds.
        start: i64[R], position of each draw's first new token.
        step: i64[1], how many tokens every live slot has said.
        width: own columns that attention reads, when that is more than have been said; else 0. Shapes then stay what
            they are from step to step, as a CUDA graph needs.
    """

    def __init__(self, family: Family, block: Block, owners: Sequence[int], all: bool) -> None:
        """`owners` says which context each draw goes on from; `all` keeps what slots that are over have said."""
        self.family, self.block, self.all = family, block, all
        self.device = block.at_U_C.device
        self.owner_R = torch.tensor(owners, device=self.device)
        self.start = torch.tensor([block.lengths[u] for u in owners], device=self.device)
        self.order = torch.arange(len(owners), device=self.device)
        self.step = torch.zeros(1, dtype=torch.long, device=self.device)
        self.n, self.said, self.width = len(owners), 0, 0
        # narrowed to those that live slots look at
        self.prompt, self.at_U_C, self.owner = list(block.prompt), block.at_U_C, self.owner_R
        self._grid()

    @property
    def live(self) -> Tensor:
        """Draws in the live slots."""
        return self.order[: self.n]

    def slots(self) -> list[int]:
        """The slot of each draw."""
        found: list[int] = self.order.argsort().tolist()
        return found

    def keep(self, kept_n: Tensor) -> Tensor | None:
        """Move slots that go on to the front, once a quarter is over; returns where the live ones stood, None when nothing moves."""
        n = int(kept_n.sum())
        if 4 * n > 3 * self.n:
            return None
        holes, movers = (~kept_n[:n]).nonzero()[:, 0], kept_n[n:].nonzero()[:, 0] + n
        whole, moved = torch.cat([holes, movers]), torch.cat([movers, holes])
        a, b = (whole, moved) if self.all else (holes, movers)
        for pair in self.block.own:
            for room in pair:
                room[a, :, : self.said] = room[b, :, : self.said]
        stood = torch.arange(self.n, device=self.device)
        stood[whole] = moved
        self.order[whole] = self.order[moved]
        self.n = n
        if n:
            self.owner = self.owner_R[self.live]
            self._grid()
        return stood[:n]

    def make_room(self, size: int, most: int) -> None:
        """Let every slot say `size` tokens, of `most` to come; one that is over is dropped unless all are kept."""
        own = self.block.own
        if own and own[0][0].shape[2] >= size:
            return
        first, rows = self.block.prompt[0][0], len(self.order) if self.all else self.n
        shape = (rows, first.shape[1], min(most, max(FIRST_ROOM, size + size // 2)), first.shape[3])
        for layer in range(len(self.block.prompt)):
            # zeros: what is masked out is still multiplied, and garbage may be NaN
            fresh = (first.new_zeros(shape), first.new_zeros(shape))
            if len(own) <= layer:
                own.append(fresh)
                continue
            for old, new in zip(own[layer], fresh, strict=True):
                new[:, :, : self.said] = old[:rows, :, : self.said]
            own[layer] = fresh

    def attend(self) -> Attend:
        """Attention of one new token a live slot over its prompt, what it has said, and itself."""
        n, heads, several = self.n, self.family.kv_heads, self.family.heads // self.family.kv_heads
        width = self.width or self.said + 1
        unsaid = None
        if self.width:
            columns = torch.arange(width, device=self.device)
            unsaid = torch.zeros(width, device=self.device, dtype=self.block.prompt[0][0].dtype).masked_fill(
                columns > self.step, -torch.inf
            )

        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            own_k, own_v = (room[:n] for room in self.block.own[layer])
            if unsaid is None:
                own_k[:, :, self.said], own_v[:, :, self.said] = k, v
            else:
                own_k.index_copy_(2, self.step, k[:, :, None])
                own_v.index_copy_(2, self.step, v[:, :, None])
            own_k, own_v = own_k[:, :, :width].flatten(0, 1), own_v[:, :, :width].flatten(0, 1)
            prompt_k, prompt_v = (x.flatten(0, 1) for x in self.prompt[layer])
            size, far = q.shape[-1], prompt_k.shape[1]
            q = q.reshape(n * heads, several, size)
            asked = q.index_select(0, self.grid).view(len(prompt_k), -1, size)
            if self.mask is None:
                scores = torch.bmm(asked, prompt_k.transpose(1, 2))
            else:
                scores = torch.baddbmm(self.mask, asked, prompt_k.transpose(1, 2))
            near = torch.bmm(q, own_k.transpose(1, 2)) if unsaid is None else torch.baddbmm(unsaid, q, own_k.transpose(1, 2))
            scores = torch.cat([scores.view(-1, several, far).index_select(0, self.spot), near], -1)
            weight = scores.softmax(-1, dtype=torch.float32).to(v.dtype)
            seen = torch.bmm(weight[..., :far].index_select(0, self.grid).view(len(prompt_k), -1, far), prompt_v)
            out = torch.bmm(weight[..., far:], own_v) + seen.view(-1, several, size).index_select(0, self.spot)
            return out.view(n, -1)

        return attend

    def _grid(self) -> None:
        """Where each slot's heads stand when slots are sorted by prompt, equally many places a prompt."""
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
