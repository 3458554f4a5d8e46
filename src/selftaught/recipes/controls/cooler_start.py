"""Control: the start model, sampled cooler. Nothing is trained.

It samples ttrl's tasks at temperature 0.3 and replies with the first attempt. As a method (solve, evaluate,
serve) its reply is the cooler sample, so its gain over the start is what a sampler setting alone gives. The gate
of a run compares weights at one sampler, and these are the start's: it must find no change here, and shows the
same gain in `baselines.best_temperature` and on the start's side of `best`.
"""

from dataclasses import replace

from selftaught import supervise
from selftaught.recipe import gains_nothing
from selftaught.recipes.answers.ttrl import recipe as ttrl

cooler = ttrl.with_options({"plan.temperature": 0.3, "steps": 1})
recipe = replace(
    cooler,
    name="cooler-start",
    fixed=("temperature",),
    paper="",
    pillars=("explore",),
    changes="nothing",
    phases=tuple(replace(phase, select=(), credit=None, objectives=()) for phase in cooler.phases),
    decide=supervise.First(),
    claim=gains_nothing(text="at the start's best temperature it is the start: no gain with each side at its best decoding"),
)
