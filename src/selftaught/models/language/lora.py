"""Low-rank adapters (LoRA, arXiv:2106.09685) in the fast forward: merged into the weights, and differentiated by themselves.

A layer with weight W and adapter s B A is computed as x (W + s B A)^T, as the sampler computes it. Of an outcome with
gradient g the adapter's own gradients are thin products, g^T (x A^T) and (g B)^T x; no gradient of W is ever made.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import linear

# Linear layers of a block.
PROJECTIONS = 7


class Adapter(NamedTuple):
    """Adapters of projections that read the same input, one after the other in what they give.

    Attributes:
        down: A of all of them, f[R, in].
        ups: scaled B of each, f[out, r], with the sums of r being R.
    """

    down: Tensor
    ups: tuple[Tensor, ...]


class Adapted(torch.autograd.Function):
    """x (W + s B A)^T + bias of x [N, in] and a merged weight [out, in] that is not differentiated."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, down: Tensor, *ups: Tensor) -> Tensor:
        """Keeps its inputs."""
        ctx.save_for_backward(x, weight, down, *ups)
        return linear(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """Gradients of x, down and ups."""
        x, weight, down, *ups = ctx.saved_tensors
        [g] = grads
        parts = g.split([len(up) for up in ups], -1)
        within = (x @ down.to(x.dtype).t()).split([up.shape[1] for up in ups], -1)
        behind = torch.cat([part @ up.to(g.dtype) for part, up in zip(parts, ups, strict=True)], -1)
        ups_given = [(part.t() @ one).to(up.dtype) for part, one, up in zip(parts, within, ups, strict=True)]
        return g @ weight if ctx.needs_input_grad[0] else None, None, None, (behind.t() @ x).to(down.dtype), *ups_given


def product(x: Tensor, weight: Tensor, bias: Tensor | None, adapter: Adapter | None) -> Tensor:
    """A linear layer, whose adapter is differentiated where it has one."""
    if adapter is None:
        return linear(x, weight, bias)
    found: Tensor = Adapted.apply(x, weight, bias, adapter.down, *adapter.ups)  # type: ignore[no-untyped-call]
    return found


def adapter_of(projections: Sequence[Any], turns: Sequence[Callable[[Tensor], Tensor]] = (lambda rows: rows,)) -> Adapter:
    """The adapters that are on in some projections, each with what is done to the rows of its weight.

    Raises:
        ValueError: where one of them has none, or several.
    """
    downs, ups = [], []
    for projection, turn in zip(projections, turns, strict=True):
        names = [name for name in projection.active_adapters if name in projection.lora_A]
        if len(names) != 1 or projection.disable_adapters:
            raise ValueError("a projection has not one adapter that is on")
        a, b = (getattr(projection, kind)[names[0]].weight for kind in ("lora_A", "lora_B"))
        downs.append(a)
        ups.append(turn(b) * projection.scaling[names[0]])
    return Adapter(torch.cat(downs), tuple(ups))


def adapters_of(block: Any, paired: Callable[[Tensor], Tensor], scale: float) -> tuple[Adapter, ...]:
    """The adapters of a block's qkv, out, gate, up and down; queries are scaled where no norm comes after them."""
    a, m = block.self_attn, block.mlp
    factor = 1.0 if hasattr(a, "q_norm") else scale
    qkv = adapter_of((a.q_proj, a.k_proj, a.v_proj), (lambda b: paired(b) * factor, paired, lambda b: b))
    return qkv, *(adapter_of((one,)) for one in (a.o_proj, m.gate_proj, m.up_proj, m.down_proj))


def weight_of(projection: Any) -> Tensor:
    """A projection's weight [out, in], with a LoRA adapter that is on merged into it."""
    weight: Tensor = projection.weight
    if hasattr(projection, "lora_A") and not projection.disable_adapters:
        for name in projection.active_adapters:
            if name in projection.lora_A:
                weight = weight + projection.get_delta_weight(name).to(weight.dtype)
    return weight
