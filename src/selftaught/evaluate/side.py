"""One side of the gate: everything that is measured of one set of weights on the held-out tasks."""

from asyncio import gather
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from selftaught.types import Attempt, Floats, Group, SamplerSettings, Task

TEMPERATURES = (1.0, 0.7, 0.3, 0.0)
WHOLE = 1 - 1e-6


class Drawer(Protocol):
    """Draws attempts and grades them, outside the budget, with every answer read counted under "evaluate"."""

    async def draw(self, tasks: Sequence[Task], n: int, settings: SamplerSettings, weights: str, label: str) -> list[Group]:
        """One group a task, in any order; a group may have fewer attempts, or be missing.

        Attempt i of a task takes its noise from (evaluation seed, task, i) alone, so that both sides of the
        gate share it. `label` keeps requests apart and must not enter the noise.
        """
        ...

    async def grade(self, groups: Sequence[Group]) -> list[Floats]:
        """f32[G] for each group, in order: a grade in [0, 1] per attempt, NaN where nobody can tell."""
        ...

    def answer(self, text: str) -> str | None:
        """The canonical answer in a text by the run's Format."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Side:
    """What one set of weights did on B held-out tasks; correctness is 0, 1 or NaN (not graded).

    Attributes:
        label: which side it is, "start" or "result".
        tasks_B: ids of the held-out tasks.
        settings: the stated sampler.
        correct_B_n: f32[B,n] at the stated sampler.
        answers_B_n: canonical answers of the same attempts, None where there is none.
        scores_B_n: f32[B,n] mean log-probability of their sampled tokens, in nats; NaN where unknown.
        greedy_B: f32[B] at temperature 0.
        best_settings: the sampler that was best on the development tasks.
        best_B_m: f32[B,m] at `best_settings`; m is 1 when that is greedy, n when it is the stated sampler.
        development: accuracy on the development tasks by temperature.
    """

    label: str
    tasks_B: tuple[str, ...]
    settings: SamplerSettings
    correct_B_n: Floats
    answers_B_n: tuple[tuple[str | None, ...], ...]
    scores_B_n: Floats
    greedy_B: Floats
    best_settings: SamplerSettings
    best_B_m: Floats
    development: Mapping[float, float] = field(default_factory=dict)


async def measure_side(
    drawer: Drawer,
    label: str,
    weights: str,
    held_out: Sequence[Task],
    development: Sequence[Task],
    settings: SamplerSettings,
    n: int = 16,
    *,
    n_best: int = 4,
    n_development: int = 2,
    temperatures: Sequence[float] = TEMPERATURES,
) -> Side:
    """Measure one set of weights: n attempts a held-out task at the stated sampler, one greedy, and at the best decoding.

    The best decoding is chosen on the development tasks among the stated sampler and `temperatures` (the cooler
    one of equals), one attempt a task when greedy, `n_development` else. It costs no new held-out attempts when
    it is greedy or the stated sampler, `n_best` a task else. With 200 held-out and 100 development tasks the
    defaults draw at most 4,900 attempts.

    Args:
        drawer: where attempts and grades come from.
        label: "start" or "result"; part of the labels of the draws.
        weights: name of the weights to sample.
        held_out: B tasks for the verdict.
        development: tasks that neither training nor the verdict uses.
        settings: the stated sampler.
        n: attempts a held-out task; the same ones serve pass@1, pass@k, votes and best-of-k.
        n_best: attempts a held-out task at another best decoding.
        n_development: attempts a development task and temperature.
        temperatures: what the best decoding is chosen from.

    Raises:
        ValueError: no held-out or no development tasks, or held-out tasks among the development ones.
    """
    if not held_out or not development:
        raise ValueError(f"held-out and development tasks are needed, got {len(held_out)} and {len(development)}")
    if {t.id for t in held_out} & {t.id for t in development}:
        raise ValueError("a held-out task is among the development tasks: draw them apart")

    async def graded(tasks: Sequence[Task], count: int, at: SamplerSettings, what: str) -> tuple[list[Group], Floats]:
        count = 1 if at.temperature == 0 else count
        by_task = {g.task.id: g for g in await drawer.draw(tasks, count, at, weights, f"{label}/{what}/{at.temperature:g}")}
        groups = [by_task.get(t.id, Group(key=t.id, task=t, attempts_G=())) for t in tasks]
        return groups, _correct(await drawer.grade(groups), count)

    greedy = replace(settings, temperature=0.0)
    choices = [replace(settings, temperature=t) for t in sorted({settings.temperature, *temperatures})]
    stated, greedy_one, *tried = await gather(
        graded(held_out, n, settings, "held-out"),
        graded(held_out, 1, greedy, "greedy"),
        *(graded(development, n_development, at, "development") for at in choices),
    )
    groups, correct_B_n = stated
    accuracy = {at.temperature: _mean(correct_D_m) for at, (_, correct_D_m) in zip(choices, tried, strict=True)}
    # max keeps the first of equals, and choices start with the coolest
    best = max(choices, key=lambda at: np.nan_to_num(accuracy[at.temperature], nan=-1.0))
    if best == settings:
        best_B_m = correct_B_n
    elif best == greedy:
        best_B_m = greedy_one[1]
    else:
        best_B_m = (await graded(held_out, n_best, best, "best"))[1]
    width = correct_B_n.shape[1]
    return Side(
        label=label,
        tasks_B=tuple(t.id for t in held_out),
        settings=settings,
        correct_B_n=correct_B_n,
        answers_B_n=tuple(tuple((*(drawer.answer(a.text) for a in g.attempts_G), *[None] * width)[:width]) for g in groups),
        scores_B_n=np.array([(*(mean_logprob(a) for a in g.attempts_G), *[np.nan] * width)[:width] for g in groups], np.float32),
        greedy_B=greedy_one[1][:, 0],
        best_settings=best,
        best_B_m=best_B_m,
        development=accuracy,
    )


def mean_logprob(attempt: Attempt) -> float:
    """Mean natural-log probability of the tokens the model chose; NaN when the payload does not say."""
    if getattr(attempt.payload, "logprobs", None) is None or not attempt.sampled_count:
        return float("nan")
    return attempt.logprob / attempt.sampled_count


def _correct(grades: Sequence[Floats], n: int) -> Floats:
    """f32[B,n]: 1 for a full grade, 0 below (partial credit is not being right), NaN where there is none."""
    out = np.full((len(grades), n), np.nan, np.float32)
    for b, grade_G in enumerate(grades):
        grade_m = np.asarray(grade_G, np.float32)[:n]
        out[b, : len(grade_m)] = np.where(np.isnan(grade_m), np.nan, grade_m >= WHOLE)
    return out


def _mean(correct_B_m: Floats) -> float:
    """Mean over tasks of the mean over graded attempts; NaN when nothing was graded."""
    means = [float(c[~np.isnan(c)].mean()) for c in correct_B_m if not np.isnan(c).all()]
    return float(np.mean(means)) if means else float("nan")
