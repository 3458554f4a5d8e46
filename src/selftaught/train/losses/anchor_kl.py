"""A pull to the start whose strength is a stream."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from selftaught.parts import part
from selftaught.stages import Loss
from selftaught.train.losses.segments import trained_items
from selftaught.types import Example


@part
@dataclass(frozen=True, kw_only=True)
class AnchorKL(Loss):
    """KL penalty to the start with a weight of its own on each item (SCoRe's two strengths, arXiv:2409.12917).

        sum_n anchor_n r_n (s_n / p_n - log(s_n / p_n) - 1) / #items with anchor != 0

    s is the start's probability, r = p / q with q the sampler's; the estimator is the one of PolicyGradient's `kl`.
    """

    paper: ClassVar[str] = "arXiv:2409.12917"
    reads: ClassVar[tuple[str, ...]] = ("anchor", "start_logprobs", "sampler_logprobs")

    def count(self, examples: Sequence[Example]) -> float:
        """Anchored items of the whole optimizer step; at least 1."""
        return trained_items(examples, "anchor")

    def __call__(self, batch: Mapping[str, Any]) -> Any:
        """Sum over logprobs f[N] with the streams f[N]; items with anchor 0 may hold any number, even -inf."""
        held_N = batch["anchor"] != 0
        logprobs_M = batch["logprobs"][held_N]
        gap_M = batch["start_logprobs"][held_N] - logprobs_M
        ratio_M = (logprobs_M - batch["sampler_logprobs"][held_N]).exp()
        return (batch["anchor"][held_N] * ratio_M * (gap_M.exp() - gap_M - 1)).sum()
