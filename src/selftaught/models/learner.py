"""The learner: sums losses over micro-batches and takes the optimizer steps objectives ask for. It serves every model here."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Protocol

from torch import Tensor

from selftaught.models.heads import Heads
from selftaught.models.passes import OptimizerState, Pass
from selftaught.models.weights import Weights
from selftaught.parts import BadInput, record
from selftaught.stages import Objective
from selftaught.types import Example, content_hash


class Fused(Protocol):
    """Weights as a fast forward wants them, made of the module's own."""

    def leaves(self) -> Any:
        """The same, cut off from what made them, to be differentiated by."""

    def tensors(self) -> list[Tensor]:
        """All of them, in one order."""


class Outputs(Protocol):
    """What the learner asks of a model: which outputs it gives, over how many examples at once, by which weights.

    Attributes:
        below: the output that heads are computed from.
    """

    below: str

    def refuse_unknown(self, names: Sequence[str], heads: Collection[str]) -> None:
        """Raises BadInput for an output that the model with these heads does not give."""

    def micro_batches(self, examples: Sequence[Example], limit: int) -> Iterator[list[int]]:
        """Indices of the examples in runs of at most `limit` items; BadInput for payloads the model does not take."""

    def fused(self) -> Fused | None:
        """Weights for a fast forward; None where there is none."""

    def compute(
        self, examples: Sequence[Example], names: Sequence[str], batch: Mapping[str, Any], reads: Sequence[str], fused: Any,
        key: Sequence[int], weights: str,
    ) -> dict[str, Tensor]:  # fmt: skip
        """Named outputs of examples; `batch` has their streams, of which losses read `reads`; noise depends on `key` alone.

        `weights` is whose outputs these are, for what stands beside the weights in use.
        """


class Learner:
    """Optimizer states, and the steps they take, over one model's named weights and heads.

    Attributes:
        weights: named weights of the model.
        heads: extra modules by name, over the output `outputs.below`.
        outputs: what computes the model's outputs.
        states: optimizer state by content of the optimizer part and name of the weights.
    """

    def __init__(self, weights: Weights, heads: Heads, seed: int, outputs: Outputs) -> None:
        self.weights, self.heads, self.seed, self.outputs = weights, heads, seed, outputs
        self.states: dict[str, OptimizerState] = {}

    def learn(self, examples: Sequence[Example], objectives: Sequence[Objective], limit: int) -> dict[str, float]:
        """Train on all examples; returns metrics by name.

        Args:
            examples: with payloads of the model's kind.
            objectives: all due; those with equal optimizers (and weights) share steps.
            limit: most items of a micro-batch, unless one example has more, or a loss wants the whole batch.
        """
        self.heads.make(n for o in objectives for n in (*o.loss.needs, *o.loss.modules, *o.updates) if n in self.heads.sizes)
        groups: dict[tuple[Any, str], list[Objective]] = {}
        for objective in objectives:
            names = [name for name in objective.updates if name not in self.heads]
            if len(names) > 1:
                raise BadInput(f"an objective updates one set of weights, not {', '.join(names)}: split it")
            groups.setdefault((objective.optimizer, names[0] if names else "policy"), []).append(objective)
        metrics: dict[str, float] = {}
        if not examples:
            return metrics
        for (optimizer, name), group in groups.items():
            if any(name in objective.updates for objective in group):
                self.weights.before_change(name)
            state = self.states.setdefault(content_hash(record(optimizer), name), OptimizerState())
            with self.weights.use(name):
                found = Pass(self, group, optimizer, name, state, limit).run(examples)
            metrics |= {key: metrics.get(key, 0.0) + value if key == "tokens" else value for key, value in found.items()}
        return metrics

    def drop(self, name: str) -> None:
        """Forget what optimizers know of named weights."""
        self.states = {key: state for key, state in self.states.items() if name not in state.moments}

    def saved(self) -> dict[str, Any]:
        """Optimizer states and heads, for torch.save."""
        states = {key: {"steps": s.steps, "moments": s.moments} for key, s in self.states.items()}
        return {"optimizers": states, "heads": {name: head.state_dict() for name, head in self.heads.items()}}

    def restore(self, saved: Mapping[str, Any]) -> None:
        """The inverse of `saved`."""
        self.heads.clear()
        self.heads.make(saved["heads"])
        for name, state in saved["heads"].items():
            self.heads[name].load_state_dict(state)
        self.states = {key: OptimizerState(s["steps"], s["moments"]) for key, s in saved["optimizers"].items()}
