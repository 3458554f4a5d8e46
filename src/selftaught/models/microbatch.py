"""Micro-batches: examples as the tensors losses read."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from selftaught.parts import BadInput
from selftaught.types import Example, Ints, Tokens


def sequences_of(examples: Sequence[Example]) -> tuple[list[Ints], list[int]]:
    """The token ids of all payloads, and how many payloads each example has. Raises BadInput for what is not tokens."""
    payloads = [payload for example in examples for payload in example.payloads]
    for payload in payloads:
        if not isinstance(payload, Tokens) or not len(payload):
            raise BadInput(f"a language model learns from tokens, not from {type(payload).__name__} of length {len(payload)}")
    return [payload.ids for payload in payloads], [len(example.payloads) for example in examples]


def tensors_of(examples: Sequence[Example], streams: Sequence[str], device: torch.device) -> dict[str, Any]:
    """Over the N items of all payloads, end to end: what a loss is given beside outputs.

    Raises:
        BadInput: when an example lacks a stream, or has one of another length.
    """
    owners = [(e, v, payload) for e, example in enumerate(examples) for v, payload in enumerate(example.payloads)]
    lengths = [len(payload) for _, _, payload in owners]
    batch: dict[str, Any] = {"examples": len(examples)}
    for name, index in (("example", [e for e, _, _ in owners]), ("payload", [v for _, v, _ in owners])):
        batch[name] = torch.from_numpy(np.repeat(index, lengths)).to(device)
    for name in streams:
        if missing := [e for e in examples if name not in e.streams]:
            raise BadInput(f"a loss reads '{name}', a stream attempt {missing[0].attempt!r} lacks: add the credit part that writes it")
        values = np.concatenate([np.asarray(example.streams[name], np.float32) for example in examples])
        if len(values) != sum(lengths):
            raise BadInput(f"stream '{name}' has {len(values)} items where the payloads have {sum(lengths)}")
        batch[name] = torch.from_numpy(values).to(device)
    return batch


def sampled_of(examples: Sequence[Example], device: torch.device) -> Tensor:
    """bool[N]: which tokens the model chose."""
    return torch.from_numpy(np.concatenate([payload.sampled for example in examples for payload in example.payloads])).to(device)
