"""The fast sampler of known families: prompts shared by their attempts, prefixes shared with parents, no padding kept.

A prompt's keys and values are computed once and read by all attempts at it together; what an attempt itself has said
stands in rows of its own (`rows`). `Prefixes` remembers both, so that a wave which continues earlier attempts (a tree's
next level, a revision) computes only what is new. On CUDA a step is one graph, replayed.
"""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from selftaught.models.language.draws import Draw, Said
from selftaught.models.language.fast import Family
from selftaught.models.language.key_values import Pairs, expanded, interleaved
from selftaught.models.language.noise import Noise
from selftaught.models.language.packed import Packed
from selftaught.models.language.prefixes import NOWHERE, Block, Prefixes
from selftaught.models.language.slots import FlatRows, Rows

# Steps a CUDA graph serves, and how often it is asked whether all rows are over.
SPAN, ASK = 128, 8
Body = Callable[[], None]


def graphs() -> Callable[[Body], Body]:
    """What captures a step as a CUDA graph and gives its replay; graphs of one batch share their memory."""
    pool = torch.cuda.graph_pool_handle()

    def capture(body: Body) -> Body:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=pool):
            body()
        replay: Body = graph.replay
        return replay

    return capture


class Ended(NamedTuple):
    """What a batch said, and what `Prefixes.remember` is told of it."""

    said: list[Said]
    kept: tuple[Block, Sequence[Draw], list[int], list[int], list[Said]]


