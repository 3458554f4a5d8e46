"""No selection and no weights: what a loss needs is in the payload."""

from collections.abc import Sequence
from dataclasses import dataclass

from selftaught.parts import part
from selftaught.protocols import Run
from selftaught.stages import Credit
from selftaught.types import Example, Group


@part
@dataclass(frozen=True, kw_only=True)
class Everything(Credit):
    """One example for each attempt, without streams, for losses whose target the model itself gives (LatentRegression)."""

    async def credit(self, run: Run, groups: Sequence[Group]) -> list[Example]:
        """Every attempt of every group, in order."""
        attempts = (attempt for group in groups for attempt in group.attempts_G)
        return [Example(payloads=(a.payload,), streams={}, attempt=a.id, generation=a.generation) for a in attempts]
