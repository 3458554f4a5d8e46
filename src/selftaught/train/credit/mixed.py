"""Several credits over the same groups, so that several losses can share an optimizer step."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from selftaught.models.base import Run
from selftaught.parts import BadInput, part
from selftaught.stages import Credit
from selftaught.types import Example, Group


@part
@dataclass(frozen=True, kw_only=True)
class Mixed(Credit):
    """The examples of all parts; streams a part does not write are 0 on its examples, so losses skip them there.

    Attributes:
        parts: the credits, in order.
    """

    parts: tuple[Credit, ...] = ()

    def __post_init__(self) -> None:
        if not all(isinstance(inner, Credit) for inner in self.parts):
            raise BadInput("mixed: parts must be credits")

    @property
    def writes(self) -> tuple[str, ...]:  # type: ignore[override]
        """Every stream any part writes."""
        return tuple(dict.fromkeys(name for inner in self.parts for name in inner.writes))

    async def credit(self, run: Run, groups: Sequence[Group]) -> list[Example]:
        examples = []
        for inner in self.parts:
            for example in await inner.credit(run, groups):
                items = sum(len(payload) for payload in example.payloads)
                missing = {name: np.zeros(items, np.float32) for name in self.writes if name not in example.streams}
                examples.append(replace(example, streams={**example.streams, **missing}))
        return examples
