"""Regression of a predicted latent on the one an averaged copy of the encoder gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from selftaught.parts import part
from selftaught.stages import Loss
from selftaught.types import Example


@part
@dataclass(frozen=True, kw_only=True)
class LatentRegression(Loss):
    """Squared distance of predicted and target latents, a mean over items and dimensions (T-JEPA, arXiv:2410.05016).

        sum_n mean_d (prediction_nd - target_nd)^2 / #items

    No gradient flows into the target. What keeps the latents from collapsing is the model's matter (an averaged
    target encoder, a regularization token), not the loss's.
    """

    paper: ClassVar[str] = "arXiv:2410.05016"
    needs: ClassVar[tuple[str, ...]] = ("prediction", "target")

    def count(self, examples: Sequence[Example]) -> float:
        """Items (rows) of all payloads of the whole optimizer step; at least 1."""
        return float(max(1, sum(len(payload) for e in examples for payload in e.payloads)))

    def __call__(self, batch: Mapping[str, Any]) -> Any:
        """Sum over prediction f[N,D] and target f[N,D]; raises ValueError when their shapes differ."""
        prediction_N_D, target_N_D = batch["prediction"], batch["target"]
        if prediction_N_D.shape != target_N_D.shape:
            raise ValueError(f"prediction {tuple(prediction_N_D.shape)} and target {tuple(target_N_D.shape)} differ in shape")
        return ((prediction_N_D - target_N_D.detach()) ** 2).flatten(1).mean(1).sum()
