"""Two turns, two rewards: advantages and anchors that differ between a draft and its revision."""

from asyncio import gather
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from selftaught.parts import BadInput, part
from selftaught.protocols import Run
from selftaught.stages import Credit
from selftaught.train.credit.group_centred import centred
from selftaught.train.credit.streams import mask_of, policy_example, source_of, trainable
from selftaught.types import Attempt, Example, Floats, Group


@part
@dataclass(frozen=True, kw_only=True)
class Turns(Credit):
    """A revision's own tokens are paid by r2 + bonus (r2 - r1), those of the draft before it by r1 (SCoRe, arXiv:2409.12917).

        advantage_last  = r2 + bonus (r2 - r1) - mean of the group
        advantage_first = r1 - mean of the group, or 0

    Departs from the paper, whose return flows back to the draft: with a bonus that would pay for wrong drafts.
    Groups in which neither advantage differs from 0 give no examples.

    Attributes:
        score: name of the scores that are the rewards.
        first: whether drafts are paid (stage II) or only held (stage I).
        bonus: weight of progress (alpha), >= 0.
        anchor_first: weight of the KL penalty on the draft's tokens, for AnchorKL, >= 0.
        anchor_last: the same on the revision's.

    Raises:
        BadInput: for negative weights.
    """

    paper: ClassVar[str] = "arXiv:2409.12917"
    asks: ClassVar[tuple[str, ...]] = ("logprobs",)
    writes: ClassVar[tuple[str, ...]] = ("advantage", "mask", "sampler_logprobs", "start_logprobs", "anchor")
    score: str = "reward"
    first: bool = True
    bonus: float = 10.0
    anchor_first: float = 0.01
    anchor_last: float = 0.01

    def __post_init__(self) -> None:
        if not all(weight >= 0 for weight in (self.bonus, self.anchor_first, self.anchor_last)):
            raise BadInput(f"bonus={self.bonus}, anchor_first={self.anchor_first} and anchor_last={self.anchor_last} must be at least 0")

    async def credit(self, run: Run, groups: Sequence[Group]) -> list[Example]:
        """One example for each scored revision of a scored draft."""
        wishes = []
        for group in groups:
            rewards = dict(zip((a.id for a in group.attempts_G), group.values(self.score), strict=True))
            pairs = [(a, rewards.get(a.parents[0], np.nan), rewards[a.id]) for a in group.attempts_G if a.parents and trainable(a)]
            pairs = [pair for pair in pairs if not np.isnan(pair[1:]).any()]
            if not pairs:
                continue
            r1_G, r2_G = np.array([pair[1:] for pair in pairs], np.float32).T
            last_G = centred(r2_G + np.float32(self.bonus) * (r2_G - r1_G), "none")
            first_G = centred(r1_G, "none") if self.first else np.zeros_like(r1_G)
            if np.abs(last_G).max() > 1e-6 or np.abs(first_G).max() > 1e-6:
                wishes += [self.example(run, group, a, x, y) for (a, _, _), x, y in zip(pairs, first_G, last_G, strict=True)]
        return [example for example in await gather(*wishes) if example is not None]

    async def example(self, run: Run, group: Group, attempt: Attempt, first: Floats, last: Floats) -> Example | None:
        """The streams of one conversation; None when its anchor no longer fits the budget."""
        example = await policy_example(run, attempt, 0.0, source_of(group, attempt, self.score), anchor=True)
        if example is None:
            return None
        last_T = mask_of(attempt.payload, last_turn=True)
        first_T = mask_of(attempt.payload) - last_T
        advantage_T: Floats = (first * first_T + last * last_T).astype(np.float32)
        anchor_T: Floats = (self.anchor_first * first_T + self.anchor_last * last_T).astype(np.float32)
        streams = {**example.streams, "advantage": advantage_T, "anchor": anchor_T}
        return Example(payloads=example.payloads, streams=streams, attempt=attempt.id, source=example.source, generation=attempt.generation)
