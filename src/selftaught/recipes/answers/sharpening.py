"""Sharpening: fine-tune on the likeliest of N own samples, so that one sample does what best-of-N did. arXiv:2412.01951.

The self-reward is r(x, y) = log p(y | x) under the weights that sampled; answers cut by the length limit are out.
Departs from the paper, which draws all samples from the start: each step draws from the newest generation, so the
distribution is sharpened again and again; this is the SFT form, the one that maximizes E[r] - beta KL is not here.
Preset `per-token` takes the mean log-probability, which does not favor short answers.
"""

from selftaught import explore, supervise, train
from selftaught.recipe import Claim, Objective, Phase, Recipe, beats

recipe = Recipe(
    name="sharpening",
    paper="arXiv:2412.01951",
    pillars=("supervise", "train"),
    signal="self",
    phases=(
        Phase(
            plan=explore.Even(tasks=16, n=16),
            explore=explore.Sample(),
            read=(supervise.Likelihood(),),
            # Log-probabilities are negative: any finite one is kept.
            credit=train.Kept(threshold=-1e9, best=1),
            objectives=(Objective(loss=train.NLL(), optimizer=train.AdamW(lr=2e-5)),),
        ),
    ),
    presets={"per-token": {"read.likelihood.per_token": True}},
    claim=Claim(
        asks=beats("sft-unfiltered"),
        text="one sample becomes right more often, towards best-of-n on the start and not beyond it",
    ),
    tiny={"plan.tasks": 4, "plan.n": 4, "steps": 2},
)
