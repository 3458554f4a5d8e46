"""A model's weights as the fast forward takes them."""

from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor

from selftaught.models.language.lora import Adapter

NONE = (None,) * 5
# Parameters of an output layer from which it pays to keep a second copy of it.
LARGE_HEAD = 2**23


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One block's weights, fused: qkv [(heads + 2 kv_heads) * D, H], gate_up [2 I, H].

    The rows that give queries are multiplied by the scale of attention scores, so nothing else needs to be. Where adapters
    are trained, `adapters` has those of qkv, out, gate, up and down, and nothing else is differentiated.
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
    adapters: tuple[Adapter | None, ...] = NONE


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """All weights as one computation uses them.

    Attributes:
        dtype: of matrix products. The sums between blocks are float32 whatever it is.
        attended: of queries, keys and values, and of the last projection's factors: float32 on the CPU, whose attention is
            slow in bfloat16, else dtype.
        ready: the head as the processor's product of few rows wants it, where it is large and need not be differentiated.
    """

    dtype: torch.dtype
    attended: torch.dtype
    table: Tensor
    layers: tuple[Layer, ...]
    norm: Tensor
    head: Tensor
    ready: Tensor | None = None

    def tensors(self) -> list[Tensor]:
        """What is differentiated, in order: the adapters where there are any, else everything."""
        adapters = [t for layer in self.layers for one in layer.adapters if one for t in (one.down, *one.ups)]
        if adapters:
            return adapters
        inner = [getattr(layer, f.name) for layer in self.layers for f in fields(Layer) if f.name != "adapters"]
        return [self.table, *(t for t in inner if t is not None), self.norm, self.head]

    def leaves(self) -> "Packed":
        """The same values, to be differentiated by."""

        def leaf(tensor: Any) -> Any:
            return None if tensor is None else tensor.detach().requires_grad_()

        def adapted(one: Adapter | None) -> Adapter | None:
            return one and Adapter(leaf(one.down), tuple(map(leaf, one.ups)))

        if any(any(layer.adapters) for layer in self.layers):
            return replace(self, layers=tuple(replace(layer, adapters=tuple(map(adapted, layer.adapters))) for layer in self.layers))
        plain = [f.name for f in fields(Layer) if f.name != "adapters"]
        layers = tuple(Layer(**{name: leaf(getattr(layer, name)) for name in plain}) for layer in self.layers)
        table, norm, head = (t.detach().requires_grad_() for t in (self.table, self.norm, self.head))
        return replace(self, table=table, layers=layers, norm=norm, head=head, ready=None)


def lengthened(x: Tensor, rows: int) -> Tensor:
    """As many rows as asked: x [n, ...], and zeros behind it."""
    return x if len(x) == rows else torch.cat([x, x.new_zeros(rows - len(x), *x.shape[1:])])


def made_ready(head: Tensor, rows: int) -> Tensor | None:
    """A large head [V, H] laid out once for products of about so many rows; None where no such product is to be had.

    A general product lays its factor out anew at every call, which for few rows takes as long as the product. oneDNN's
    takes what was laid out before. Its names in torch are private, so that whatever they raise means there are none.
    """
    if head.device.type != "cpu" or head.dtype != torch.float32 or head.numel() < LARGE_HEAD or torch.is_grad_enabled():
        return None
    try:
        ready: Tensor = torch.ops.mkldnn._reorder_linear_weight(head, rows)
        return ready if by_ready(head.new_zeros(1, head.shape[1]), ready).shape == (1, len(head)) else None
    except (AttributeError, RuntimeError, TypeError):
        return None


def by_ready(x: Tensor, ready: Tensor) -> Tensor:
    """The product [n, V] of x [n, H] with a head that was made ready."""
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x, ready, None, "none", [], "")
    return product
