"""A model's weights as the fast forward takes them."""

from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One block's weights, fused: qkv [(heads + 2 kv_heads) * D, H], gate_up [2 I, H].

    The rows that give queries are multiplied by the scale of attention scores, so nothing else needs to be.
    """

    before: Tensor
    qkv: Tensor
    qkv_bias: Tensor | None
    q_norm: Tensor | None
    k_norm: Tensor | None
    out: Tensor
    out_bias: Tensor | None
    after: Tensor
    gate_up: Tensor
    down: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """All weights as one computation uses them.

    Attributes:
        dtype: of matrix products. The sums between blocks are float32 whatever it is.
        attended: of queries, keys and values, and of the last projection's factors: float32 on the CPU, whose attention is
            slow in bfloat16, else dtype.
    """

    dtype: torch.dtype
    attended: torch.dtype
    table: Tensor
    layers: tuple[Layer, ...]
    norm: Tensor
    head: Tensor

    def tensors(self) -> list[Tensor]:
        """All of them, in order."""
        inner = [getattr(layer, f.name) for layer in self.layers for f in fields(Layer)]
        return [self.table, *(t for t in inner if t is not None), self.norm, self.head]

    def leaves(self) -> "Packed":
        """The same values, to be differentiated by."""

        def leaf(tensor: Any) -> Any:
            return None if tensor is None else tensor.detach().requires_grad_()

        layers = tuple(Layer(**{f.name: leaf(getattr(layer, f.name)) for f in fields(Layer)}) for layer in self.layers)
        table, norm, head = (t.detach().requires_grad_() for t in (self.table, self.norm, self.head))
        return replace(self, table=table, layers=layers, norm=norm, head=head)


def weight_of(projection: Any) -> Tensor:
    """A projection's weight [out, in], with a LoRA adapter that is on merged into it."""
    weight: Tensor = projection.weight
    if hasattr(projection, "lora_A") and not projection.disable_adapters:
        for name in projection.active_adapters:
            if name in projection.lora_A:
                weight = weight + projection.get_delta_weight(name).to(weight.dtype)
    return weight


def lengthened(x: Tensor, rows: int) -> Tensor:
    """As many rows as asked: x [n, ...], and zeros behind it."""
    return x if len(x) == rows else torch.cat([x, x.new_zeros(rows - len(x), *x.shape[1:])])
