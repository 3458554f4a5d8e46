"""Preference pairs: the best attempt of a group against its worst."""

from asyncio import gather
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from selftaught.parts import BadInput, part
from selftaught.protocols import Run
from selftaught.stages import Credit
from selftaught.train.credit.streams import comparable, mask_of, source_of, start_logprobs
from selftaught.types import Attempt, Example, Group


@part
@dataclass(frozen=True, kw_only=True)
class Pairs(Credit):
    """Highest against lowest score, for DPO (self-rewarding language models, arXiv:2401.10020).

    The earliest of equals is taken on either side. A group whose best and worst do not differ by more than
    the margin, or say the same, gives no pair.

    Attributes:
        score: name of the scores that are compared.
        margin: least difference of the two scores, exclusive, >= 0.
        by_view: one pair for each wording of the task, so that both sides answer the same prompt.

    Raises:
        BadInput: for a negative margin.
    """

    paper: ClassVar[str] = "arXiv:2401.10020"
    asks: ClassVar[tuple[str, ...]] = ("logprobs",)
    writes: ClassVar[tuple[str, ...]] = ("mask", "start_logprobs")
    score: str = "reward"
    margin: float = 0.0
    by_view: bool = True

    def __post_init__(self) -> None:
        if not self.margin >= 0:
            raise BadInput(f"margin={self.margin} must be at least 0")

    async def credit(self, run: Run, groups: Sequence[Group]) -> list[Example]:
        """At most one example, of two payloads, for each group (or view)."""
        wishes = []
        for group in groups:
            values_G = group.values(self.score)
            for indices in comparable(group, self.score, self.by_view):
                best, worst = indices[values_G[indices].argmax()], indices[values_G[indices].argmin()]
                chosen, rejected = group.attempts_G[best], group.attempts_G[worst]
                same = np.array_equal(chosen.payload.ids, rejected.payload.ids)
                if values_G[best] - values_G[worst] > self.margin and not same:
                    wishes.append(self.pair(run, group, chosen, rejected))
        return [example for example in await gather(*wishes) if example is not None]

    async def pair(self, run: Run, group: Group, chosen: Attempt, rejected: Attempt) -> Example | None:
        """One example, streams end to end; None when its anchor no longer fits the budget."""
        payloads = (chosen.payload, rejected.payload)
        start = await start_logprobs(run, f"pair:{chosen.id}:{rejected.id}", payloads)
        if start is None:
            return None
        streams = {"mask": np.concatenate([mask_of(p) for p in payloads]), "start_logprobs": start}
        source = source_of(group, chosen, self.score)
        return Example(payloads=payloads, streams=streams, attempt=chosen.id, source=source, generation=chosen.generation)
