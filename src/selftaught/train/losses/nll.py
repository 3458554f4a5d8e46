"""Negative log-likelihood: supervised fine-tuning on whatever credit kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from selftaught.parts import BadInput, part
from selftaught.stages import Loss
from selftaught.train.losses.segments import segment_lengths, trained_items
from selftaught.types import Example


@part
@dataclass(frozen=True, kw_only=True)
class NLL(Loss):
    """Weighted negative log-likelihood of the trained items, those with weight != 0.

    token:    sum_n -w_n log p_n / #trained items
    sequence: mean over examples of (sum_n -w_n log p_n / #trained items of the example)

    With weight 1 on completion tokens, "token" is the loss of TRL's SFTTrainer. The denominator counts items
    rather than summing weights, so that halving a weight halves its gradient whatever else is in the step.

    Attributes:
        per: what is averaged over, "token" or "sequence".

    Raises:
        BadInput: for another `per`.
    """

    reads: ClassVar[tuple[str, ...]] = ("weight",)
    per: Literal["token", "sequence"] = "token"

    def __post_init__(self) -> None:
        if self.per not in ("token", "sequence"):
            raise BadInput(f"per={self.per!r} must be token or sequence")

    def count(self, examples: Sequence[Example]) -> float:
        """Trained items, or examples, of the whole optimizer step; at least 1."""
        return trained_items(examples, "weight") if self.per == "token" else float(max(1, len(examples)))

    def __call__(self, batch: Mapping[str, Any]) -> Any:
        """Sum over logprobs f[N] with weight f[N]; items with weight 0 may hold any number, even -inf."""
        trained_N = batch["weight"] != 0
        losses_M = -batch["weight"][trained_N] * batch["logprobs"][trained_N]
        if self.per == "sequence":
            example_M = batch["example"][trained_N]
            losses_M = losses_M / segment_lengths(losses_M, example_M, batch["examples"])[example_M]
        return losses_M.sum()
