"""Measures one side of the gate: the stated sampler, greedy, and its own best decoding, on the held-out tasks."""

from asyncio import gather
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from selftaught.prove.attempts import answers_of, first_of_the_best, graded, mean_logprob, mean_right, mean_tokens, scores_of
from selftaught.prove.record import AS_IS, GateSampler, Side
from selftaught.types import Floats, Group, SamplerSettings, Task

__all__ = [
    "AS_IS",
    "TEMPERATURES",
    "TEMPLATES",
    "GateSampler",
    "Keep",
    "Side",
    "mean_logprob",
    "measure_side",
    "reach",
    "widen",
    "zero_families",
]
TEMPERATURES = (1.0, 0.7, 0.3, 0.0)
# The second and third say where the answer goes, so that learning the format alone does not pass for a gain.
TEMPLATES = (AS_IS, AS_IS + "\nThink step by step, then write the answer after ####.", AS_IS + "\nWrite only the answer, after ####.")
Keep = Callable[[str, list[Group], Floats], None]


async def measure_side(
    sampler: GateSampler,
    label: str,
    weights: str,
    held_out: Sequence[Task],
    development: Sequence[Task],
    settings: SamplerSettings,
    n: int = 16,
    *,
    n_best: int = 4,
    n_development: int = 2,
    temperatures: Sequence[float] | None = None,
    templates: Sequence[str] | None = None,
    chosen: Side | None = None,
    keep: Keep | None = None,
) -> Side:
    """Measure one set of weights: n attempts a held-out task at the stated sampler, one greedy, and at the best decoding.

    The best decoding is chosen on the development tasks: first the wording at temperature 0, one attempt a task, then
    with it the temperature among the stated one and `temperatures`, `n_development` attempts a task. The prompt as it
    is and the coolest temperature stand unless another is better by more than one standard error (`first_of_the_best`).
    It costs no new held-out attempts when it is greedy or the stated sampler with the prompt as it is, else `n_best` a
    task (one when greedy). With 200 held-out and 64 development tasks the defaults draw at most 4,776 attempts, 2,376
    with n=4.

    Args:
        sampler: where attempts and grades come from.
        label: "start" or "result"; part of the labels of the draws.
        weights: name of the weights to sample.
        held_out: B tasks for the verdict.
        development: tasks that neither training nor the verdict uses.
        settings: the stated sampler.
        n: attempts a held-out task; the same ones serve pass@1, pass@k, votes and best-of-k.
        n_best: attempts a held-out task at another best decoding.
        n_development: attempts a development task and temperature.
        temperatures: what the best decoding is chosen from beside the stated one; None takes the sampler's, else all four.
        templates: wordings it is chosen from; None takes the sampler's, else all three.
        chosen: a side of the same weights on other held-out tasks, whose best decoding is taken: development tasks are
            not asked again.
        keep: is given ("held-out", the attempts at the stated sampler, f32[B,n] whether they are right).

    Raises:
        ValueError: no held-out or no development tasks, or held-out tasks among the development ones.
    """
    if not held_out or not development:
        raise ValueError(f"held-out and development tasks are needed, got {len(held_out)} and {len(development)}")
    if {t.id for t in held_out} & {t.id for t in development}:
        raise ValueError("a held-out task is among the development tasks: draw them apart")
    temperatures = getattr(sampler, "temperatures", TEMPERATURES) if temperatures is None else temperatures
    templates = tuple(getattr(sampler, "templates", TEMPLATES) if templates is None else templates) or (AS_IS,)
    greedy = replace(settings, temperature=0.0)
    if chosen:
        temperatures, templates = (), (chosen.best_template,)
    choices = [replace(settings, temperature=t) for t in sorted({settings.temperature, *temperatures})]
    trying = templates if len(templates) > 1 or (greedy in choices and len(choices) > 1) else ()

    async def drawn(tasks: Sequence[Task], count: int, at: SamplerSettings, what: str, template: str = AS_IS) -> tuple[list[Group], Floats]:
        count = 1 if at.temperature == 0 else count
        return await graded(sampler, tasks, count, at, weights, f"{label}/{what}/{at.temperature:g}", template)

    stated, greedy_one, *worded = await gather(
        drawn(held_out, n, settings, "held-out"),
        drawn(held_out, 1, greedy, "greedy"),
        *(drawn(development, 1, greedy, f"development-{i}", template) for i, template in enumerate(trying)),
    )
    first = first_of_the_best([correct_D_1 for _, correct_D_1 in worded])
    template = templates[first]
    hot = [at for at in choices if at != greedy and len(choices) > 1]
    cool = [(greedy, worded[first])] if worded and greedy in choices else []
    drawn_hot = await gather(*(drawn(development, n_development, at, f"development-{first}", template) for at in hot))
    tried = [(at, correct_D_m) for at, (_, correct_D_m) in (*cool, *zip(hot, drawn_hot, strict=True))]
    accuracy = {at.temperature: mean_right(correct_D_m) for at, correct_D_m in tried}
    best = choices[first_of_the_best([correct_D_m for _, correct_D_m in tried])]
    if chosen:
        best, accuracy = chosen.best_settings, dict(chosen.development)
    if (best, template) == (settings, AS_IS):
        best_groups, best_B_m = stated
    elif (best, template) == (greedy, AS_IS):
        best_groups, best_B_m = greedy_one
    else:
        best_groups, best_B_m = await drawn(held_out, n_best, best, f"best-{first}", template)
    groups, correct_B_n = stated
    width = correct_B_n.shape[1]
    prompted, sampled = mean_tokens(groups)
    best_prompted, best_sampled = mean_tokens(best_groups)
    if keep:
        keep("held-out", groups, correct_B_n)
    return Side(
        label=label, tasks_B=tuple(t.id for t in held_out), families_B=tuple(t.source for t in held_out), settings=settings,
        correct_B_n=correct_B_n, answers_B_n=answers_of(sampler, groups, width), scores_B_n=scores_of(groups, width),
        greedy_B=greedy_one[1][:, 0], best_settings=best, best_template=template, best_B_m=best_B_m, development=accuracy,
        prompt_tokens=prompted, sampled_tokens=sampled, best_prompt_tokens=best_prompted, best_tokens=best_sampled,
    )  # fmt: skip


