"""Draws: what is asked of a sampler, noise that belongs to a key and a position, and how a token is chosen with it."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

from selftaught.types import SamplerSettings

PREFILL_TOKENS = 16384
# A vocabulary from which it pays to sum probabilities in spans of so many tokens.
LARGE_VOCABULARY, SPAN = 8192, 128
# New token ids, their log-probabilities at temperature 1, and whether an ending token came.
Said = tuple[list[int], list[float], bool]
# The same, perhaps with one line on why nothing came.
Drawn = Said | tuple[list[int], list[float], bool, str]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Draw:
    """One attempt to be drawn.

    Attributes:
        context, limit: token ids it starts from; most new tokens.
        settings, noise: the sampler's; key of its noise.
        over_V: bool[V], ids that end it.
        id, parent: of the attempt, and of the one it continues ("" for none).
        remember: what is computed for it will be wanted again.
        decoder: says what logits its tokens are drawn from; None takes them as they are.
        beside: token ids of a second context that the decoder compares with, () for none.
    """

    context: tuple[int, ...]
    settings: SamplerSettings
    limit: int
    noise: str
    over_V: NDArray[np.bool_]
    id: str = ""
    parent: str = ""
    remember: bool = False
    decoder: Any = None
    beside: tuple[int, ...] = ()

    def companion(self) -> "Draw":
        """The draw that says the same after the second context."""
        return replace(self, context=self.beside, id=f"{self.id} beside", parent="", beside=())


def uniforms(keys: Sequence[str], count: int) -> NDArray[np.float64]:
    """f64[R, count]: the first numbers in [0, 1) of the stream that belongs to each key, whatever the count.

    They are those of `numpy.random.Philox` with the key's hash for a key (Philox4x64-10, Salmon et al. 2011), for all
    keys at once: making a generator for each would take longer than a small model needs to draw a token.
    """
    digests = b"".join(hashlib.blake2b(key.encode(), digest_size=16).digest() for key in keys)
    key_2_R_1 = np.frombuffer(digests, "<u8").reshape(-1, 2).T[..., None].copy()
    block_B = np.arange(1, -(-count // 4) + 1, dtype=np.uint64)
    c0, c1, c2, c3 = (
        np.broadcast_to(block_B, (len(keys), len(block_B))),
        *(np.zeros((len(keys), len(block_B)), np.uint64) for _ in range(3)),
    )
    with np.errstate(over="ignore"):
        for _ in range(10):
            (high_0, low_0), (high_2, low_2) = product(c0, 0xD2E7470EE14C6C93), product(c2, 0xCA5A826395121157)
            c0, c1, c2, c3 = high_2 ^ c1 ^ key_2_R_1[0], low_2, high_0 ^ c3 ^ key_2_R_1[1], low_0
            key_2_R_1 += np.array([0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B], np.uint64)[:, None, None]
    words = np.stack([c0, c1, c2, c3], -1).reshape(len(keys), -1)[:, :count]
    return (words >> np.uint64(11)).astype(np.float64) * 2.0**-53


def product(a: NDArray[np.uint64], b: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """High and low 64 bits of a times b."""
    half, mask = np.uint64(32), np.uint64(2**32 - 1)
    a_high, a_low, b_high, b_low = a >> half, a & mask, np.uint64(b >> 32), np.uint64(b & (2**32 - 1))
    middle = a_high * b_low + (a_low * b_low >> half)
    cross = a_low * b_high + (middle & mask)
    return a_high * b_high + (middle >> half) + (cross >> half), a * np.uint64(b)


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


def choose(logits_R_V: Tensor, uniform_R: Tensor, temperature_R_1: Tensor | None, top_p_R_1: Tensor | None, cold: bool = True) -> Tensor:
    """Token ids i64[R] by inverse CDF, in the nucleus where top_p is given; argmax where temperature is 0 (`cold`: any is).

    Without temperatures all rows are drawn at 1.
    """
    warm_R_V = logits_R_V if temperature_R_1 is None else logits_R_V / temperature_R_1.clamp(min=1e-6)
    probs_R_V = warm_R_V.softmax(-1)
    if top_p_R_1 is not None:
        sorted_R_V, order_R_V = probs_R_V.sort(dim=-1, descending=True, stable=True)
        outside_R_V = sorted_R_V.cumsum(-1) - sorted_R_V >= top_p_R_1
        probs_R_V = probs_R_V.masked_fill(torch.zeros_like(outside_R_V).scatter(-1, order_R_V, outside_R_V), 0.0)
    drawn_R = inverse(probs_R_V, uniform_R)
    if temperature_R_1 is None or not cold:
        return drawn_R
    return torch.where(temperature_R_1[:, 0] > 0, drawn_R, logits_R_V.argmax(-1))


def inverse(mass_R_V: Tensor, uniform_R: Tensor) -> Tensor:
    """Where i64[R] the running sum of masses f[R, V] first exceeds a share in [0, 1) of their total.

    A processor adds a running sum one number after the other. So a large vocabulary is summed span by span, and gone
    through within one span alone: the same tokens, but where a draw falls within rounding of a border (float64).
    """
    real, size = uniform_R.dtype, mass_R_V.shape[-1]
    if mass_R_V.device.type != "cpu" or size < LARGE_VOCABULARY:
        cdf_R_V = mass_R_V.to(real).cumsum(-1)
        return exceeds(cdf_R_V, uniform_R * cdf_R_V[:, -1])
    mass_R_C_W = pad(mass_R_V, (0, -size % SPAN)).view(len(mass_R_V), -1, SPAN)
    cdf_R_C = mass_R_C_W.sum(-1, dtype=real).cumsum(-1)
    target_R = uniform_R * cdf_R_C[:, -1]
    span_R = exceeds(cdf_R_C, target_R)
    before_R = pad(cdf_R_C, (1, 0)).gather(-1, span_R[:, None])[:, 0]
    cdf_R_W = mass_R_C_W[torch.arange(len(span_R)), span_R].to(real).cumsum(-1)
    return (span_R * SPAN + exceeds(cdf_R_W, (target_R - before_R).clamp(min=0.0))).clamp(max=size - 1)


def exceeds(cdf_R_V: Tensor, target_R: Tensor) -> Tensor:
    """The first places i64[R] where running sums lie above their targets."""
    total_R = cdf_R_V[:, -1]
    # rounding must not push the target past the last token that has any mass, nor a NaN past the vocabulary
    target_R = torch.minimum(target_R, total_R * (1 - torch.finfo(total_R.dtype).eps))
    return torch.searchsorted(cdf_R_V, target_R[:, None], right=True)[:, 0].clamp(max=cdf_R_V.shape[-1] - 1)
