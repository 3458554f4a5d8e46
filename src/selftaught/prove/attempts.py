"""From drawn groups to arrays: right or wrong, answers, log-probabilities and tokens of each attempt."""

from collections.abc import Sequence

import numpy as np

from selftaught.prove.record import AS_IS, GateSampler
from selftaught.statistics.paired import task_means
from selftaught.types import Attempt, Floats, Group, SamplerSettings, Task

WHOLE = 1 - 1e-6


async def graded(
    sampler: GateSampler, tasks: Sequence[Task], count: int, at: SamplerSettings, weights: str, label: str, template: str = AS_IS
) -> tuple[list[Group], Floats]:
    """Groups in the order of the tasks, and f32[B,count] whether their attempts are right."""
    wording = {} if template == AS_IS else {"template": template}
    by_task = {g.task.id: g for g in await sampler.draw(tasks, count, at, weights, label, **wording)}
    groups = [by_task.get(t.id, Group(key=t.id, task=t, attempts_G=())) for t in tasks]
    return groups, correct_of(await sampler.grade(groups), count)


def correct_of(grades: Sequence[Floats], n: int) -> Floats:
    """f32[B,n]: 1 for a full grade, 0 below (partial credit is not being right), NaN where there is none."""
    out = np.full((len(grades), n), np.nan, np.float32)
    for b, grade_G in enumerate(grades):
        grade_m = np.asarray(grade_G, np.float32)[:n]
        out[b, : len(grade_m)] = np.where(np.isnan(grade_m), np.nan, grade_m >= WHOLE)
    return out


def answers_of(sampler: GateSampler, groups: Sequence[Group], n: int) -> tuple[tuple[str | None, ...], ...]:
    """Canonical answers [B][n], None where there is none."""
    return tuple(tuple((*(sampler.answer(a.text, g.task) for a in g.attempts_G), *[None] * n)[:n]) for g in groups)


def scores_of(groups: Sequence[Group], n: int) -> Floats:
    """f32[B,n]: mean log-probability of each attempt's sampled tokens."""
    return np.array([(*(mean_logprob(a) for a in g.attempts_G), *[np.nan] * n)[:n] for g in groups], np.float32)


def mean_logprob(attempt: Attempt) -> float:
    """Mean natural-log probability of the tokens the model chose; NaN when the payload does not say."""
    if getattr(attempt.payload, "logprobs", None) is None or not attempt.sampled_count:
        return float("nan")
    return attempt.logprob / attempt.sampled_count


def mean_tokens(groups: Sequence[Group]) -> tuple[float, float]:
    """Mean tokens of a context and of what was sampled after it, an attempt; NaN where payloads do not say.

    An attempt that is the outcome of several has scores "prompted" and "sampled", which count them all.
    """
    prompted: list[float] = []
    sampled: list[float] = []
    for group in groups:
        said = zip(group.values("prompted"), group.values("sampled"), strict=True)
        for attempt, (context, written) in zip(group.attempts_G, said, strict=True):
            chosen_T = getattr(attempt.payload, "sampled", None)
            if not np.isnan(written):
                prompted.append(float(context))
                sampled.append(float(written))
            elif chosen_T is not None:
                sampled.append(float(chosen_T.sum()))
                prompted.append(float(len(chosen_T) - chosen_T.sum()))
    return (float(np.mean(prompted)), float(np.mean(sampled))) if sampled else (float("nan"), float("nan"))


def mean_right(correct_B_m: Floats) -> float:
    """Mean over tasks of the mean over graded attempts; NaN when nothing was graded."""
    means = [float(c[~np.isnan(c)].mean()) for c in correct_B_m if not np.isnan(c).all()]
    return float(np.mean(means)) if means else float("nan")


def first_of_the_best(tried_C: Sequence[Floats]) -> int:
    """Index of the first candidate that is at most one standard error worse than the best one, 0 where nothing was graded.

    The one-standard-error rule (Breiman, Friedman, Olshen and Stone, Classification and Regression Trees, 1984, section
    3.4.3), with the error of the paired difference over tasks: on few tasks the highest mean of several equals is mostly
    luck, and what it is chosen for is measured on other tasks.

    Args:
        tried_C: f32[D,m] right or wrong on the same D tasks, a candidate each, the plainest first; NaN is ungraded.
    """
    if not tried_C:
        return 0
    best = int(np.argmax(np.nan_to_num([mean_right(correct_D_m) for correct_D_m in tried_C], nan=-1.0)))
    for index, correct_D_m in enumerate(tried_C[:best]):
        behind_D = task_means(tried_C[best]) - task_means(correct_D_m)
        behind_D = behind_D[~np.isnan(behind_D)]
        if len(behind_D) > 1 and behind_D.mean() <= behind_D.std(ddof=1) / np.sqrt(len(behind_D)):
            return index
    return best
