"""What credit parts share: which attempts are compared, and the streams of a token sequence."""

from asyncio import gather
from collections.abc import Sequence
from math import isnan

import numpy as np

from selftaught.protocols import Run
from selftaught.types import Attempt, Example, Floats, Group, Ints, Source, Tokens


def trainable(attempt: Attempt) -> bool:
    """Whether the attempt holds tokens the model chose."""
    return attempt.payload is not None and attempt.sampled_count > 0


def comparable(group: Group, score: str, by_view: bool, role: str = "") -> list[Ints]:
    """Indices into attempts_G of attempts (of a role) with a score and sampled tokens, one array a view (or one for all)."""
    found: dict[int, list[int]] = {}
    for i, (attempt, value) in enumerate(zip(group.attempts_G, group.values(score).tolist(), strict=True)):
        if not isnan(value) and role in ("", attempt.role) and trainable(attempt):
            found.setdefault(attempt.view if by_view else 0, []).append(i)
    return [np.array(found[view], np.int32) for view in sorted(found)]


def differ(values: Floats) -> bool:
    """Whether there are two different values."""
    return len(values) > 1 and bool(values.max() > values.min())


def source_of(group: Group, attempt: Attempt, score: str) -> Source:
    """Who gave the attempt the score that counts, the last of that name."""
    return next(s.source for s in reversed(group.scores) if s.attempt == attempt.id and s.name == score)


def mask_of(payload: Tokens, last_turn: bool = False) -> Floats:
    """f32[T]: 1 where the model chose the token; with `last_turn` only after the last token it did not choose before those."""
    mask_T = payload.sampled.astype(np.float32)
    if last_turn:
        end = int(np.flatnonzero(payload.sampled)[-1])
        mask_T[: int(np.flatnonzero(~payload.sampled[:end]).max(initial=-1)) + 1] = 0
    return mask_T


def retarget(payload: Tokens) -> Tokens:
    """What was written last, as if it had been the reply to the first turn: prompt and last turn, log-probabilities as sampled.

    A revision so becomes a first answer; its log-probabilities were given another context, so losses that take
    ratios against the sampler should not read it.
    """
    first, last_T = payload.opened, mask_of(payload, last_turn=True) > 0
    keep_T = last_T | (np.arange(len(payload)) < first)
    return Tokens(ids=payload.ids[keep_T], sampled=payload.sampled[keep_T], logprobs=payload.logprobs[keep_T])


async def start_logprobs(run: Run, tag: str, payloads: Sequence[Tokens]) -> Floats | None:
    """f32[items] under the start weights, payloads end to end; None when the budget is spent."""
    asked = [run.score(f"{tag}:{i}", payload, weights="start", start=payload.opened) for i, payload in enumerate(payloads)]
    # nearly always one, for which a task would cost more than the rest
    outputs = [await asked[0]] if len(asked) == 1 else await gather(*asked)
    if not all("logprobs" in output for output in outputs):
        return None
    return np.concatenate([output["logprobs"] for output in outputs]).astype(np.float32)


async def policy_example(run: Run, attempt: Attempt, advantage: float, source: Source, anchor: bool) -> Example | None:
    """An example for PolicyGradient; None when its anchor no longer fits the budget."""
    payload = attempt.payload
    mask_T = mask_of(payload)
    streams = {
        "advantage": (advantage * mask_T).astype(np.float32),
        "mask": mask_T,
        "sampler_logprobs": payload.logprobs.astype(np.float32),
    }
    if anchor:
        start_T = await start_logprobs(run, f"anchor:{attempt.id}", (payload,))
        if start_T is None:
            return None
        streams["start_logprobs"] = start_T
    return Example(payloads=(payload,), streams=streams, attempt=attempt.id, source=source, generation=attempt.generation)
