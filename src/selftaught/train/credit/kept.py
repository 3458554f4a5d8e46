"""Rejection sampling: fine-tune on the attempts whose score passes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from selftaught.parts import BadInput, part
from selftaught.protocols import Run
from selftaught.stages import Credit
from selftaught.train.credit.streams import comparable, mask_of, retarget, source_of
from selftaught.types import Attempt, Example, Floats, Group


@part
@dataclass(frozen=True, kw_only=True)
class Kept(Credit):
    """weight = 1 on the sampled tokens of attempts with score > threshold (STaR, arXiv:2203.14465).

    Attributes:
        threshold: attempts at or below it, and unscored ones, are not trained on; below every score keeps all.
        score: name of the scores that are compared.
        best: keep at most so many of a group, highest first, earliest of equals; 0 keeps all.
        distinct: of attempts with the same text keep the first (after ordering by score when `best` is set).
        weighting: "balanced" scales the weights so that every group has the same sum of weights over its
            tokens, and their mean over all trained tokens stays 1; "uniform" leaves them at 1.
        role: only attempts with this role; "" takes all.
        retarget: train on what the model wrote last as the reply to the first turn (a revision as a first answer).
        last_turn: train on what the model wrote last only (a revision without the draft before it).

    Raises:
        BadInput: for values out of range.
    """

    paper: ClassVar[str] = "arXiv:2203.14465"
    writes: ClassVar[tuple[str, ...]] = ("weight",)
    threshold: float = 0.5
    score: str = "reward"
    best: int = 0
    distinct: bool = False
    weighting: Literal["uniform", "balanced"] = "uniform"
    role: str = ""
    retarget: bool = False
    last_turn: bool = False

    def __post_init__(self) -> None:
        if np.isnan(self.threshold) or self.best < 0:
            raise BadInput(f"threshold={self.threshold} must be a number and best={self.best} at least 0")
        if self.weighting not in ("uniform", "balanced"):
            raise BadInput(f"weighting={self.weighting!r} must be uniform or balanced")

    def chosen(self, group: Group) -> list[Attempt]:
        """The attempts of one group that are trained on, in the group's order."""
        values_G: Floats = group.values(self.score)
        indices = [int(i) for found in comparable(group, self.score, False, self.role) for i in found if values_G[i] > self.threshold]
        if self.best:
            indices.sort(key=lambda i: -values_G[i])
        if self.distinct:
            first: dict[str, int] = {}
            for i in indices:
                first.setdefault(group.attempts_G[i].text, i)
            indices = list(first.values())
        return [group.attempts_G[i] for i in sorted(indices[: self.best or None])]

    async def credit(self, run: Run, groups: Sequence[Group]) -> list[Example]:
        """One example for each attempt kept."""
        kept = [(group, attempts) for group in groups if (attempts := self.chosen(group))]
        payloads_P = [[retarget(a.payload) if self.retarget else a.payload for a in attempts] for _, attempts in kept]
        masks_P = [[mask_of(payload, self.last_turn) for payload in payloads] for payloads in payloads_P]
        tokens_P = [float(sum(mask_T.sum() for mask_T in masks)) for masks in masks_P]
        examples = []
        for (group, attempts), payloads, masks, tokens in zip(kept, payloads_P, masks_P, tokens_P, strict=True):
            weight = sum(tokens_P) / (len(kept) * tokens) if self.weighting == "balanced" else 1.0
            for a, payload, mask_T in zip(attempts, payloads, masks, strict=True):
                streams = {"weight": (weight * mask_T).astype(np.float32)}
                source = source_of(group, a, self.score)
                examples.append(Example(payloads=(payload,), streams=streams, attempt=a.id, source=source, generation=a.generation))
        return examples