async def widen(sampler: GateSampler, side: Side, weights: str, held_out: Sequence[Task], n: int = 16, keep: Keep | None = None) -> Side:
    """The side with n attempts a task at the stated sampler, so that the kind of a gain can be named by pass@n.

    Attempt i has the noise it always had; those the side already holds stay as they are. The best decoding is not
    drawn again. Costs n attempts a held-out task, and is asked for only once a gain is shown.
    """
    held = side.correct_B_n.shape[1]
    if held >= n or side.settings.temperature == 0:
        return side
    groups, correct_B_n = await graded(sampler, held_out, n, side.settings, weights, f"{side.label}/held-out/{side.settings.temperature:g}")
    if keep:
        keep("held-out", groups, correct_B_n)
    answers, scores_B_n = answers_of(sampler, groups, n), scores_of(groups, n)
    return replace(
        side,
        correct_B_n=np.concatenate([side.correct_B_n, correct_B_n[:, held:]], axis=1),
        answers_B_n=tuple((*old, *new[held:]) for old, new in zip(side.answers_B_n, answers, strict=True)),
        scores_B_n=np.concatenate([side.scores_B_n, scores_B_n[:, held:]], axis=1),
    )


def zero_families(side: Side) -> tuple[str, ...]:
    """Task sources on which not one graded attempt at the stated sampler was right."""
    if not side.families_B:
        return ()
    return _unsolved(side.families_B, side.correct_B_n)


async def reach(
    sampler: GateSampler, weights: str, tasks: Sequence[Task], settings: SamplerSettings, n: int = 64, label: str = "start"
) -> tuple[str, ...]:
    """Task sources on which not one of n attempts a task is right: what the verdict takes as `unreached`."""
    if not tasks:
        return ()
    _, correct_B_n = await graded(sampler, tasks, n, settings, weights, f"{label}/reach/{settings.temperature:g}")
    return _unsolved([t.source for t in tasks], correct_B_n)


def _unsolved(families_B: Sequence[str], correct_B_n: Floats) -> tuple[str, ...]:
    right: dict[str, float] = {}
    for family, correct_n in zip(families_B, correct_B_n, strict=True):
        if not np.isnan(correct_n).all():
            right[family] = right.get(family, 0.0) + float(np.nansum(correct_n))
    return tuple(family for family, count in right.items() if count == 0)
