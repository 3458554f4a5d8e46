"""Log-probabilities of given tokens, without ever holding the logits of a whole batch."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, linear

from selftaught.models.language.fusing import LARGE_LOGITS, fusing

# Logits computed at a time.
CHUNK, CUDA_CHUNK = 2**22, 2**29


def wide(hidden: Tensor, head: Tensor) -> Tensor:
    """Logits f32[..., V]; on an accelerator the product reads the head's precision and adds up in float32."""
    hidden = hidden.to(head.dtype)
    if head.device.type == "cuda" and head.dtype == torch.bfloat16:
        return torch.mm(hidden.reshape(-1, hidden.shape[-1]), head.t(), out_dtype=torch.float32).view(*hidden.shape[:-1], -1)
    return linear(hidden, head).float()


def steps(rows: int, head: Tensor) -> list[slice]:
    """Slices of rows whose logits fit a chunk."""
    size = max(1, (CUDA_CHUNK if head.device.type == "cuda" else CHUNK) // head.shape[0])
    return [slice(at, at + size) for at in range(0, rows, size)]


def normalizer(logits: Tensor, target: Tensor) -> Tensor:
    """Log sum exp f32[K] of logits f32[K, V]; uncompiled, log-softmax at a target is the quicker way there."""
    if logits.device.type == "cuda" and logits.numel() >= LARGE_LOGITS:
        return fused_normalizer(logits, -1)
    return logits.gather(-1, target[:, None])[:, 0] + cross_entropy(logits, target, reduction="none")


def weighted(logits: Tensor, total: Tensor, weight: Tensor | float, dtype: torch.dtype) -> Tensor:
    """Weight * softmax(logits), given the normalizers."""
    return ((logits - total).exp() * weight).to(dtype)


fused_normalizer, fused_weighted = fusing(torch.logsumexp), fusing(weighted)


def slope_of(logits: Tensor) -> Callable[..., Tensor]:
    """The way to compute `weighted` of so many logits."""
    return fused_weighted if logits.numel() >= LARGE_LOGITS else weighted


class Picked(torch.autograd.Function):
    """log softmax(hidden head^T)[target], f32[K], of hidden [K, H], head [V, H] and target i64[K].

    Backward computes the logits again, so that memory does not grow with K times V: of a log-probability with gradient g
    they have the gradient g (onehot(target) - softmax). Where the head is frozen, forward leaves what g is multiplied by
    to give the hidden states' gradient, head[target] - softmax head, and nothing is computed again.
    """

    @staticmethod
    def forward(ctx: Any, hidden_K_H: Tensor, head_V_H: Tensor, target_K: Tensor) -> Tensor:
        """Keeps the normalizers, or the slopes."""
        h_K_H = hidden_K_H.to(head_V_H.dtype)
        ctx.dtype, ctx.frozen = hidden_K_H.dtype, ctx.needs_input_grad[:2] == (True, False)
        slope_K_H = torch.empty_like(h_K_H) if ctx.frozen else None
        found_K, total_K = (h_K_H.new_empty(len(target_K), dtype=torch.float32) for _ in range(2))
        for rows in steps(len(target_K), head_V_H):
            logits = wide(h_K_H[rows], head_V_H)
            total_K[rows] = normalizer(logits, target_K[rows])
            found_K[rows] = logits.gather(-1, target_K[rows, None])[:, 0] - total_K[rows]
            if slope_K_H is not None:
                torch.mm(slope_of(logits)(logits, total_K[rows, None], -1.0, head_V_H.dtype), head_V_H, out=slope_K_H[rows])
        if slope_K_H is not None:
            ctx.save_for_backward(slope_K_H.add_(head_V_H[target_K]))
        else:
            ctx.save_for_backward(h_K_H, head_V_H, target_K, total_K)
        return found_K

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """Gradients of hidden and head."""
        [grad_K] = grads
        if ctx.frozen:
            [slope_K_H] = ctx.saved_tensors
            return (grad_K[:, None] * slope_K_H).to(ctx.dtype), None, None
        h_K_H, head_V_H, target_K, total_K = ctx.saved_tensors
        hidden_K_H, head = torch.empty_like(h_K_H), torch.zeros_like(head_V_H, dtype=torch.float32)
        for rows in steps(len(target_K), head_V_H):
            logits = wide(h_K_H[rows], head_V_H)
            d = slope_of(logits)(logits, total_K[rows, None], -grad_K[rows, None], head_V_H.dtype)
            d.scatter_add_(-1, target_K[rows, None], grad_K[rows, None].to(d.dtype))
            torch.mm(d, head_V_H, out=hidden_K_H[rows])
            head += torch.mm(d.t(), h_K_H[rows])
        return hidden_K_H.to(ctx.dtype), head.to(head_V_H.dtype), None


def picked(hidden_K_H: Tensor, head_V_H: Tensor, target_K: Tensor) -> Tensor:
    """See `Picked`."""
    found: Tensor = Picked.apply(hidden_K_H, head_V_H, target_K)  # type: ignore[no-untyped-call]
    return found
