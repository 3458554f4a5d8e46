"""Tables: rows of scikit-learn's bundled data sets as tasks without words."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from selftaught.parts import BadInput, nearest, part
from selftaught.payloads.rows import Rows
from selftaught.stages import TaskSource
from selftaught.tasks.text import text_fingerprint
from selftaught.types import Floats, Sealed, Split, Task, content_hash

TABLES = ("breast_cancer", "wine", "digits", "diabetes")
# Where in [0, 1) of a row's hash each split lives.
BLOCKS: Mapping[Split, tuple[float, float]] = {"held-out": (0, 0.3), "development": (0.3, 0.35), "audit": (0.35, 0.4), "train": (0.4, 1)}


@lru_cache(maxsize=8)
def load(table: str) -> tuple[Floats, NDArray[np.float64]]:
    """(values f32[B,F] with mean 0 and variance 1 a column, labels [B]); raises BadInput without scikit-learn."""
    try:
        from sklearn import datasets
    except ImportError:
        raise BadInput("tables need scikit-learn: pip install 'selftaught[tables]'") from None
    values_B_F, labels_B = getattr(datasets, f"load_{table}")(return_X_y=True)
    spread_F = values_B_F.std(0)
    kept_F = spread_F > 0
    return ((values_B_F - values_B_F.mean(0)) / np.where(kept_F, spread_F, 1))[:, kept_F].astype(np.float32), labels_B


@lru_cache(maxsize=32)
def inside(table: str, low: float, high: float) -> tuple[Floats, NDArray[np.float64]]:
    """The rows of a table, and their labels, whose content lies in a block."""
    values_B_F, labels_B = load(table)
    chosen = [i for i, row in enumerate(values_B_F) if low <= int(content_hash(row.tolist()), 16) / 2**64 < high]
    return values_B_F[chosen], labels_B[chosen]


@part
@dataclass(frozen=True, kw_only=True)
class Tables(TaskSource):
    """One row a task: `payload` is Rows of f32[1,F] with nothing hidden, the label is sealed.

    Columns are standardized over the whole table (no label is looked at) and constant ones left out. Which split a
    row belongs to depends on its content.

    Attributes:
        table: breast_cancer, wine, digits or diabetes (whose label is a number).
    """

    name: ClassVar[str] = "table"
    table: str = "wine"

    def __post_init__(self) -> None:
        if self.table not in TABLES:
            raise BadInput(f"unknown table '{self.table}': {nearest(self.table, TABLES)}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """`table:wine` as a source."""
        return cls(table=text.partition(":")[2])

    def text(self) -> str:
        return f"table:{self.table}"

    @property
    def regression(self) -> bool:
        """Whether labels are numbers, and not classes."""
        return self.table == "diabetes"

    def rows(self, split: Split) -> tuple[Floats, NDArray[np.float64]]:
        """(values f32[B,F], labels [B]) of a split, for probes."""
        return inside(self.table, *BLOCKS[split])

    def draw(self, key: str, count: int, split: Split) -> list[Task]:
        values_B_F, labels_B = self.rows(split)
        rng = np.random.default_rng(int(content_hash(key, split, self.text()), 16))
        picked = rng.permutation(len(labels_B))[:count]
        return [self.task(values_B_F[i : i + 1], labels_B[i], split) for i in picked]

    def task(self, values_1_F: Floats, label: Any, split: Split) -> Task:
        """A row as a task; its prompt names the row for people and logs."""
        mark = content_hash(values_1_F.tolist(), self.text())
        rows, sealed = Rows.whole(values_1_F), Sealed({"answer": float(label)})
        return Task(id=mark, prompt=f"row {mark} of {self.table}", payload=rows, sealed=sealed, source=self.text(), split=split)

    def fingerprint(self, task: Task) -> str:
        return content_hash(task.payload.values.tolist()) if getattr(task.payload, "form", "") == "rows" else text_fingerprint(task.text)
