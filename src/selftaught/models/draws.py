"""Draws: what is asked of a sampler, and how tokens are chosen with noise that belongs to a key and a position."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from selftaught.types import SamplerSettings

PREFILL_TOKENS = 16384
# New token ids, their log-probabilities at temperature 1, and whether an ending token came.
Said = tuple[list[int], list[float], bool]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Draw:
    """One attempt to be drawn.

    Attributes:
        context, limit: token ids it starts from; most new tokens.
        settings, noise: the sampler's; key of its noise.
        over_V: bool[V], ids that end it.
        id, parent: of the attempt, and of the one it continues ("" for none).
    """

    context: tuple[int, ...]
    settings: SamplerSettings
    limit: int
    noise: str
    over_V: NDArray[np.bool_]
    id: str = ""
    parent: str = ""


def uniforms(key: str, count: int) -> NDArray[np.float64]:
    """The first `count` numbers in [0, 1) of the stream that belongs to a key, whatever the count."""
    digest = hashlib.blake2b(key.encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "little"))).random(count)


def batches(draws: Sequence[Draw], max_rows: int, held: Callable[[Draw], int] = lambda draw: 0) -> Iterator[list[int]]:
    """Indices of draws, equal contexts side by side, those with little to read first, with little padding between them.

    `held` says how many of a draw's context tokens need not be read again.
    """
    to_read = {draw.context: 0 for draw in draws}
    for draw in draws:
        to_read[draw.context] = to_read[draw.context] or len(draw.context) - held(draw)
    order = sorted(range(len(draws)), key=lambda i: (to_read[draws[i].context], len(draws[i].context), draws[i].context))
    batch: list[int] = []
    distinct = 0
    for i in order:
        context = draws[i].context
        if batch:
            fresh = context != draws[batch[-1]].context
            least, most = to_read[draws[batch[0]].context], to_read[context]
            ragged = most > 1.5 * least + 16 and 4 * len(batch) >= max_rows
            if len(batch) >= max_rows or (fresh and (ragged or (distinct + 1) * most > PREFILL_TOKENS)):
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


class Noise:
    """What a batch's rows have said so far, and how each goes on.

    Attributes:
        steps: most new tokens of any row.
        limit_R: most new tokens of each.
    """

    def __init__(self, draws: Sequence[Draw], device: torch.device) -> None:
        rows, self.steps = len(draws), max(d.limit for d in draws)
        real = torch.float32 if device.type == "mps" else torch.float64
        self.uniform_R_S = torch.from_numpy(np.stack([uniforms(d.noise, self.steps) for d in draws])).to(real).to(device)
        kinds = {id(d.over_V): d.over_V for d in draws}
        names = list(kinds)
        self.over_K_V = torch.from_numpy(np.stack(list(kinds.values()))).to(device)
        self.kind_R = torch.tensor([names.index(id(d.over_V)) for d in draws], device=device)
        self.limit_R = torch.tensor([d.limit for d in draws], device=device)
        hot, nucleus = any(d.settings.temperature > 0 for d in draws), any(d.settings.top_p < 1 for d in draws)
        self.temperature_R = torch.tensor([[d.settings.temperature] for d in draws], device=device) if hot else None
        # 2 lets every token in, whatever the rounding of a sum of probabilities
        self.top_p_R = (
            torch.tensor([[d.settings.top_p if d.settings.top_p < 1 else 2.0] for d in draws], device=device) if nucleus else None
        )
        self.tokens_R_S = torch.zeros(rows, self.steps, dtype=torch.long, device=device)
        self.logprobs_R_S = torch.zeros(rows, self.steps, device=device)
        self.lengths_R = torch.zeros(rows, dtype=torch.long, device=device)
        self.ended_R = torch.zeros(rows, dtype=torch.bool, device=device)

    def take(self, step_1: Tensor, live_n: Tensor, logits_n_V: Tensor) -> tuple[Tensor, Tensor]:
        """(next tokens i64[n], which rows are over bool[n]) of the rows live_n, from their logits, at step i64[1].

        Nothing is read back and no shape depends on a value, so that a CUDA graph can hold it.
        """
        logits_n_V = logits_n_V.float()
        uniform_n = self.uniform_R_S.index_select(1, step_1)[:, 0][live_n]
        hot = None if self.temperature_R is None else self.temperature_R[live_n]
        token_n = choose(logits_n_V, uniform_n, hot, None if self.top_p_R is None else self.top_p_R[live_n])
        self.tokens_R_S[live_n, step_1] = token_n
        self.logprobs_R_S[live_n, step_1] = -cross_entropy(logits_n_V, token_n, reduction="none")
        lengths_n = self.lengths_R[live_n]
        ends_n, before_n = self.over_K_V[self.kind_R[live_n], token_n], lengths_n > 0
        fresh_n = ~before_n & (ends_n | (self.limit_R[live_n] == step_1 + 1))
        self.lengths_R[live_n] = torch.where(fresh_n, step_1 + 1, lengths_n)
        self.ended_R[live_n] |= fresh_n & ends_n
        return token_n, before_n | fresh_n

    def said(self) -> list[Said]:
        """What every row has said."""
        columns = (self.tokens_R_S, self.logprobs_R_S, self.lengths_R, self.ended_R)
        found = zip(*(column.tolist() for column in columns), strict=True)
        return [(tokens[:n], logprobs[:n], bool(ended)) for tokens, logprobs, n, ended in found]
