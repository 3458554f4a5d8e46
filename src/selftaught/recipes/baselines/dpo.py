"""DPO: prefer what a checker passes to what it does not. arXiv:2305.18290.

Own attempts at a task are graded, and the best and the worst of them make a pair; the policy learns to prefer the one to the
other relative to the start, without a reward model. Departs from the paper, whose pairs are made once and by people:
here they are the policy's own, made and learned from step by step. Preset `rule` keeps to checkers that read no answer.
"""

from selftaught import explore, supervise, train
from selftaught.recipe import Claim, Objective, Phase, Recipe, beats

recipe = Recipe(
    name="dpo",
    paper="arXiv:2305.18290",
    pillars=("train",),
    signal="gold",
    phases=(
        Phase(
            plan=explore.Even(tasks=32, n=8),
            explore=explore.Sample(),
            read=(supervise.Gold(),),
            select=(train.Signal(),),
            credit=train.Pairs(),
            objectives=(Objective(loss=train.DPO(beta=0.1), optimizer=train.AdamW(lr=3e-5)),),
        ),
    ),
    presets={"rule": {"read": "rule"}},
    claim=Claim(asks=beats("zero-lr"), text="preferring graded attempts raises pass@1 at each side's best decoding"),
    tiny={"plan.tasks": 4, "plan.n": 4, "steps": 2},
)
