"""Is it still sure of what the start was sure of? A few fixed training tasks; no answer is read.

A model that collapses agrees with itself more and more, so the yardstick must not move with it. The start replies
greedily to `TASKS` training tasks, once. At every step the policy's probability of these very replies is computed, which
costs one forward pass and, unlike sampling, has no noise of its own:

    anchor = sum_t p_t (q_t - p_t) / sum_t p_t

with p_t and q_t the start's and the policy's probability of the reply. The start's sure replies, mostly right, count
most. The anchor is 0 at the start, rises while the model grows surer of what the start knew, and falls when it loses
that, for noise, another answer or a constant one. Where a rule can tell, replies that fail it do not count.

What it cannot see: a model that leaves the start's replies for better ones loses anchor too. Recipes that read answers
to train can do that at a stretch (measured: -4 to -6 points while accuracy rose by 20) and are not held to it. Longer replies than `WHOLE`
tokens have hardly any probability, so theirs is taken to the power of `WHOLE` / length.
"""

import random
from asyncio import gather
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import exp
from typing import Any, Protocol, cast

import numpy as np

from selftaught.protocols import Pool, Run
from selftaught.types import Group, Purpose, SamplerSettings, Task, Tokens, content_hash

TASKS, WHOLE, ENOUGH = 96, 32, 16


class Drawing(Protocol):
    """A run with a pool, that draws attempts outside its budget."""

    pool: Pool

    async def draw(
        self, tasks: Sequence[Task], n: int, settings: SamplerSettings, weights: str, label: str, seed: int, *, purpose: Purpose
    ) -> list[Group]:
        """One group a task; noise depends on seed, task and index alone."""
        ...


def probe_tasks(run: Run, count: int = TASKS) -> list[Task]:
    """Up to `count` training tasks asked in words, evenly of all sources; the same whenever it is asked."""
    pool = cast(Drawing, run).pool
    # A draw counts collisions with held-out tasks, and these draws are not training's.
    collisions = getattr(pool, "collisions", 0)
    found: list[Task] = []
    rng = random.Random(content_hash("probe", run.seed))
    for i, source in enumerate(pool.sources):
        found += pool.draw(rng, -(-(count - len(found)) // (len(pool.sources) - i)), source)
    pool.collisions = collisions  # type: ignore[attr-defined]
    return [task for task in found if task.start is None and task.payload is None]


async def first_look(run: Run, count: int = TASKS) -> list[dict[str, Any]]:
    """The start's greedy replies: {ids, opened, logprob} each (token ids, how many are the prompt's, nats), JSON-ready."""
    tasks, greedy = probe_tasks(run, count), replace(run.settings, temperature=0.0)
    groups = await cast(Drawing, run).draw(tasks, 1, greedy, "start", "probe", run.seed, purpose="audit")
    ended: list[dict[str, Any]] = []
    cut: list[dict[str, Any]] = []
    for group in groups:
        [said] = group.attempts_G
        [passes] = await run.check(group.task, [said.text], "audit") if group.task.checker == "rule" else [1.0]
        if passes == 1 and said.stop != "error" and run.answer(said.text, group.task) is not None:
            reply = {"ids": said.payload.ids.tolist(), "opened": said.payload.opened, "logprob": said.logprob}
            (ended if said.stop == "end" else cut).append(reply)
    # A reply that was cut off may have lost its answer; it counts where there are hardly others.
    return ended if len(ended) >= ENOUGH else ended + cut


async def look(run: Run, replies: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The policy's view of the start's replies.

    Returns:
        start_agreement: mean probability of the replies, weighted by the start's; anchor: the same minus the start's;
        surprise: mean -log p of their tokens in nats, NaN or infinite where the policy is. Nothing without replies.
    """
    if not replies:
        return {}
    scored = await gather(*(run.score(f"probe-{i}", payload_of(reply), start=reply["opened"]) for i, reply in enumerate(replies)))
    now_B = np.array([power(s["logprobs"][r["opened"] :].sum(), r) for s, r in zip(scored, replies, strict=True)])
    start_B = np.array([power(r["logprob"], r) for r in replies])
    told_T = np.concatenate([s["logprobs"][r["opened"] :] for s, r in zip(scored, replies, strict=True)])
    return {
        "surprise": -float(told_T.mean()),
        "start_agreement": float(start_B @ now_B / start_B.sum()),
        "anchor": float(start_B @ (now_B - start_B) / start_B.sum()),
    }


def power(logprob: float, reply: Mapping[str, Any]) -> float:
    """Probability of a reply, of one longer than `WHOLE` tokens as if it had that many."""
    return exp(float(logprob) * min(1.0, WHOLE / (len(reply["ids"]) - reply["opened"])))


def payload_of(reply: Mapping[str, Any]) -> Tokens:
    """A reply behind its prompt, to be scored."""
    ids_T = np.array(reply["ids"], np.int32)
    return Tokens(ids=ids_T, sampled=np.arange(len(ids_T)) >= reply["opened"], logprobs=np.zeros(len(ids_T), np.float32))
