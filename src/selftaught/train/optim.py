"""How gradients become weights. A declaration: the learner behind the model builds what it says."""

import math
from dataclasses import dataclass
from typing import ClassVar

from selftaught.parts import BadInput, part
from selftaught.stages import Optimizer


@part
@dataclass(frozen=True, kw_only=True)
class AdamW(Optimizer):
    """Adam with decoupled weight decay (arXiv:1711.05101) and a gradient norm limit.

    Attributes:
        lr: learning rate after warm-up; 0 changes nothing.
        betas: decay of the first and second moment, each in [0, 1).
        weight_decay: decoupled, >= 0.
        max_norm: the global gradient norm is scaled down to this, > 0; inf leaves it alone.
        epochs: passes over a step's examples.
        minibatches: optimizer steps of one pass.
        warmup: optimizer steps over which lr rises linearly from 0.
        decay: optimizer steps over which lr then falls linearly to 0; 0 keeps it constant.

    Raises:
        BadInput: for values out of range.
    """

    name: ClassVar[str] = "adamw"
    paper: ClassVar[str] = "arXiv:1711.05101"
    lr: float = 2e-5
    betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = 0.0
    max_norm: float = 1.0
    epochs: int = 1
    minibatches: int = 1
    warmup: int = 0
    decay: int = 0

    def __post_init__(self) -> None:
        if len(self.betas) != 2 or not all(0 <= beta < 1 for beta in self.betas):
            raise BadInput(f"betas={self.betas} must be two numbers in [0, 1)")
        if not (0 <= self.lr < math.inf and 0 <= self.weight_decay < math.inf and self.max_norm > 0):
            raise BadInput(f"lr={self.lr}, weight_decay={self.weight_decay} must be numbers from 0 and max_norm={self.max_norm} above 0")
        if self.epochs < 1 or self.minibatches < 1 or self.warmup < 0 or self.decay < 0:
            raise BadInput(f"epochs={self.epochs} and minibatches={self.minibatches} must be at least 1, warmup and decay at least 0")

    def rate(self, step: int) -> float:
        """The learning rate of optimizer step `step`, counted from 1."""
        rising = min(1.0, step / max(1, self.warmup))
        return self.lr * rising * (max(0.0, 1 - max(0, step - 1 - self.warmup) / self.decay) if self.decay else 1.0)
