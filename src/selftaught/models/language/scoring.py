"""A wave of score requests: outputs computed in micro-batches, or made of what the sampler remembers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from selftaught.models.language.forward import runs_of
from selftaught.parts import BadInput
from selftaught.types import Floats, ScoreRequest, Tokens

if TYPE_CHECKING:
    from selftaught.models.language.local import LocalModel

# Outputs of the distribution that predicted a token; of those after it, all but "hidden" are heads.
PREDICTED = {"logprobs", "entropy"}


def score_wave(model: "LocalModel", requests: Sequence[ScoreRequest]) -> list[dict[str, Floats]]:
    """The outputs of each request, in the order asked. Raises BadInput as `LocalModel.score` does."""
    for request in requests:
        if not isinstance(request.payload, Tokens) or not 0 < len(request.payload) <= model.limit:
            raise BadInput(f"{request.key}: a payload of 1 to {model.limit} tokens can be scored, not {type(request.payload).__name__}")
        model.heads.make(output for output in request.outputs if output not in {*PREDICTED, "hidden"})
    found: list[dict[str, Floats]] = [{} for _ in requests]
    for name in dict.fromkeys(request.weights for request in requests):
        mine = [r for r, request in enumerate(requests) if request.weights == name]
        # heads are made outside: what is made in this mode can never be learned
        with model.weights.use(name), torch.inference_mode():
            left = remembered(model, name, mine, requests, found)
            for run in runs_of([requests[r].payload.ids for r in left], model.max_tokens):
                compute(model, name, [left[i] for i in run], requests, found)
    return found


def remembered(
    model: "LocalModel", name: str, mine: Sequence[int], requests: Sequence[ScoreRequest], found: list[dict[str, Floats]]
) -> list[int]:
    """Answer the requests that want no more than heads on hidden states which the sampler has kept; gives the others."""
    kept, left = dict[int, Tensor](), []
    for r in mine:
        hidden_N_H = None if PREDICTED & set(requests[r].outputs) else model.sampler.recall(name, requests[r])
        if hidden_N_H is None:
            left.append(r)
        else:
            kept[r] = hidden_N_H
    if kept:
        names = {output for r in kept for output in requests[r].outputs}
        arrays = headed(model, names, torch.cat(list(kept.values())))
        at = 0
        for r, hidden_N_H in kept.items():
            request, n = requests[r], len(hidden_N_H)
            for output in request.outputs:
                found[r][output] = np.zeros((len(request.payload), *arrays[output].shape[1:]), np.float32)
                found[r][output][request.start :] = arrays[output][at : at + n]
            at += n
    return left


def compute(model: "LocalModel", name: str, run: list[int], requests: Sequence[ScoreRequest], found: list[dict[str, Floats]]) -> None:
    """Answer a micro-batch of requests from one forward pass."""
    names = {output for r in run for output in requests[r].outputs}
    ids = [requests[r].payload.ids for r in run]
    predicted = bool(names & PREDICTED)
    # with a large vocabulary the logits of a prompt cost as much as all else
    wanted_N = torch.cat([torch.arange(len(requests[r].payload)) >= requests[r].start for r in run]).to(model.sampler.device) & predicted
    after = names - PREDICTED
    asked = {*names, "hidden"} if after else names
    outputs = model.forward.outputs(ids, wanted_N, asked, model.sampler.packed(name))
    arrays = {output: outputs[output].cpu().numpy() for output in names & PREDICTED}
    if after:
        arrays |= headed(model, after, outputs["hidden"])
    at = 0
    for r, ids_T in zip(run, ids, strict=True):
        found[r] = {output: arrays[output][at : at + len(ids_T)].copy() for output in requests[r].outputs}
        at += len(ids_T)


def headed(model: "LocalModel", names: set[str], hidden_N_H: Tensor) -> dict[str, Floats]:
    """Hidden states and what heads make of them, by name."""
    found = {name: hidden_N_H if name == "hidden" else model.heads[name](hidden_N_H).squeeze(-1) for name in names}
    return {name: values.cpu().numpy() for name, values in found.items()}
