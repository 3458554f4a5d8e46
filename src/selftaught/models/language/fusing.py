"""Elementwise functions, compiled for large models on a GPU: there each pass over memory costs as much as a product."""

import warnings
from collections.abc import Callable
from functools import wraps
from typing import TypeVar

import torch
from torch import Tensor
from torch.nn.functional import silu

# Compiling takes seconds, once a machine: parameters of a model, and logits of a chunk, from which it pays.
LARGE_MODEL, LARGE_LOGITS = 2**26, 2**24
F = TypeVar("F", bound=Callable[..., Tensor])


def fusing(function: F) -> F:
    """The function, by torch.compile for CUDA tensors; plain elsewhere, and for good where compiling fails.

    While a CUDA graph is captured nothing may be compiled: what it calls has been called with the same shapes before.
    """
    made: list[Callable[..., Tensor]] = []

    @wraps(function)
    def call(first: Tensor, *rest: object) -> Tensor:
        if first.device.type != "cuda":
            return function(first, *rest)
        if not made:
            made.append(torch.compile(function, dynamic=True))
        try:
            return made[0](first, *rest)
        except Exception as error:  # no compiler, or none that works: whatever it says, the plain function is right
            warnings.warn(f"torch.compile does not work here, so learning is slower: {type(error).__name__}", stacklevel=2)
            made[0] = function
            return function(first, *rest)

    return call  # type: ignore[return-value]


def gated(gate: Tensor, up: Tensor) -> Tensor:
    """silu(gate) * up (SwiGLU, arXiv:2002.05202)."""
    return silu(gate) * up


def turned(x: Tensor, turns: Tensor) -> Tensor:
    """Queries or keys [..., heads, D] rotated by turns complex64[..., 1, D / 2] (RoPE, arXiv:2104.09864)."""
    pairs = torch.view_as_complex(x.float().view(*x.shape[:-1], -1, 2))
    return torch.view_as_real(pairs * turns).flatten(-2).to(x.dtype)


def turned_by_parts(x: Tensor, turns: Tensor) -> Tensor:
    """The same, of which a compiler makes one pass; it knows real numbers only: turns f32[..., 1, D / 2, 2]."""
    pairs = x.float().view(*x.shape[:-1], -1, 2)
    a, b, cos, sin = pairs[..., 0], pairs[..., 1], turns[..., 0], turns[..., 1]
    return torch.stack([a * cos - b * sin, a * sin + b * cos], -1).flatten(-2).to(x.dtype)


fused_gated, fused_turned = fusing(gated), fusing(turned_by_parts)
