"""Clipped policy gradient with the aggregations in use: GRPO, BNPO or DAPO, Dr. GRPO and GSPO."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from selftaught.parts import BadInput, part
from selftaught.stages import Loss
from selftaught.train.losses.segments import segment_lengths, segment_sum, trained_items
from selftaught.types import Example


@part
@dataclass(frozen=True, kw_only=True)
class PolicyGradient(Loss):
    """Clipped surrogate (arXiv:1707.06347) over sampled items, with an optional KL penalty to the start.

    With r_n = p_n / q_n, q the sampler's probability, A_n the advantage and s_n the start's probability:

        l_n = -min(r_n A_n, clamp(r_n, 1 - clip, 1 + clip_high) A_n) + kl r_n (s_n / p_n - log(s_n / p_n) - 1)

    The penalty is GRPO's k3 estimator, times r_n (with its gradient) as in arXiv:2512.02556, which makes its
    gradient that of the reverse KL and keeps it bounded where p_n is small. Names in use for the settings (TRL's `loss_type` in brackets):
    per="sequence" is GRPO, arXiv:2402.03300 [grpo]; "token" is DAPO's, arXiv:2503.14476 [dapo; bnpo where
    nothing is accumulated]; "constant" is Dr. GRPO's, arXiv:2503.20783 [dr_grpo]; importance="sequence" is GSPO's,
    arXiv:2507.18071. Departs from TRL in the denominators alone: they count all examples of the optimizer
    step, never those of a micro-batch, and attempts that credit left out are not among them.

    Attributes:
        clip: how far below 1 the ratio still moves the policy, > 0.
        clip_high: the same above 1; `clip` when None (DAPO's clip-higher otherwise).
        kl: weight of the penalty; the stream start_logprobs is read only when it is not 0.
        kl_ratio: multiply the penalty by r_n (TRL's use_bias_correction_kl); False is GRPO as published.
        per: a mean over trained items, over sequences of the mean of each, or over examples x max_tokens.
        max_tokens: the constant length of per="constant", 0 otherwise.
        importance: ratio of each item, or of each sequence (geometric mean of its items' ratios).

    Raises:
        BadInput: for values out of range, and a max_tokens that would do nothing.
    """

    paper: ClassVar[str] = "arXiv:2402.03300"
    clip: float = 0.2
    clip_high: float | None = None
    kl: float = 0.0
    kl_ratio: bool = True
    per: Literal["token", "sequence", "constant"] = "token"
    max_tokens: int = 0
    importance: Literal["token", "sequence"] = "token"

    def __post_init__(self) -> None:
        if not self.clip > 0 or not (self.clip_high is None or self.clip_high > 0) or not self.kl >= 0:
            raise BadInput(f"clip={self.clip} and clip_high={self.clip_high} must be positive and kl={self.kl} at least 0")
        if self.per not in ("token", "sequence", "constant") or self.importance not in ("token", "sequence"):
            raise BadInput(f"per={self.per!r} must be token, sequence or constant, importance={self.importance!r} token or sequence")
        if (self.max_tokens >= 1) != (self.per == "constant") or self.max_tokens < 0:
            raise BadInput(f"max_tokens={self.max_tokens} goes with per=constant, and per=constant needs it to be at least 1")

    @property
    def reads(self) -> tuple[str, ...]:  # type: ignore[override]
        """The streams it uses: start_logprobs only with a penalty."""
        return ("advantage", "sampler_logprobs", "mask", *(("start_logprobs",) if self.kl else ()))

    def count(self, examples: Sequence[Example]) -> float:
        """Trained items, examples, or examples x max_tokens, of the whole optimizer step; at least 1."""
        if self.per == "token":
            return trained_items(examples, "mask")
        return float(max(1, len(examples)) * (self.max_tokens if self.per == "constant" else 1))

    def __call__(self, batch: Mapping[str, Any]) -> Any:
        """Sum over logprobs f[N] with the streams f[N]; items with mask 0 may hold any number, even -inf."""
        trained_N = batch["mask"] != 0
        logprobs_M, sampler_M, advantage_M = (batch[k][trained_N] for k in ("logprobs", "sampler_logprobs", "advantage"))
        example_M = batch["example"][trained_N]
        lengths_D = segment_lengths(logprobs_M, example_M, batch["examples"])
        log_ratio_M = logprobs_M - sampler_M
        if self.importance == "sequence":
            log_ratio_M = (segment_sum(log_ratio_M, example_M, batch["examples"]) / lengths_D)[example_M]
        ratio_M = log_ratio_M.exp()
        high = self.clip if self.clip_high is None else self.clip_high
        clipped_M = ratio_M.clamp(1 - self.clip, 1 + high)
        losses_M = -(ratio_M * advantage_M).minimum(clipped_M * advantage_M)
        if self.kl:
            start_M = batch["start_logprobs"][trained_N] - logprobs_M
            penalty_M = start_M.exp() - start_M - 1
            losses_M = losses_M + self.kl * (ratio_M * penalty_M if self.kl_ratio else penalty_M)
        if self.per == "sequence":
            losses_M = losses_M / lengths_D[example_M]
        return losses_M.sum()
