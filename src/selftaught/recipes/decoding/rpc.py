"""RPC: sum the probabilities of the distinct paths to an answer, having pruned improbable ones. arXiv:2502.00511.

Counting needs many samples until shares settle; the model's own probabilities say more with few. Nothing is
trained; the sum's share of all answers is the confidence.
Departs from the paper: 8 paths, where it samples 64 and more; preset `no-prune` is its perplexity consistency alone.
"""

from selftaught import explore, supervise
from selftaught.recipe import Claim, Phase, Recipe, beats

recipe = Recipe(
    name="rpc",
    paper="arXiv:2502.00511",
    pillars=("supervise",),
    signal="self",
    changes="nothing",
    phases=(Phase(plan=explore.Even(tasks=32, n=8), explore=explore.Sample(), read=(supervise.PathConsistency(),), steps=1),),
    decide=supervise.Best(),
    presets={"no-prune": {"read.path-consistency.prune": False}, "per-token": {"read.path-consistency.per_token": True}},
    claim=Claim(
        asks=beats("self-consistency", by=0.01),
        text="on the same 8 samples it is right more often than the majority, and better calibrated",
    ),
    tiny={"plan.tasks": 4, "plan.n": 6, "steps": 2},
)
