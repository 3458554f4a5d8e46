"""Several credits over the same groups, for a phase whose objectives learn different things."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from selftaught.parts import BadInput, part
from selftaught.protocols import Run
from selftaught.stages import Credit
from selftaught.types import Example, Floats, Group


@part
@dataclass(frozen=True, kw_only=True)
class Joined(Credit):
    """The streams of all its parts; examples of one attempt become one, and streams a part did not write are 0.

    Attributes:
        parts: credits that write different streams.

    Raises:
        BadInput: when two parts write the same stream.
    """

    parts: tuple[Credit, ...] = ()

    def __post_init__(self) -> None:
        names = [name for credit in self.parts for name in credit.writes]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise BadInput(f"joined: two credits write {', '.join(twice)}: take credits that write different streams")

    @property
    def writes(self) -> tuple[str, ...]:  # type: ignore[override]
        """The streams of all parts."""
        return tuple(name for credit in self.parts for name in credit.writes)

    async def credit(self, run: Run, groups: Sequence[Group]) -> list[Example]:
        """One example for each attempt any part has one for."""
        merged: dict[object, Example] = {}
        for credit in self.parts:
            for example in await credit.credit(run, groups):
                key = (example.attempt, *(id(payload) for payload in example.payloads))
                old = merged.get(key)
                merged[key] = replace(old, streams={**old.streams, **example.streams}) if old else example
        # A stream no example of this step carries is still read by its loss.
        widths: dict[str, tuple[int, ...]] = dict.fromkeys(self.writes, ())
        widths |= {name: stream.shape[1:] for example in merged.values() for name, stream in example.streams.items()}
        return [replace(example, streams={**nothing(example, widths), **example.streams}) for example in merged.values()]


def nothing(example: Example, widths: dict[str, tuple[int, ...]]) -> dict[str, Floats]:
    """Streams of zeros over an example's items."""
    items = sum(len(payload) for payload in example.payloads)
    return {name: np.zeros((items, *width), np.float32) for name, width in widths.items()}
