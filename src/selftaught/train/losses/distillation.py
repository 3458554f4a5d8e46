"""Distillation from a teacher's likeliest tokens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from selftaught.parts import BadInput, part
from selftaught.stages import Loss
from selftaught.train.losses.segments import trained_items
from selftaught.types import Example


@part
@dataclass(frozen=True, kw_only=True)
class TopDistillation(Loss):
    """KL divergence of a teacher's K likeliest tokens from the student's, as self-study trains cartridges (arXiv:2506.06266).

        sum_n sum_k t_nk (log t_nk - log s_nk) / #items with mask != 0

    t and s are probabilities in the whole vocabulary, so the K terms do not sum to a divergence: what the teacher gives to
    other tokens is dropped. `rest` "bucket" adds it as one more token, of probability 1 - sum_k, which makes the sum a
    lower bound of the divergence that is 0 only where both agree. A place with teacher_logprobs = -inf is no token.

    Departs from the paper, whose cross entropy lacks the constant t log t and is a mean over items x K.

    Attributes:
        rest: "drop" or "bucket".

    Raises:
        BadInput: for another `rest`.
    """

    paper: ClassVar[str] = "arXiv:2506.06266"
    needs: ClassVar[tuple[str, ...]] = ("logprobs@teacher_ids",)
    reads: ClassVar[tuple[str, ...]] = ("teacher_ids", "teacher_logprobs", "mask")
    rest: Literal["drop", "bucket"] = "drop"

    def __post_init__(self) -> None:
        if self.rest not in ("drop", "bucket"):
            raise BadInput(f"rest={self.rest!r} must be drop or bucket")

    def count(self, examples: Sequence[Example]) -> float:
        """Items with a teacher, of the whole optimizer step; at least 1."""
        return trained_items(examples, "mask")

    def __call__(self, batch: Mapping[str, Any]) -> Any:
        """Sum over the student's f[N,K] at teacher_ids against teacher_logprobs f[N,K], where mask f[N] is not 0."""
        taught_N = batch["mask"] != 0
        student_M_K, teacher_M_K = batch["logprobs@teacher_ids"][taught_N], batch["teacher_logprobs"][taught_N]
        real_M_K = teacher_M_K.isfinite()
        # zeroed before they are multiplied: 0 times infinity is no number
        gap_M_K = (teacher_M_K - student_M_K).masked_fill(~real_M_K, 0.0)
        share_M_K = teacher_M_K.exp()
        total = (share_M_K * gap_M_K).sum()
        if self.rest == "bucket":
            given_M, kept_M = share_M_K.sum(-1), student_M_K.exp().masked_fill(~real_M_K, 0.0).sum(-1)
            # rounding may leave less than nothing
            left_M, lost_M = ((1 - one_M).clamp(min=1e-7) for one_M in (given_M, kept_M))
            total = total + (left_M * (left_M.log() - lost_M.log())).sum()
        return total
