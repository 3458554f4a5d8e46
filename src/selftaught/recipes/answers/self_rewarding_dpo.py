"""Self-rewarding language models: judge one's own solutions, prefer the best to the worst. arXiv:2401.10020.

The model that answers also judges, so a better generation has a better judge; best and worst of a task make a
pair for DPO.
Departs from the paper: several yes-or-no verdicts for its 0 to 5 points; tasks come from the pool, the model writes
none; pairs are made and learned from step by step, and the reference of DPO stays the start.
"""

from selftaught import explore, supervise, train
from selftaught.recipe import Claim, Objective, Phase, Recipe, beats

recipe = Recipe(
    name="self-rewarding-dpo",
    paper="arXiv:2401.10020",
    pillars=("supervise", "train"),
    signal="self",
    phases=(
        Phase(
            plan=explore.Even(tasks=32, n=4),
            explore=explore.Sample(),
            read=(supervise.Judge(n=4),),
            select=(train.Signal(),),
            credit=train.Pairs(),
            objectives=(Objective(loss=train.DPO(beta=0.1), optimizer=train.AdamW(lr=1e-5)),),
        ),
    ),
    claim=Claim(
        asks=beats("sft-unfiltered"),
        text="preferring what the model itself judges right makes it right more often",
    ),
    tiny={"plan.tasks": 4, "plan.n": 3, "read.judge.n": 2, "steps": 2},
)
