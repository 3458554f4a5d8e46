"""Elementwise functions, compiled for large models on a GPU: there each pass over memory costs as much as a product."""

import warnings
from collections.abc import Callable
from functools import wraps
from typing import TypeVar

import torch
from torch import Tensor

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
