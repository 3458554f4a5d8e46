"""A wave of sample requests: contexts rendered, draws batched, attempts made of what came."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from selftaught.models.language.draws import Draw
from selftaught.parts import BadInput
from selftaught.types import Attempt, SampleRequest, Tokens

if TYPE_CHECKING:
    from selftaught.models.language.local import LocalModel


def sample_wave(model: "LocalModel", requests: Sequence[SampleRequest]) -> list[list[Attempt]]:
    """`n` attempts a request, in the order asked; a context that cannot be rendered or does not fit gives stop "error"."""
    found: list[dict[int, Attempt]] = [{} for _ in requests]
    waves: dict[str, list[tuple[int, int, Draw]]] = {}
    for r, request in enumerate(requests):
        context, error = context_of(model, request)
        if error:
            found[r] = {i: to_attempt(model, request, i, context, "", [], [], False, error) for i in range(request.n)}
            continue
        over_V, noise = model.renderer.ending(request.settings.stop, model.vocabulary), request.noise or request.key
        limit = min(request.settings.max_tokens, model.limit - len(context))
        for i in range(request.n):
            draw = Draw(
                context=context, settings=request.settings, limit=limit, noise=f"{noise}/{i}", over_V=over_V,
                id=f"{request.key}/{i}", parent=request.after.id if request.after else "", remember=request.remember,
            )  # fmt: skip
            waves.setdefault(request.weights, []).append((r, i, draw))
    for name, wave in waves.items():
        drawn = model.decode(name, [draw for _, _, draw in wave])
        texts = model.renderer.texts([ids[: len(ids) - (bool(ids) and ids[-1] in model.renderer.ends)] for ids, *_ in drawn])
        for (r, i, draw), came, text in zip(wave, drawn, texts, strict=True):
            found[r][i] = to_attempt(model, requests[r], i, draw.context, text, *came)
    return [[attempts[i] for i in sorted(attempts)] for attempts in found]


def context_of(model: "LocalModel", request: SampleRequest) -> tuple[tuple[int, ...], str]:
    """(the ids a request starts from, why nothing can follow them); "" where something can."""
    try:
        context = model.renderer.context(request.messages, request.after, request.cut)
    except BadInput as error:
        return (), str(error)
    if not context:
        return context, "the context is empty"
    full = f"a context of {len(context)} tokens leaves no room in the model's {model.limit}"
    return context, full if len(context) >= model.limit else ""


def to_attempt(
    model: "LocalModel", request: SampleRequest, index: int, context: tuple[int, ...], text: str, ids: list[int],
    logprobs: list[float], ended: bool, error: str = "",
) -> Attempt:  # fmt: skip
    """The attempt that sampled `ids` after `context`; what a continued attempt knew of its tokens is kept."""
    after, start, size = request.after, len(context), len(context) + len(ids)
    ids_T, sampled_T, logprobs_T = np.zeros(size, np.int32), np.zeros(size, np.bool_), np.zeros(size, np.float32)
    ids_T[:start], ids_T[start:] = context, ids
    sampled_T[start:], logprobs_T[start:] = True, logprobs
    fork = None
    if after is not None:
        fork = len(after.payload.ids[: request.cut])
        # what the renderer put in place of a role was not sampled
        sampled_T[:fork] = after.payload.sampled[:fork] & (ids_T[:fork] == after.payload.ids[:fork])
        logprobs_T[:fork] = after.payload.logprobs[:fork] * sampled_T[:fork]
    return Attempt(
        id=f"{request.key}/{index}", task=request.task.id, payload=Tokens(ids=ids_T, sampled=sampled_T, logprobs=logprobs_T),
        text=text, messages=model.renderer.history(request.messages, after, request.cut), role=request.role,
        view=request.view, sampler=request.weights, settings=request.settings, generation=model.generation,
        stop="error" if error else "end" if ended else "length", parents=(after.id,) if after else (), fork=fork, error=error,
    )  # fmt: skip
