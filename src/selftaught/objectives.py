"""What the learner is told: losses, optimizers and objectives. It never learns a method's name."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from selftaught.parts import Part
from selftaught.types import Example


@dataclass(frozen=True, kw_only=True)
class Loss(Part):
    """A pure function of a batch's outputs and streams.

    Attributes:
        needs: model outputs it uses ("logprobs", "entropy", "value", "prediction").
        reads: streams it uses.
    """

    kind: ClassVar[str] = "loss"
    needs: ClassVar[tuple[str, ...]] = ("logprobs",)
    reads: ClassVar[tuple[str, ...]] = ()

    def count(self, examples: Sequence[Example]) -> float:
        """The global denominator over an optimizer step's examples, so that micro-batches do not matter."""
        return float(len(examples))

    @abstractmethod
    def __call__(self, batch: Mapping[str, Any]) -> Any:
        """Sum over the batch (a scalar tensor), to be divided by `count`.

        `batch` holds tensors over N items (all payloads of all examples, end to end): the outputs it needs,
        the streams it reads, `example` i64[N] and `payload` i64[N], the example's index and the payload's
        index within its example, and `examples`, the number of examples.
        """


@dataclass(frozen=True, kw_only=True)
class Optimizer(Part):
    """How gradients become weights; see `train.optim`."""

    kind: ClassVar[str] = "optimizer"


@dataclass(frozen=True, kw_only=True)
class Objective:
    """One loss, and who learns from it how. Objectives with equal optimizers share their steps.

    Attributes:
        updates: names of the weights or modules it changes.
        every: learn on every k-th step of the run only.
        weight: factor of this loss in the sum.
    """

    loss: Loss
    optimizer: Optimizer
    updates: tuple[str, ...] = ("policy",)
    every: int = 1
    weight: float = 1.0