class Decoder:
    """Decodes batches of draws under one set of packed weights.

    Attributes:
        capture: makes what makes a step quick to repeat, where a device gains from steps of one shape; else None.
    """

    def __init__(self, family: Family, prefixes: Prefixes) -> None:
        self.family, self.prefixes = family, prefixes
        self.device: torch.device = next(family.causal.parameters()).device
        self.capture = graphs if self.device.type == "cuda" else None

    @torch.inference_mode()
    def decode(self, packed: Packed, name: str, draws: Sequence[Draw], pairs: Pairs = ()) -> Ended:
        """Draw all rows of a batch; equal contexts must stand side by side.

        Args:
            packed: the weights.
            name: what they are called: keys and values are reused only under the same name.
            draws: the rows.
            pairs: what stands before all contexts. Nothing under such a name is to be remembered.
        """
        before = pairs[0][0].shape[1] if pairs else 0
        contexts = [next(same) for _, same in groupby(draws, key=lambda draw: draw.context)]
        owners = np.cumsum([0, *(a.context != b.context for a, b in zip(draws[1:], draws, strict=False))]).tolist()
        block, logits_U_V = self._read(packed, name, contexts, pairs)
        noise, given = Noise(draws, self.device), (self.family, block, owners, self.prefixes.wanted)
        rows: Rows
        if self.capture:
            rows = FlatRows(*given)
            self._replay(packed, rows, noise, logits_U_V[rows.owner_R], self.capture(), before)
            rows.apart()
        else:
            rows = Rows(*given)
            self._loop(packed, rows, noise, logits_U_V[rows.owner_R], before)
        said = noise.said()
        return Ended(said, (block, draws, owners, rows.slots(), said))

    def _loop(self, packed: Packed, rows: Rows, noise: Noise, logits_n_V: Tensor, before: int) -> None:
        """Step by step, over no more columns and slots than are needed."""
        while rows.said < noise.steps:
            token_n, over_n = noise.take(rows.step, rows.live, logits_n_V)
            # what is kept of an attempt is also that of its last token, so it stays for one step more
            gone_n = over_n & (noise.lengths_R[rows.live] <= rows.said) if rows.all else over_n
            stood = rows.keep(~gone_n)
            if not rows.n or (rows.said == noise.steps - 1 and not rows.all):
                break
            rows.make_room(rows.said + 1, noise.steps)
            logits_n_V = self._step(packed, rows, noise, token_n if stood is None else token_n[stood], before)
            rows.said, rows.step = rows.said + 1, rows.step + 1

    def _replay(self, packed: Packed, rows: Rows, noise: Noise, logits_n_V: Tensor, capture: Callable[[Body], Body], before: int) -> None:
        """The same with shapes that stay for `SPAN` steps, which `capture` makes quick to repeat."""
        while rows.n and rows.said < noise.steps:
            end = min(noise.steps, rows.said + SPAN)
            rows.make_room(end, end)
            over_n = torch.zeros(rows.n, dtype=torch.bool, device=self.device)

            def body(logits_n_V: Tensor = logits_n_V, over_n: Tensor = over_n) -> None:
                token_n, over = noise.take(rows.step, rows.live, logits_n_V)
                over_n.copy_(over)
                logits_n_V.copy_(self._step(packed, rows, noise, token_n, before))
                rows.step.add_(1)

            # the first step sets up what must not be set up while it is captured
            body()
            rows.said += 1
            again = capture(body) if rows.said < end else body
            while rows.said < end and (rows.said % ASK or not bool(over_n.all())):
                again()
                rows.said += 1
            stood = rows.keep(~over_n)
            logits_n_V = logits_n_V if stood is None else logits_n_V[stood]

    def _step(self, packed: Packed, rows: Rows, noise: Noise, token_n: Tensor, before: int) -> Tensor:
        """Logits after one more token a live slot."""
        # a row that is over but not yet dropped decodes on in place, so that no position lies beyond the model's last
        at_n = rows.start[rows.live] + torch.minimum(rows.step, noise.limit_R[rows.live] - 1)
        hidden_n_H = self.family.hidden(packed, token_n, at_n + before if before else at_n, rows.attend())
        rows.note(hidden_n_H)
        return self.family.logits(packed, hidden_n_H)

    def _read(self, packed: Packed, name: str, contexts: Sequence[Draw], pairs: Pairs) -> tuple[Block, Tensor]:
        """Keys and values of contexts, as far as they are not remembered, and the logits f32[U,V] after them."""
        held, block = self.prefixes.gather(name, contexts, self.device)
        if pairs:
            # at places before the first token's, which all may look at
            block.prompt = [(interleaved(k), v) for k, v in expanded(pairs, len(contexts), packed.attended)]
            block.at_U_C = torch.arange(-pairs[0][0].shape[1], 0, device=self.device).expand(len(contexts), -1)
        fresh = [draw.context[n:] for draw, n in zip(contexts, held, strict=True)]
        width, known = max(map(len, fresh)), block.at_U_C.shape[1]
        ids_U_T = torch.tensor([[*ids, *[0] * (width - len(ids))] for ids in fresh], device=self.device)
        offset_T, lengths_U = torch.arange(width, device=self.device), torch.tensor([*map(len, fresh)], device=self.device)
        at_U_T = torch.tensor(held, device=self.device)[:, None] + offset_T
        real_U_T = offset_T < lengths_U[:, None]
        block.at_U_C = torch.cat([block.at_U_C, at_U_T.masked_fill(~real_U_T, NOWHERE)], 1)
        mask_U_1_T_C = (block.at_U_C[:, None] <= at_U_T[..., None])[:, None]

        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            q, k, v = (x.transpose(1, 2) for x in (q, k, v))
            if known:
                k, v = (torch.cat([old, new], 2) for old, new in zip(block.prompt[layer], (k, v), strict=True))
                block.prompt[layer] = (k, v)
            else:
                block.prompt.append((k.contiguous(), v.contiguous()))
            return self.family.attention(q, k, v, mask_U_1_T_C)

        # a padded position lies beyond the row's last and is looked up nowhere
        most = int(self.family.config.max_position_embeddings) - 1
        before = pairs[0][0].shape[1] if pairs else 0
        hidden_U_T_H = self.family.hidden(packed, ids_U_T, (at_U_T + before).clamp(max=most), attend)
        return block, self.family.logits(packed, hidden_U_T_H[torch.arange(len(fresh), device=self.device), lengths_U - 1])
