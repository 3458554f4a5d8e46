"""What the learner is told: losses, optimizers and objectives. It never learns a method's name."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from selftaught.parts import BadInput, Part
from selftaught.types import Example


@dataclass(frozen=True, kw_only=True)
class Loss(Part):
    """A pure function of a batch's outputs and streams.

    Attributes:
        needs: model outputs it uses ("logprobs", "entropy", "value", "prediction").
        reads: streams it uses.
        modules: names of `Recipe.modules` it uses itself (a queue, prototypes, the other player), in `batch["modules"]`.
        whole: it is no sum over examples, so it is given all of an optimizer step's examples at once.
    """

    kind: ClassVar[str] = "loss"
    needs: ClassVar[tuple[str, ...]] = ("logprobs",)
    reads: ClassVar[tuple[str, ...]] = ()
    modules: ClassVar[tuple[str, ...]] = ()
    whole: ClassVar[bool] = False

    def count(self, examples: Sequence[Example]) -> float:
        """The global denominator over an optimizer step's examples, so that micro-batches do not matter."""
        return float(len(examples))

    @abstractmethod
    def __call__(self, batch: Mapping[str, Any]) -> Any:
        """Sum over the batch (a scalar tensor), to be divided by `count`.

        `batch` holds tensors over N items (all payloads of all examples, end to end): the outputs it needs,
        the streams it reads, `example` i64[N] and `payload` i64[N], the example's index and the payload's
        index within its example, `examples`, the number of examples, and `modules` by name.
        """


@dataclass(frozen=True, kw_only=True)
class Module(Part):
    """A torch module beside the model, under a name in `Recipe.modules`; trained where an objective's `updates` names it.

    A loss that needs an output of that name is given the module's on the model's hidden states or features; a loss that
    names it among its `modules` is given the module. Its parameters and buffers are saved with every generation.
    """

    kind: ClassVar[str] = "module"

    @abstractmethod
    def build(self, width: int) -> Any:
        """The module, over states of that width; what it draws comes from torch's generator, which is seeded."""


@dataclass(frozen=True, kw_only=True)
class Optimizer(Part):
    """How gradients become weights; see `train.optim`."""

    kind: ClassVar[str] = "optimizer"


@dataclass(frozen=True, kw_only=True)
class Objective:
    """One loss, and who learns from it how. Objectives with equal optimizers share their steps.

    Attributes:
        updates: names of the weights or modules it changes.
        every, offset: learn on every k-th step of the run only, from step `offset` on; by them objectives alternate.
        weight: factor of this loss in the sum.
    """

    loss: Loss
    optimizer: Optimizer
    updates: tuple[str, ...] = ("policy",)
    every: int = 1
    offset: int = 0
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.offset < self.every:
            raise BadInput(f"every={self.every} must be at least 1, and offset={self.offset} at least 0 and below it")

    def due(self, step: int) -> bool:
        """Whether a step of the run learns by it."""
        return step % self.every == self.offset
