"""Regression of a value head on step values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from selftaught.parts import part
from selftaught.stages import Loss
from selftaught.train.losses.segments import trained_items
from selftaught.types import Example


@part
@dataclass(frozen=True, kw_only=True)
class ValueRegression(Loss):
    """Mean squared error of the value head on the items that carry a target (ReST-MCTS*, arXiv:2406.03816).

        sum_n (v_n - target_n)^2 / #items with a target

    Departs from the paper, whose value model is a network of its own: `updates` of the objective says whose
    head is trained.
    """

    paper: ClassVar[str] = "arXiv:2406.03816"
    needs: ClassVar[tuple[str, ...]] = ("value",)
    reads: ClassVar[tuple[str, ...]] = ("value_target", "mask")

    def count(self, examples: Sequence[Example]) -> float:
        """Items with a target, of the whole optimizer step; at least 1."""
        return trained_items(examples, "mask")

    def __call__(self, batch: Mapping[str, Any]) -> Any:
        """Sum over value f[N] against value_target f[N] where mask f[N] is not 0."""
        trained_N = batch["mask"] != 0
        return ((batch["value"][trained_N] - batch["value_target"][trained_N]) ** 2).sum()
