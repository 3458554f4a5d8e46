"""A wave of score requests: outputs computed in micro-batches, or made of what a sampler remembers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from selftaught.models.heads import Heads
from selftaught.models.language.backends import Recall
from selftaught.models.language.forward import Forward, runs_of
from selftaught.models.language.fused import Fused
from selftaught.models.language.key_values import standing
from selftaught.models.outputs import heads_among, parse_output
from selftaught.models.weights import Weights
from selftaught.parts import BadInput
from selftaught.types import Floats, ScoreRequest, Tokens


@dataclass(frozen=True, slots=True)
class Scorer:
    """Outputs over Tokens payloads by name, see `models.outputs`.

    Attributes:
        weights, heads, fused, forward: the model's.
        limit, max_tokens: most tokens of a payload, and of a micro-batch.
    """

    weights: Weights
    heads: Heads
    fused: Fused
    forward: Forward
    limit: int
    max_tokens: int

    def score(self, requests: Sequence[ScoreRequest], recall: Recall) -> list[dict[str, Floats]]:
        """The outputs of each request, in the order asked. Raises BadInput as `LocalTrainer.score` does."""
        for request in requests:
            room = self.limit - sum(prefix.size for prefix in self.weights.before(request.weights))
            if not isinstance(request.payload, Tokens) or not 0 < len(request.payload) <= room:
                raise BadInput(f"{request.key}: a payload of 1 to {room} tokens can be scored, not {type(request.payload).__name__}")
            if asked := next((name for name in request.outputs if "@" in name), ""):
                raise BadInput(f"{request.key}: output '{asked}' is for losses, which have streams: ask for top:K")
            self.heads.make(heads_among(request.outputs))
        found: list[dict[str, Floats]] = [{} for _ in requests]
        for name in dict.fromkeys(request.weights for request in requests):
            mine = [r for r, request in enumerate(requests) if request.weights == name]
            # heads are made outside: what is made in this mode can never be learned
            with self.weights.use(name), torch.inference_mode():
                left = self._remembered(name, recall, mine, requests, found)
                for run in runs_of([requests[r].payload.ids for r in left], self.max_tokens):
                    self._compute(name, [left[i] for i in run], requests, found)
        return found

    def _remembered(
        self, name: str, recall: Recall, mine: Sequence[int], requests: Sequence[ScoreRequest], found: list[dict[str, Floats]]
    ) -> list[int]:
        """Answer the requests that want no more than heads on hidden states which are remembered; gives the others."""
        kept, left = dict[int, Tensor](), []
        for r in mine:
            hidden_N_H = None if predicted_among(requests[r].outputs) else recall(name, requests[r])
            if hidden_N_H is None:
                left.append(r)
            else:
                kept[r] = hidden_N_H
        if kept:
            names = {output for r in kept for output in requests[r].outputs}
            arrays = self._headed(names, torch.cat(list(kept.values())))
            at = 0
            for r, hidden_N_H in kept.items():
                request, n = requests[r], len(hidden_N_H)
                for output in request.outputs:
                    values = arrays[per_item(output)][at : at + n]
                    whole = np.zeros((len(request.payload), *values.shape[1:]), np.float32)
                    whole[request.start :] = values
                    found[r][output] = pooled(output, whole, request.start)
                at += n
        return left

    def _compute(self, name: str, run: list[int], requests: Sequence[ScoreRequest], found: list[dict[str, Floats]]) -> None:
        """Answer a micro-batch of requests from one forward pass."""
        names = {output for r in run for output in requests[r].outputs}
        ids, device = [requests[r].payload.ids for r in run], next(self.weights.module.parameters()).device
        told = predicted_among(names)
        # with a large vocabulary the logits of a prompt cost as much as all else
        wanted_N = torch.cat([torch.arange(len(requests[r].payload)) >= requests[r].start for r in run]).to(device) & bool(told)
        after = names - told
        asked = {*told, "hidden"} if after else told
        outputs = self.forward.outputs(ids, wanted_N, asked, self.fused.of(name), pairs=standing(self.weights, name))
        arrays = {output: values.cpu().numpy() for output, values in outputs.items() if output != "hidden"}
        if after:
            arrays |= self._headed(after, outputs["hidden"])
        at = 0
        for r, ids_T in zip(run, ids, strict=True):
            for output in requests[r].outputs:
                for key in parse_output(output).keys:
                    found[r][key] = pooled(key, arrays[per_item(key)][at : at + len(ids_T)], requests[r].start)
            at += len(ids_T)

    def _headed(self, names: set[str], hidden_N_H: Tensor) -> dict[str, Floats]:
        """Hidden states and what heads make of them, by name."""
        items = {per_item(name) for name in names}
        found = {name: hidden_N_H if name == "hidden" else self.heads[name](hidden_N_H).squeeze(-1) for name in items}
        return {name: values.cpu().numpy() for name, values in found.items()}


def predicted_among(names: Iterable[str]) -> set[str]:
    """Those of the distribution that predicted a token."""
    return {name for name in names if parse_output(name).predicted}


def per_item(name: str) -> str:
    """The output over items that one vector a sequence is made of; any other is its own."""
    return "hidden" if name.startswith("hidden:") else name


def pooled(name: str, values: NDArray[Any], start: int) -> Any:
    """An output of one sequence: [T,...] from the item `start` on as it is, or made one vector."""
    if not name.startswith("hidden:"):
        return (values.astype(np.int32) if name.endswith("/ids") else values).copy()
    return values[-1].copy() if name == "hidden:last" else values[start:].mean(0, dtype=np.float32)
