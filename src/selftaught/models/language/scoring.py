"""A wave of score requests: outputs computed in micro-batches, or made of what a sampler remembers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from selftaught.models.heads import Heads
from selftaught.models.language.backends import Recall
from selftaught.models.language.forward import Forward, runs_of
from selftaught.models.language.fused import Fused
from selftaught.models.weights import Weights
from selftaught.parts import BadInput
from selftaught.types import Floats, ScoreRequest, Tokens

# Outputs of the distribution that predicted a token; of those after it, all but "hidden" are heads.
PREDICTED = {"logprobs", "entropy"}


@dataclass(frozen=True, slots=True)
class Scorer:
    """Outputs over Tokens payloads: "logprobs" and "entropy" f32[T] of the distribution that predicted each token (0 at the
    first), "hidden" f32[T,H] and heads such as "value" f32[T] after each token.

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
            if not isinstance(request.payload, Tokens) or not 0 < len(request.payload) <= self.limit:
                raise BadInput(f"{request.key}: a payload of 1 to {self.limit} tokens can be scored, not {type(request.payload).__name__}")
            self.heads.make(output for output in request.outputs if output not in {*PREDICTED, "hidden"})
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
            hidden_N_H = None if PREDICTED & set(requests[r].outputs) else recall(name, requests[r])
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
                    found[r][output] = np.zeros((len(request.payload), *arrays[output].shape[1:]), np.float32)
                    found[r][output][request.start :] = arrays[output][at : at + n]
                at += n
        return left

    def _compute(self, name: str, run: list[int], requests: Sequence[ScoreRequest], found: list[dict[str, Floats]]) -> None:
        """Answer a micro-batch of requests from one forward pass."""
        names = {output for r in run for output in requests[r].outputs}
        ids, device = [requests[r].payload.ids for r in run], next(self.weights.module.parameters()).device
        predicted = bool(names & PREDICTED)
        # with a large vocabulary the logits of a prompt cost as much as all else
        wanted_N = torch.cat([torch.arange(len(requests[r].payload)) >= requests[r].start for r in run]).to(device) & predicted
        after = names - PREDICTED
        asked = {*names, "hidden"} if after else names
        outputs = self.forward.outputs(ids, wanted_N, asked, self.fused.of(name))
        arrays = {output: outputs[output].cpu().numpy() for output in names & PREDICTED}
        if after:
            arrays |= self._headed(after, outputs["hidden"])
        at = 0
        for r, ids_T in zip(run, ids, strict=True):
            found[r] = {output: arrays[output][at : at + len(ids_T)].copy() for output in requests[r].outputs}
            at += len(ids_T)

    def _headed(self, names: set[str], hidden_N_H: Tensor) -> dict[str, Floats]:
        """Hidden states and what heads make of them, by name."""
        found = {name: hidden_N_H if name == "hidden" else self.heads[name](hidden_N_H).squeeze(-1) for name in names}
        return {name: values.cpu().numpy() for name, values in found.items()}
