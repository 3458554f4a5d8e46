"""Scaled cosine error: how far predicted features point away from the real ones, easy items counting less."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from selftaught.parts import BadInput, part
from selftaught.stages import Loss
from selftaught.types import Example


@part
@dataclass(frozen=True, kw_only=True)
class ScaledCosine(Loss):
    """GraphMAE's error of masked features, a mean over the M hidden items (arXiv:2205.10803, equation 2).

        sum_m (1 - cos(prediction_m, target_m))^gamma / M

    Length does not count; gamma above 1 makes items that are nearly right count less. An item without features (a target of
    zeros) has cosine 0. No gradient flows into the target.

    Attributes:
        gamma: exponent, in [1, 100].

    Raises:
        BadInput: for gamma out of range.
    """

    paper: ClassVar[str] = "arXiv:2205.10803"
    needs: ClassVar[tuple[str, ...]] = ("prediction", "target")
    gamma: float = 3.0

    def __post_init__(self) -> None:
        if not 1 <= self.gamma <= 100:
            raise BadInput(f"gamma={self.gamma} must lie in [1, 100]")

    def count(self, examples: Sequence[Example]) -> float:
        """Hidden items of all payloads of the whole optimizer step; at least 1."""
        return float(max(1, sum(payload.hidden_items for e in examples for payload in e.payloads)))

    def __call__(self, batch: Mapping[str, Any]) -> Any:
        """Sum over prediction f[M,F] and target f[M,F]; raises ValueError when their shapes differ."""
        prediction_M_F, target_M_F = batch["prediction"], batch["target"].detach()
        if prediction_M_F.shape != target_M_F.shape:
            raise ValueError(f"prediction {tuple(prediction_M_F.shape)} and target {tuple(target_M_F.shape)} differ in shape")
        lengths_M = prediction_M_F.norm(dim=-1).clamp(min=1e-12) * target_M_F.norm(dim=-1).clamp(min=1e-12)
        # rounding may give a cosine above 1, whose power of a negative number would be none
        return (1 - (prediction_M_F * target_M_F).sum(-1) / lengths_M).clamp(min=0).pow(self.gamma).sum()
