"""Advantages relative to the group: what GRPO and its relatives train on."""

from asyncio import gather
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from selftaught.parts import BadInput, part
from selftaught.protocols import Run
from selftaught.stages import Credit
from selftaught.train.credit.streams import comparable, differ, policy_example, source_of
from selftaught.types import Example, Floats, Group


def centred(rewards_G: Floats, scale: str) -> Floats:
    """f32[G]: rewards minus their mean, divided by (standard deviation, n - 1, + 1e-4) when scale is "std"."""
    rewards = rewards_G.astype(np.float64)
    spread = rewards.std(ddof=1) + 1e-4 if scale == "std" and len(rewards) > 1 else 1.0
    advantages_G: Floats = ((rewards - rewards.mean()) / spread).astype(np.float32)
    return advantages_G


@part
@dataclass(frozen=True, kw_only=True)
class GroupCentred(Credit):
    """advantage_i = reward_i - mean of the group, on every sampled token (GRPO arXiv:2402.03300, Dr. GRPO 2503.20783).

    Attempts without a score are in neither the mean nor the examples. Departs from GRPO in leaving out groups
    whose rewards are all equal (their gradient is 0, their tokens would only dilute the mean).

    Attributes:
        scale: "std" divides by the group's standard deviation as GRPO does, "none" does not (Dr. GRPO).
        score: name of the scores that are the reward.
        by_view: compare attempts at the same wording of the task only.
        role: only attempts with this role; "" takes all.
        anchor: also write start_logprobs, which PolicyGradient needs when its kl is not 0.

    Raises:
        BadInput: for another scale.
    """

    paper: ClassVar[str] = "arXiv:2402.03300"
    scale: Literal["none", "std"] = "none"
    score: str = "reward"
    by_view: bool = True
    role: str = ""
    anchor: bool = False

    def __post_init__(self) -> None:
        if self.scale not in ("none", "std"):
            raise BadInput(f"scale={self.scale!r} must be none or std")

    @property
    def asks(self) -> tuple[str, ...]:  # type: ignore[override]
        """The anchor is scored."""
        return ("logprobs",) if self.anchor else ()

    @property
    def writes(self) -> tuple[str, ...]:  # type: ignore[override]
        """The streams of its examples: start_logprobs only when anchored."""
        return ("advantage", "mask", "sampler_logprobs", *(("start_logprobs",) if self.anchor else ()))

    async def credit(self, run: Run, groups: Sequence[Group]) -> list[Example]:
        """One example for each scored attempt of a group (or view) with signal."""
        wishes = []
        for group in groups:
            values_G = group.values(self.score)
            for indices in comparable(group, self.score, self.by_view, self.role):
                if differ(values_G[indices]):
                    for i, advantage in zip(indices, centred(values_G[indices], self.scale), strict=True):
                        attempt = group.attempts_G[i]
                        source = source_of(group, attempt, self.score)
                        wishes.append(policy_example(run, attempt, float(advantage), source, self.anchor))
        # Only an anchor has something to wait for; tasks for the rest would cost more than what they do.
        made = await gather(*wishes) if self.anchor else [await wish for wish in wishes]
        return [example for example in made if example is not None]
