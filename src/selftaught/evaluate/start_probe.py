"""Is it still right where the start was? A few fixed training tasks, asked again at every step; no answer is read.

A model that collapses agrees with itself more and more, so the yardstick must not move with it. On `TASKS` training
tasks the start is asked once, greedily, for its answer, and sampled for how sure it is of it. At every second step
`ASKED` of these tasks, in turn, are answered by the policy with the noise the start had, so that nothing but the weights
differs (a wave of few attempts takes nearly as long as one of many, hence every second step):

    anchor = sum_t weight_t (policy_t - start_t) / sum_t weight_t

with policy_t and start_t in {0, 1}: whether the attempt passes the rule where a checker decides from the prompt
(weight 1), else whether it gives the start's greedy answer (weight: share of the start's further samples that do). It
is 0 at the start, rises while the model grows surer of what the start knew, and falls when it loses that.
"""

import random
from collections.abc import Sequence
from dataclasses import replace
from math import nan
from typing import Any, Protocol, cast

import numpy as np

from selftaught.models.base import Pool, Run
from selftaught.types import Attempt, Group, Purpose, SamplerSettings, Task, content_hash

TASKS, ASKED, EVERY, SAMPLES = 96, 48, 2, 4


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
    asked = [task for task in found if task.start is None and task.payload is None]
    # Sources take turns, so that each step's share holds some of every one.
    random.Random(content_hash("order", run.seed)).shuffle(asked)
    return asked


async def first_look(run: Run, tasks: Sequence[Task]) -> dict[str, list[Any]]:
    """What the start says: `{task id: [greedy answer, weight, start_t, tokens, logprob]}`, JSON-ready."""
    by_rule = [task for task in tasks if task.checker == "rule"]
    by_answer = [task for task in tasks if task.checker != "rule"]
    found: dict[str, list[Any]] = {}
    for task, [first] in zip(by_rule, await drawn(run, by_rule, 1, "start"), strict=True):
        found[task.id] = [None, 1.0, await right(run, task, first, None), first.sampled_count, first.logprob]
    greedy = await drawn(run, by_answer, 1, "start", temperature=0.0)
    sampled = await drawn(run, by_answer, SAMPLES, "start")
    for task, [sure], [first, *others] in zip(by_answer, greedy, sampled, strict=True):
        answer = run.answer(sure.text)
        weight = float(np.mean([answer is not None and run.answer(a.text) == answer for a in others]))
        found[task.id] = [answer, weight, await right(run, task, first, answer), first.sampled_count, first.logprob]
    return found


async def drawn(run: Run, tasks: Sequence[Task], n: int, weights: str, temperature: float | None = None) -> list[list[Attempt]]:
    """`n` attempts a task by named weights, at the stated sampler unless told."""
    settings = run.settings if temperature is None else replace(run.settings, temperature=temperature)
    label = "probe/start" if weights == "start" else f"probe/{run.step:05d}"
    groups = await cast(Drawing, run).draw(tasks, n, settings, weights, label, run.seed, purpose="audit")
    return [list(group.attempts_G) for group in groups]


async def right(run: Run, task: Task, attempt: Attempt, answer: str | None) -> float:
    """Whether an attempt passes the rule, or gives the start's answer where there is none."""
    if task.checker == "rule":
        [grade] = await run.check(task, [attempt.text], "audit")
        return float(grade)
    return float(answer is not None and run.answer(attempt.text) == answer)


async def look(run: Run, tasks: Sequence[Task], start: dict[str, list[Any]]) -> dict[str, float]:
    """The step's share of the tasks, held against the start; nothing at steps in between.

    Returns:
        start_agreement: weighted share of attempts that are right by this measure; anchor: the same minus the
        start's; length_ratio: sampled tokens over the start's; entropy_change: nats a token over the start's.
    """
    turn, rest = divmod(run.step, EVERY)
    if rest or not tasks:
        return {}
    first = turn * ASKED % len(tasks)
    mine = [*tasks[first:], *tasks[:first]][:ASKED]
    attempts = [attempt for [attempt] in await drawn(run, mine, 1, "policy")]
    entries = [start[task.id] for task in mine]
    now_B = np.array([await right(run, t, a, e[0]) for t, a, e in zip(mine, attempts, entries, strict=True)])
    weight_B, start_B = np.array([e[1] for e in entries]), np.array([e[2] for e in entries])
    tokens, before = sum(a.sampled_count for a in attempts), sum(e[3] for e in entries)
    whole = weight_B.sum() or nan
    return {
        "start_agreement": float(weight_B @ now_B / whole),
        "anchor": float(weight_B @ (now_B - start_B) / whole),
        "length_ratio": tokens / before if before else nan,
        "entropy_change": (sum(e[4] for e in entries) / before - sum(a.logprob for a in attempts) / tokens) if before and tokens else nan,
    }
