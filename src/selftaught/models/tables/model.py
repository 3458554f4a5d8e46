"""TableModel: the seven verbs over rows of a table, an encoder that learns to predict its own latents."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from selftaught.models.capabilities import TABLES
from selftaught.models.loading.digest import tensors_hash
from selftaught.models.tables.network import RowNetwork
from selftaught.models.weights import Weights
from selftaught.parts import BadInput, record
from selftaught.protocols import Member
from selftaught.stages import Objective
from selftaught.types import Attempt, Example, Floats, Message, Rows, SampleRequest, ScoreRequest, content_hash

OUTPUTS = ("prediction", "target")


class TableModel:
    """A transformer over the values of a row; an item is a row.

    `sample` draws views: the rows of the task with `settings.max_tokens` values of each hidden. `score` gives
    "features", the encoder's latents of all columns side by side, and `learn` the outputs "prediction" and
    "target": latents of the hidden values predicted from the others, and as the weights "ema" see them in the whole
    row. Budgets count a row's values when it is drawn and rows when they are learned from.

    Source: T-JEPA, arXiv:2410.05016.

    Attributes:
        features: number of columns.
        parameters: number of parameters of encoder and predictor.
        generation: version of the policy.
    """

    capabilities = TABLES
    lexicon = "rows"

    def __init__(self, features: int, modules: Mapping[str, Any] | None = None, seed: int = 0) -> None:
        """A fresh model; `modules` gives the sizes of "encoder" and "predictor" (see `row_network`)."""
        torch.manual_seed(seed)
        sizes = modules or {}
        self.network = RowNetwork(features, dict(sizes.get("encoder", {})), dict(sizes.get("predictor", {})))
        self.features, self.seed, self.generation = features, seed, 0
        self.parameters = sum(p.numel() for p in self.network.parameters())
        self.weights = Weights(self.network, lora=False)
        self.optimizers: dict[str, dict[str, Any]] = {}

    def member(self, weights: str = "policy") -> Member:
        """Itself, whatever the name."""
        return Member("", self.parameters)

    def count(self, messages: tuple[Message, ...], after: Attempt | None = None, cut: int | None = None, weights: str = "policy") -> int:
        """Values of a row."""
        return self.features

    async def sample(self, requests: Sequence[SampleRequest]) -> list[list[Attempt]]:
        """`n` views a request, each hiding values that depend on (noise key, index) alone."""
        return [[self._view(request, i) for i in range(request.n)] for request in requests]

    def _view(self, request: SampleRequest, index: int) -> Attempt:
        rows = self._rows(request.task.payload, request.key)
        rng = np.random.default_rng(int(content_hash(request.noise or request.key, index), 16))
        order_B_F = rng.random(rows.values.shape).argsort(1)
        payload = Rows(values=rows.values, mask=order_B_F < request.settings.max_tokens)
        return Attempt(
            id=f"{request.key}/{index}", task=request.task.id, payload=payload, role=request.role, view=request.view,
            sampler=request.weights, settings=request.settings, generation=self.generation,
        )  # fmt: skip

    async def score(self, requests: Sequence[ScoreRequest]) -> list[dict[str, Floats]]:
        """Per request {"features": f32[B,F*D]}; hidden values are not looked at."""
        found = []
        for request in requests:
            if set(request.outputs) - {"features"}:
                raise BadInput(f"a table model scores no {', '.join(request.outputs)}: ask for features")
            rows = self._rows(request.payload, request.key)
            with self.weights.use(request.weights), torch.no_grad():
                latents_B_F_D = self.network.encode(torch.tensor(rows.values), torch.tensor(rows.mask))
            found.append({"features": latents_B_F_D.flatten(1).numpy().copy()})
        return found

    def _rows(self, payload: Any, key: str) -> Rows:
        if not isinstance(payload, Rows) or payload.values.shape[1] != self.features:
            raise BadInput(f"{key}: a table model takes rows of {self.features} columns, not {type(payload).__name__}")
        return payload

    async def learn(self, examples: Sequence[Example], objectives: Sequence[Objective]) -> dict[str, float]:
        """Take the optimizer steps; returns "loss/NAME" and "grad_norm".

        Raises:
            BadInput: for an objective that changes other weights than the policy, or needs outputs tables do not have.
        """
        groups: dict[Any, list[Objective]] = {}
        for objective in objectives:
            if objective.updates != ("policy",) or set(objective.loss.needs) - set(OUTPUTS):
                raise BadInput(f"a table model learns its policy from {' and '.join(OUTPUTS)}, not by '{objective.loss.name}'")
            groups.setdefault(objective.optimizer, []).append(objective)
        self.weights.before_change("policy")
        metrics: dict[str, float] = {}
        for optimizer, group in groups.items():
            metrics |= self._fit(examples, group, optimizer)
        return metrics

    def _fit(self, examples: Sequence[Example], group: Sequence[Objective], optimizer: Any) -> dict[str, float]:
        parameters = list(self.network.parameters())
        adam = torch.optim.AdamW(parameters, lr=optimizer.lr, betas=tuple(optimizer.betas), weight_decay=optimizer.weight_decay)
        held = self.optimizers.setdefault(content_hash(record(optimizer)), {"steps": 0, "moments": {}})
        for i, moments in held["moments"].items():
            adam.state[parameters[i]] = moments
        seen: dict[str, list[float]] = {}
        for _ in range(optimizer.epochs):
            order = np.random.default_rng([self.seed, held["steps"]]).permutation(len(examples))
            for part in np.array_split(order, min(optimizer.minibatches, len(examples))):
                batch = self._batch([examples[i] for i in part])
                losses = {o.loss.name: o.loss(batch) / o.loss.count([examples[i] for i in part]) for o in group}
                adam.zero_grad()
                torch.stack([o.weight * losses[o.loss.name] for o in group]).sum().backward()  # type: ignore[no-untyped-call]
                norm = float(nn.utils.clip_grad_norm_(parameters, optimizer.max_norm))
                held["steps"] += 1
                if optimizer.lr > 0:
                    adam.param_groups[0]["lr"] = optimizer.rate(held["steps"])
                    adam.step()
                found = {f"loss/{name}": float(loss.detach()) for name, loss in losses.items()} | {"grad_norm": norm}
                for name, value in found.items():
                    seen.setdefault(name, []).append(value)
        held["moments"] = {i: adam.state[p] for i, p in enumerate(parameters) if p in adam.state}
        return {name: float(np.mean(values)) for name, values in seen.items()}

    def _batch(self, examples: Sequence[Example]) -> dict[str, Any]:
        """Outputs and index tensors over the rows of all payloads, as losses take them."""
        owners = [(e, v, self._rows(p, example.attempt)) for e, example in enumerate(examples) for v, p in enumerate(example.payloads)]
        repeats = torch.tensor([len(rows) for _, _, rows in owners])
        values_N_F = torch.tensor(np.concatenate([rows.values for _, _, rows in owners]))
        hidden_N_F = torch.tensor(np.concatenate([rows.mask for _, _, rows in owners]))
        with self.weights.use("ema"), torch.no_grad():
            target_N_K_D = picked(self.network.encode(values_N_F, torch.zeros_like(hidden_N_F)), hidden_N_F)
        batch: dict[str, Any] = {"examples": len(examples), "target": target_N_K_D}
        batch["prediction"] = picked(self.network.predict(values_N_F, hidden_N_F), hidden_N_F)
        batch["example"] = torch.tensor([e for e, _, _ in owners]).repeat_interleave(repeats)
        batch["payload"] = torch.tensor([v for _, v, _ in owners]).repeat_interleave(repeats)
        return batch

    async def average(self, source: str, into: str, decay: float) -> None:
        """Set into = decay * into + (1 - decay) * source; `into` starts as a copy."""
        self.weights.average(source, into, decay)

    def drop(self, weights: str) -> None:
        """Forget named weights."""
        self.weights.drop(weights)

    async def publish(self, weights: str = "policy") -> int:
        """Count a generation."""
        self.generation += 1
        return self.generation

    async def save(self, folder: Path) -> None:
        """Write all named weights and optimizer states."""
        state = {"policy": self.network.state_dict(), "copies": self.weights.copies, "optimizers": self.optimizers}
        torch.save(state | {"generation": self.generation}, folder / "table.pt")

    async def load(self, folder: Path) -> None:
        """The inverse of `save`."""
        saved = torch.load(folder / "table.pt", weights_only=True)
        self.network.load_state_dict(saved["policy"])
        self.weights.copies, self.optimizers, self.generation = saved["copies"], saved["optimizers"], saved["generation"]

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """Values have no text."""
        return [""] * len(ids)

    def digest(self, weights: str = "policy") -> str:
        """Content hash of named weights."""
        with self.weights.use(weights):
            return tensors_hash(self.network.named_parameters(), type(self).__name__, self.features)


def picked(latents_N_F_D: Tensor, hidden_N_F: Tensor) -> Tensor:
    """f[N,K,D]: latents of the hidden values; raises ValueError when rows hide different numbers of them."""
    counts = hidden_N_F.sum(1)
    if bool((counts != counts[0]).any()) or not counts[0]:
        raise ValueError("every view of a step must hide the same number of values, and at least one")
    return latents_N_F_D[hidden_N_F].view(len(hidden_N_F), int(counts[0]), -1)
