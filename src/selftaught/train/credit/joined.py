"""Several credits over the same groups, for a phase whose objectives learn different things."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from selftaught.parts import BadInput, part
from selftaught.protocols import Run
from selftaught.stages import Credit
from selftaught.types import Example, Floats, Group

REMEDY = "take credits that write different streams, or of different roles"


@part
@dataclass(frozen=True, kw_only=True)
class Joined(Credit):
    """The streams of all its parts; examples of one attempt become one, and streams a part did not write are 0.

    Attributes:
        parts: credits that write different streams, or the same ones for attempts of different roles.

    Raises:
        BadInput: when two parts write the same stream without being of two roles; and when they do so for one attempt.
    """

    parts: tuple[Credit, ...] = ()

    def __post_init__(self) -> None:
        for one, other in combinations(self.parts, 2):
            roles = {getattr(one, "role", ""), getattr(other, "role", "")}
            if (twice := set(one.writes) & set(other.writes)) and (len(roles) == 1 or "" in roles):
                raise BadInput(f"joined: two credits write {', '.join(sorted(twice))}: {REMEDY}")

    @property
    def writes(self) -> tuple[str, ...]:  # type: ignore[override]
        """The streams of all parts."""
        return tuple(dict.fromkeys(name for credit in self.parts for name in credit.writes))

    async def credit(self, run: Run, groups: Sequence[Group]) -> list[Example]:
        """One example for each attempt any part has one for."""
        merged: dict[object, Example] = {}
        for credit in self.parts:
            for example in await credit.credit(run, groups):
                key = (example.attempt, *(id(payload) for payload in example.payloads))
                old = merged.get(key)
                if old and (twice := set(old.streams) & set(example.streams)):
                    raise BadInput(f"joined: two credits write {', '.join(sorted(twice))} for attempt {example.attempt}: {REMEDY}")
                merged[key] = replace(old, streams={**old.streams, **example.streams}) if old else example
        # A stream no example of this step carries is still read by its loss.
        widths: dict[str, tuple[int, ...]] = dict.fromkeys(self.writes, ())
        widths |= {name: stream.shape[1:] for example in merged.values() for name, stream in example.streams.items()}
        return [replace(example, streams={**nothing(example, widths), **example.streams}) for example in merged.values()]


def nothing(example: Example, widths: dict[str, tuple[int, ...]]) -> dict[str, Floats]:
    """Streams of zeros over an example's items."""
    items = sum(len(payload) for payload in example.payloads)
    return {name: np.zeros((items, *width), np.float32) for name, width in widths.items()}
