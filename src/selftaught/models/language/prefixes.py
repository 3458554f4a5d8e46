"""Prefixes: what was computed for sampled attempts since the weights last changed, for requests that come back to them."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from selftaught.models.language.draws import Draw, Said

# The position of a column that holds nothing; later than any that a query may look at.
NOWHERE = 2**40
# How many times as many columns as are needed may be kept, empty ones among them.
ROOMY = 1.5
Pair = tuple[Tensor, Tensor]
# Rows of a new block, positions of what they are given, and how to read a layer of it: [keys, values].
Part = tuple[Tensor, Tensor, Callable[[int], list[Tensor]]]


class Place(NamedTuple):
    """Where an attempt stands: index of its context, its slot, its draw, and its token ids."""

    prompt: int
    slot: int
    draw: int
    ids: tuple[int, ...]


@dataclass(slots=True, eq=False)
class Block:
    """What one batch computed.

    Attributes:
        name: of the weights.
        prompt, own: by layer, (keys, values) of U contexts f[U,h,C,D], and of R slots f[R,h,S,D] after them.
        hidden_R_S_H: last hidden states after each token of each draw, where they are kept.
        at_U_C: i64[U,C], position of each column of a context, NOWHERE for none.
        lengths: tokens of each context.
        places: by attempt id.
    """

    name: str
    prompt: list[Pair]
    at_U_C: Tensor
    lengths: list[int]
    own: list[Pair] = field(default_factory=list)
    hidden_R_S_H: Tensor | None = None
    places: dict[str, Place] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes held."""
        held = [t for part in (self.prompt, self.own) for pair in part for t in pair]
        return sum(t.numel() * t.element_size() for t in (*held, self.hidden_R_S_H) if t is not None)


class Prefixes:
    """Blocks, oldest first, within a limit of bytes. What it holds depends on the waves since `forget` alone.

    Attributes:
        layers: of the model.
        room: most bytes held.
        wanted: somebody comes back to attempts; until then nothing is kept, as most recipes never do.
    """

    def __init__(self, layers: int, room: int) -> None:
        self.layers, self.room, self.size, self.wanted = layers, room, 0, False
        self.blocks: deque[Block] = deque()
        self.where: dict[str, Block] = {}

    def forget(self) -> None:
        """Drop everything: the weights have changed."""
        self.blocks.clear()
        self.where.clear()
        self.size, self.wanted = 0, False

    def expect(self, draws: Sequence[Draw]) -> None:
        """Look at a wave before it is drawn: whether any of it continues an attempt, or will be continued."""
        self.wanted = self.wanted or any(draw.parent or draw.remember for draw in draws)

    def held(self, name: str, draw: Draw) -> int:
        """How many of a context's tokens are remembered; never the last, whose logits are wanted."""
        block = self.where.get(draw.parent)
        if block is None or block.name != name:
            return 0
        known, most = block.places[draw.parent].ids, len(draw.context) - 1
        if known[:most] == draw.context[: min(most, len(known))]:
            return min(most, len(known))
        return next(i for i, (a, b) in enumerate(zip(known, draw.context, strict=False)) if a != b)

    def hidden(self, name: str, attempt: str, ids: tuple[int, ...], start: int) -> Tensor | None:
        """Last hidden states f32[T - start, H] after an attempt's tokens i[T] from `start` on, if they are remembered."""
        block = self.where.get(attempt)
        if block is None or block.name != name or block.hidden_R_S_H is None:
            return None
        place = block.places[attempt]
        began = block.lengths[place.prompt]
        if start < began or place.ids[: len(ids)] != ids:
            return None
        return block.hidden_R_S_H[place.draw, start - began : len(ids) - began]

    def gather(self, name: str, contexts: Sequence[Draw], device: torch.device) -> tuple[list[int], Block]:
        """How many tokens of each context are remembered, and a new block that holds these."""
        held = [self.held(name, draw) for draw in contexts]
        new = Block(name, [], torch.empty(len(contexts), 0, dtype=torch.long, device=device), [len(draw.context) for draw in contexts])
        sources: dict[int, tuple[Block, list[int]]] = {}
        for u, (draw, n) in enumerate(zip(contexts, held, strict=True)):
            if n:
                block = self.where[draw.parent]
                sources.setdefault(id(block), (block, []))[1].append(u)
        if not sources:
            return held, new
        parts = [self._part(block, us, [contexts[u].parent for u in us], held, device) for block, us in sources.values()]
        width = max(at.shape[1] for _, at, _ in parts)
        new.at_U_C = torch.full((len(contexts), width), NOWHERE, device=device)
        for us, at_u_C, _ in parts:
            new.at_U_C[us, : at_u_C.shape[1]] = at_u_C
        first = sources[next(iter(sources))][0].prompt[0][0]
        for layer in range(self.layers):
            pair = tuple(first.new_zeros(len(contexts), first.shape[1], width, first.shape[3]) for _ in range(2))
            for us, at_u_C, read in parts:
                for room, found in zip(pair, read(layer), strict=True):
                    room[us, :, : at_u_C.shape[1]] = found
            new.prompt.append((pair[0], pair[1]))
        return held, new

    def _part(self, block: Block, us: list[int], parents: list[str], held: list[int], device: torch.device) -> Part:
        """What one block gives: rows of the new block, positions i64[u,C] of their columns, and how to read a layer."""
        places = [block.places[parent] for parent in parents]
        prompts, slots = torch.tensor([p.prompt for p in places], device=device), torch.tensor([p.slot for p in places], device=device)
        starts, ends = (
            torch.tensor([block.lengths[p.prompt] for p in places], device=device),
            torch.tensor([held[u] for u in us], device=device),
        )
        said = max(0, int((ends - starts).max()))
        at_u_C = torch.cat([block.at_U_C[prompts], starts[:, None] + torch.arange(said, device=device)], 1)
        at_u_C = at_u_C.masked_fill(at_u_C >= ends[:, None], NOWHERE)
        order_u_C = None
        if at_u_C.shape[1] > ROOMY * int(ends.max()):
            # columns in the order of their positions, so that those which hold nothing are cut off
            at_u_C, order_u_C = at_u_C.sort(1)
            at_u_C, order_u_C = at_u_C[:, : int(ends.max())], order_u_C[:, : int(ends.max())]

        def read(layer: int) -> list[Tensor]:
            found = []
            for context, own in zip(block.prompt[layer], block.own[layer], strict=True):
                whole = torch.cat([context[prompts], own[slots, :, :said]], 2)
                found.append(whole if order_u_C is None else whole.take_along_dim(order_u_C[:, None, :, None], 2))
            return found

        return torch.tensor(us, device=device), at_u_C, read

    def remember(self, block: Block, draws: Sequence[Draw], prompts: Sequence[int], slots: Sequence[int], said: Sequence[Said]) -> None:
        """Keep a batch's block, where that is wanted; the oldest go when there is no room."""
        if not self.wanted:
            return
        for r, (draw, prompt, slot, (ids, _, _)) in enumerate(zip(draws, prompts, slots, said, strict=True)):
            block.places[draw.id] = Place(prompt, slot, r, (*draw.context, *ids))
            self.where[draw.id] = block
        self.blocks.append(block)
        self.size += block.size
        while self.size > self.room and self.blocks:
            old = self.blocks.popleft()
            self.size -= old.size
            for name in old.places:
                if self.where.get(name) is old:
                    del self.where[name]
