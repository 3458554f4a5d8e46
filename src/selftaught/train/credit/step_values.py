"""Step values become targets of a value head."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from selftaught.parts import part
from selftaught.protocols import Run
from selftaught.stages import Credit
from selftaught.types import Example, Group


@part
@dataclass(frozen=True, kw_only=True)
class StepValues(Credit):
    """value_target = the values a search gave to steps, for ValueRegression (ReST-MCTS*, arXiv:2406.03816).

    Attributes:
        score: name of the scores whose per_item f32[T] holds the values, NaN on items without one.

    Raises:
        ValueError: from `credit`, when per_item and payload differ in length.
    """

    paper: ClassVar[str] = "arXiv:2406.03816"
    writes: ClassVar[tuple[str, ...]] = ("value_target", "mask")
    score: str = "value"

    async def credit(self, run: Run, groups: Sequence[Group]) -> list[Example]:
        """One example for each attempt that has a value somewhere; the last score of that name counts."""
        examples = []
        for group in groups:
            last = {s.attempt: s for s in group.scores if s.name == self.score and s.per_item is not None}
            for attempt in group.attempts_G:
                score = last.get(attempt.id)
                if score is None or score.per_item is None:
                    continue
                values_T = score.per_item
                if len(values_T) != len(attempt.payload):
                    raise ValueError(f"{len(values_T)} values for the {len(attempt.payload)} items of attempt {attempt.id}")
                valued_T = ~np.isnan(values_T)
                if valued_T.any():
                    streams = {
                        "value_target": np.where(valued_T, values_T, 0).astype(np.float32),
                        "mask": valued_T.astype(np.float32),
                    }
                    payloads, source = (attempt.payload,), score.source
                    examples.append(
                        Example(payloads=payloads, streams=streams, attempt=attempt.id, source=source, generation=attempt.generation)
                    )
        return examples
