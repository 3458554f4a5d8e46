"""Self-consistency: sample several solutions and give the majority's answer. arXiv:2203.11171.

Nothing is trained. The vote's share is the confidence of every attempt's score.
Departs from the paper: no few-shot prompt; equal answers are those the run's Format makes equal.
"""

from selftaught import explore, supervise
from selftaught.recipe import Claim, Phase, Recipe, beats

recipe = Recipe(
    name="self-consistency",
    paper="arXiv:2203.11171",
    pillars=("explore", "supervise"),
    signal="self",
    changes="nothing",
    phases=(Phase(plan=explore.Even(tasks=32, n=8), explore=explore.Sample(), read=(supervise.Vote(),), steps=1),),
    decide=supervise.Majority(),
    claim=Claim(asks=beats("cooler-start"), text="the majority of 8 samples is right more often than one cooler sample"),
    tiny={"plan.tasks": 4, "plan.n": 4, "steps": 2},
)
