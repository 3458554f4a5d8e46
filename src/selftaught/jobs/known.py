"""Known models: what a model known by name is asked, and how it is trained, where the user leaves that open.

The settings were chosen on a tuning seed and other held-out tasks, on two cores; `docs/smollm2.md` has what came of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from selftaught.jobs.job import Job
from selftaught.recipe import get_recipe


@dataclass(frozen=True, kw_only=True)
class Known:
    """Settings that suit a model.

    Attributes:
        tasks: task sources.
        adapter, temperature: as in `jobs.job.Job`.
        max_tokens: the length that most attempts need, in tokens.
        steps: steps in all, of the default recipe.
        options: recipe options by dotted name, for every recipe that has them.
    """

    tasks: tuple[str, ...]
    adapter: str
    temperature: float
    max_tokens: int
    steps: int
    options: Mapping[str, Any]


KNOWN: Mapping[str, Known] = {
    # At temperature 1 it mostly writes noise, and its own rewordings often ask something else.
    "smollm2": Known(
        tasks=("sentence:level=1", "alphabet:level=1", "compare:level=2"),
        adapter="lora",
        temperature=0.4,
        max_tokens=24,
        steps=12,
        options={"plan.tasks": 12, "plan.n": 8, "explore.reword": False, "keep.tasks": 24, "optimizer.lr": 3e-4, "every": 4},
    ),
}  # fmt: skip


def filled(job: Job) -> tuple[Job, list[str]]:
    """The job with what its model is known to need, and a line that says what was set."""
    if job.adapter == "none":
        # What is written down names the weights themselves.
        return replace(job, adapter=""), []
    known = KNOWN.get(job.model)
    recipe = get_recipe(job.recipe)
    if known is None or recipe.model:
        return job, []
    has = recipe.options()
    options = {name: value for name, value in known.options.items() if name in has and name not in job.options and recipe.trains}
    changed: dict[str, Any] = {name: getattr(known, name) for name in ("tasks", "max_tokens") if not getattr(job, name)}
    if job.temperature is None:
        changed["temperature"] = known.temperature
    if recipe.trains and not job.adapter:
        changed["adapter"] = known.adapter
    if job.recipe == Job().recipe and job.steps is None and "steps" not in job.options and job.budget is None:
        changed["steps"] = known.steps
    if not options and not changed:
        return job, []
    words = [f"--{name.replace('_', '-')} {' '.join(v) if isinstance(v, tuple) else v}" for name, v in changed.items()]
    words += [f"--{name} {value}" for name, value in options.items()]
    return replace(job, **changed, options={**options, **job.options}), [
        f"set for {job.model}, as nothing else was asked: {' '.join(words)}"
    ]
