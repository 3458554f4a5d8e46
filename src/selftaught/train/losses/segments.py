"""Sums over the items of an example or payload, and counts of trained items."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from selftaught.types import Example

if TYPE_CHECKING:
    from torch import Tensor


def segment_sum(values_N: Tensor, index_N: Tensor, segments: int) -> Tensor:
    """f[segments]: the sum of `values_N` where `index_N` (i64[N]) names the segment; 0 for an empty one."""
    return values_N.new_zeros(segments).index_add(0, index_N, values_N)


def segment_lengths(values_N: Tensor, index_N: Tensor, segments: int) -> Tensor:
    """f[segments]: how many of the N items each segment has, at least 1, so that it can be divided by."""
    return segment_sum(values_N.new_ones(values_N.shape), index_N, segments).clamp(min=1)


def trained_items(examples: Sequence[Example], stream: str) -> float:
    """Number of items where the stream is not 0, over all examples; at least 1."""
    return float(max(1, sum(int(np.count_nonzero(e.streams[stream])) for e in examples)))
