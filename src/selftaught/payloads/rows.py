"""Rows of a table."""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from selftaught.payload import Payload
from selftaught.types import Bools, Floats


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Rows(Payload):
    """Rows of a table; an item is a row, and looking at it counts its values.

    Attributes:
        values: f32[B,F].
        mask: bool[B,F], True where a view hides the value.
    """

    form: ClassVar[str] = "rows"
    values: Floats
    mask: Bools

    @classmethod
    def whole(cls, values_B_F: Floats) -> Self:
        """Rows with nothing hidden."""
        return cls(values=values_B_F, mask=np.zeros(values_B_F.shape, np.bool_))

    def __len__(self) -> int:
        return len(self.values)

    @property
    def size(self) -> int:
        return int(self.values.size)

    @property
    def hidden_items(self) -> int:
        return int(self.mask.any(1).sum())

    def hiding(self, share: float, rng: np.random.Generator) -> Self:
        """A view with that share of each row's values hidden, at least one and all but one; needs two columns."""
        columns = self.values.shape[1]
        count = min(max(1, round(share * columns)), columns - 1)
        return replace(self, mask=rng.random(self.values.shape).argsort(1) < count)
