"""Preference losses over a chosen and a rejected payload."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from selftaught.parts import BadInput, part
from selftaught.stages import Loss
from selftaught.train.losses.segments import segment_lengths, segment_sum
from selftaught.types import Example

VARIANTS = ("sigmoid", "ipo", "hinge")


@part
@dataclass(frozen=True, kw_only=True)
class DPO(Loss):
    """Direct preference optimization against the start weights, a mean over pairs.

    With g = sum over trained items of log p - log s, s the start's probability, and d = g_chosen - g_rejected:

        sigmoid: -log sigmoid(beta d)          arXiv:2305.18290
        hinge:   max(0, 1 - beta d)            arXiv:2305.10425
        ipo:     (d - 1 / (2 beta))^2          arXiv:2310.12036, each g divided by its number of items

    Attributes:
        beta: strength of the pull to the start, > 0.
        variant: which of the three.

    Raises:
        BadInput: for values out of range; ValueError from `count` for an example that is not a pair.
    """

    paper: ClassVar[str] = "arXiv:2305.18290"
    reads: ClassVar[tuple[str, ...]] = ("mask", "start_logprobs")
    beta: float = 0.1
    variant: Literal["sigmoid", "ipo", "hinge"] = "sigmoid"

    def __post_init__(self) -> None:
        if not self.beta > 0 or self.variant not in VARIANTS:
            raise BadInput(f"beta={self.beta} must be positive and variant={self.variant!r} one of {', '.join(VARIANTS)}")

    def count(self, examples: Sequence[Example]) -> float:
        """Pairs of the whole optimizer step; at least 1."""
        if any(len(e.payloads) != 2 for e in examples):
            raise ValueError("a preference example holds two payloads, the chosen and the rejected one")
        return float(max(1, len(examples)))

    def __call__(self, batch: Mapping[str, Any]) -> Any:
        """Sum over pairs; logprobs, mask and start_logprobs are f[N], payload 0 is chosen and 1 rejected."""
        trained_N, slots = batch["mask"] != 0, 2 * batch["examples"]
        gain_M = batch["logprobs"][trained_N] - batch["start_logprobs"][trained_N]
        slot_M = 2 * batch["example"][trained_N] + batch["payload"][trained_N]
        gain_S = segment_sum(gain_M, slot_M, slots)
        if self.variant == "ipo":
            gain_S = gain_S / segment_lengths(gain_M, slot_M, slots)
        margin_D = gain_S[0::2] - gain_S[1::2]
        if self.variant == "ipo":
            return ((margin_D - 1 / (2 * self.beta)) ** 2).sum()
        if self.variant == "hinge":
            return (1 - self.beta * margin_D).clamp(min=0).sum()
        # log(1 + exp(-x)) as logaddexp(0, -x) neither overflows nor loses its gradient.
        return margin_D.new_zeros(margin_D.shape).logaddexp(-self.beta * margin_D).sum()
