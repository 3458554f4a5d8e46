"""A pass: one optimizer's steps over the examples of a step of the run."""

import math
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from selftaught.models.microbatch import sampled_of, tensors_of
from selftaught.stages import Objective
from selftaught.types import Example

if TYPE_CHECKING:
    from selftaught.models.learner import Learner

GAP = "sampler_logprobs"


@dataclass(slots=True, eq=False)
class OptimizerState:
    """Attributes: steps taken; moments, owner ("policy", a module) -> torch's state by parameter index."""

    steps: int = 0
    moments: dict[str, dict[int, dict[str, Any]]] = field(default_factory=dict)


class Pass:
    """One optimizer's passes over the examples."""

    def __init__(self, learner: "Learner", group: list[Objective], optimizer: Any, name: str, state: OptimizerState, limit: int) -> None:
        self.learner, self.group, self.optimizer, self.name, self.state = learner, group, optimizer, name, state
        self.limit = limit
        self.heads, self.device = learner.heads, next(learner.weights.module.parameters()).device
        self.prefix = bool(learner.weights.before(name))
        self.policy = not self.prefix and any(name in objective.updates for objective in group)
        # what is trained beside the model's own weights
        self.apart: dict[str, torch.nn.Module] = {**self.heads, **learner.weights.prefixes}
        owners = dict.fromkeys(owner for objective in group for owner in objective.updates)
        self.owned = {owner: self._parameters(owner) for owner in owners}
        self.needs = dict.fromkeys(need for objective in group for need in objective.loss.needs)
        learner.outputs.refuse_unknown(list(self.needs), self.heads)
        self.reads = dict.fromkeys(read for objective in group for read in objective.loss.reads)
        self.gaps: list[Tensor] = []

    def run(self, examples: Sequence[Example]) -> dict[str, float]:
        """All epochs and minibatches; returns metrics."""
        adam = {
            owner: torch.optim.AdamW(ps, lr=0.0, betas=tuple(self.optimizer.betas), weight_decay=self.optimizer.weight_decay)
            for owner, ps in self.owned.items()
        }
        for owner, one in adam.items():
            for i, moments in self.state.moments.get(owner, {}).items():
                p = self.owned[owner][i]
                one.state[p] = {key: value if key == "step" else value.to(p.device) for key, value in moments.items()}
        losses: dict[str, list[float]] = {}
        norms: list[float] = []
        for _ in range(self.optimizer.epochs):
            order = np.arange(len(examples))
            if self.optimizer.minibatches > 1:
                np.random.default_rng([self.learner.seed, self.state.steps]).shuffle(order)
            for part in np.array_split(order, min(self.optimizer.minibatches, len(examples))):
                for key, value in self.gradient([examples[i] for i in part], first=not norms).items():
                    losses.setdefault(key, []).append(value)
                norms.append(self.step(adam))
        for owner, one in adam.items():
            self.state.moments[owner] = {i: one.state[p] for i, p in enumerate(self.owned[owner]) if p in one.state}
        items = sum(len(payload) for example in examples for payload in example.payloads)
        metrics = {key: float(np.mean(values)) for key, values in losses.items()}
        metrics |= {"grad_norm": float(np.mean(norms)), "tokens": float(items * self.optimizer.epochs)}
        if self.gaps:
            gaps_K = torch.cat(self.gaps)
            metrics |= {"logprob_gap": float(gaps_K.mean()), "logprob_gap_max": float(gaps_K.max())}
        return metrics

    def gradient(self, examples: Sequence[Example], first: bool = False) -> dict[str, float]:
        """Leave the gradient of the weighted losses over `examples` in the parameters; returns the losses by name."""
        counts = [objective.loss.count(examples) for objective in self.group]
        found = {f"loss/{objective.loss.name}": 0.0 for objective in self.group}
        whole = any(objective.loss.whole for objective in self.group)
        runs = list(self.learner.outputs.micro_batches(examples, self.limit))
        with nullcontext() if self.policy else torch.no_grad():
            fused = self.learner.outputs.fused()
        # micro-batches differentiate by the fused weights, and what fused them is differentiated once
        packed = fused.leaves() if fused and self.policy else fused
        sought = {owner: packed.tensors() if packed and owner not in self.apart else list(ps) for owner, ps in self.owned.items()}
        sums: dict[int, Tensor] = {}
        for run in [list(range(len(examples)))] if whole else runs:
            batch, outputs = self.forward([examples[i] for i in run], first, packed, run[0])
            losses: dict[tuple[str, ...], Tensor] = {}
            for objective, count in zip(self.group, counts, strict=True):
                if not count:
                    continue
                loss = objective.loss(batch | outputs) / count
                found[f"loss/{objective.loss.name}"] += float(loss.detach())
                if loss.requires_grad and objective.weight:
                    losses[objective.updates] = losses.get(objective.updates, 0.0) + objective.weight * loss
            for left, (updates, loss) in zip(range(len(losses))[::-1], losses.items(), strict=True):
                given = [t for owner in updates for t in sought[owner]]
                for t, grad in zip(given, torch.autograd.grad(loss, given, retain_graph=left > 0, allow_unused=True), strict=True):
                    if grad is not None:
                        sums[id(t)] = sums[id(t)].add_(grad) if id(t) in sums else grad.float()
        for owner, ps in self.owned.items():
            grads: Sequence[Tensor | None] = [sums.get(id(t)) for t in sought[owner]]
            if fused and owner not in self.apart:
                told = [(t, g.to(t.dtype)) for t, g in zip(fused.tensors(), grads, strict=True) if g is not None and t.requires_grad]
                grads = torch.autograd.grad([t for t, _ in told], ps, [g for _, g in told], allow_unused=True) if told else [None] * len(ps)
            for p, one in zip(ps, grads, strict=True):
                p.grad = None if one is None else one.to(p.dtype)
        return found

    def step(self, adam: Mapping[str, torch.optim.AdamW]) -> float:
        """Clip and step; returns the gradient norm before clipping. A gradient that is not finite changes nothing."""
        ps = [p for group in self.owned.values() for p in group if p.grad is not None]
        norm = float(torch.nn.utils.clip_grad_norm_(ps, self.optimizer.max_norm)) if ps else 0.0
        self.state.steps += 1
        lr = self.optimizer.rate(self.state.steps)
        # at rate 0 even the sign of a zero must stay
        if lr > 0 and math.isfinite(norm):
            for one in adam.values():
                one.param_groups[0]["lr"] = lr
                one.step()
        for p in ps:
            p.grad = None
        return norm

    def forward(self, examples: Sequence[Example], first: bool, packed: Any, at: int) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """A micro-batch's index tensors, streams and modules, and the model's outputs on it; `at` is its first example's place."""
        model = self.learner.outputs
        gap = first and "logprobs" in self.needs and all(GAP in example.streams for example in examples)
        batch = tensors_of(examples, [*self.reads, *([GAP] if gap and GAP not in self.reads else [])], self.device)
        headed = [need for need in self.needs if need in self.heads]
        names = [need for need in self.needs if need not in self.heads]
        if headed and model.below not in names:
            names.append(model.below)
        with nullcontext() if self.policy or self.prefix else torch.no_grad():
            key = (self.learner.seed, self.state.steps, at)
            outputs = model.compute(examples, names, batch, list(self.reads), packed, key, self.name)
        for need in headed:
            outputs[need] = self.heads[need](outputs[model.below]).squeeze(-1)
        if gap:
            given_N = sampled_of(examples, self.device) & batch[GAP].ne(0)
            self.gaps.append((outputs["logprobs"].detach() - batch[GAP])[given_N].abs())
        return batch | {"modules": self.heads}, outputs

    def _parameters(self, owner: str) -> list[torch.nn.Parameter]:
        return list(self.apart[owner].parameters() if owner in self.apart else self.learner.weights.parameters().values())
