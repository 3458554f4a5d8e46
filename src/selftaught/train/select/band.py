"""A band of agreement: neither what everyone gets right nor what nobody can tell."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from selftaught.parts import BadInput, part
from selftaught.protocols import Run
from selftaught.stages import Select
from selftaught.types import Group


@part
@dataclass(frozen=True, kw_only=True)
class Band(Select):
    """Keeps groups whose highest confidence (the winner's share of a vote) lies in [low, high].

    A group without such a score is dropped. The share dropped is noted as `outside_band_groups`.

    Attributes:
        low: least confidence, inclusive.
        high: greatest confidence, inclusive.
        score: name of the scores whose confidence is read; unscored attempts (NaN) do not count.

    Raises:
        BadInput: unless 0 <= low <= high <= 1.
    """

    low: float = 0.0
    high: float = 1.0
    score: str = "reward"

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.high <= 1:
            raise BadInput(f"0 <= low={self.low} <= high={self.high} <= 1 is needed")

    def select(self, run: Run, groups: Sequence[Group]) -> list[Group]:
        """The groups inside the band, in order."""
        kept = []
        for group in groups:
            found = [s.confidence for s in group.scores if s.name == self.score and not np.isnan(s.value)]
            if found and self.low <= max(found) <= self.high:
                kept.append(group)
        if groups:
            run.note("outside_band_groups", 1 - len(kept) / len(groups))
        return kept
