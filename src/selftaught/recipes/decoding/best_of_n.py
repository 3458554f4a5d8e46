"""Best-of-n: sample several solutions and give the one that scores highest. arXiv:2110.14168, with a label-free score.

Nothing is trained. The score is the model's own mean log-probability per token; preset `judge` asks the model
whether each solution is right, preset `rule` lets a checker decide that needs no answer.
Departs from the paper: it trains a verifier on answers; here nothing but the model scores.
"""

from selftaught import explore, supervise
from selftaught.recipe import Claim, Phase, Recipe, beats

recipe = Recipe(
    name="best-of-n",
    paper="arXiv:2110.14168",
    pillars=("explore", "supervise"),
    signal="self",
    changes="nothing",
    phases=(Phase(plan=explore.Even(tasks=32, n=8), explore=explore.Sample(), read=(supervise.Likelihood(per_token=True),), steps=1),),
    decide=supervise.Best(),
    presets={"judge": {"read": "judge"}, "rule": {"read": "rule+likelihood:per_token=true"}},
    claim=Claim(
        asks=beats("cooler-start"),
        text="the likeliest of 8 samples is right more often than one cooler sample",
    ),
    tiny={"plan.tasks": 4, "plan.n": 4, "steps": 2},
)
