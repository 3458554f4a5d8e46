"""Self-rewarding language models: judge one's own solutions, prefer the best to the worst. arXiv:2401.10020.

The model that answers also judges, so a better generation has a better judge; best and worst of a task make a
pair for DPO.
Departs from the paper: several yes-or-no verdicts for its 0 to 5 points; tasks come from the pool, the model writes
none; pairs are made and learned from step by step, and the reference of DPO stays the start.
"""

from selftaught.explore.sample import Sample
from selftaught.recipe import Claim, Phase, Recipe, beats
from selftaught.stages import Objective
from selftaught.supervise.judge import Judge
from selftaught.train.credit.pairs import Pairs
from selftaught.train.losses.preference import DPO
from selftaught.train.optim import AdamW
from selftaught.train.select.signal import Signal

recipe = Recipe(
    name="self-rewarding-dpo",
    paper="arXiv:2401.10020",
    pillars=("supervise", "train"),
    signal="self",
    phases=(
        Phase(
            explore=Sample(tasks=32, n=4),
            read=(Judge(n=4),),
            select=(Signal(),),
            credit=Pairs(),
            objectives=(Objective(loss=DPO(beta=0.1), optimizer=AdamW(lr=1e-5)),),
        ),
    ),
    claim=Claim(
        asks=beats("sft-unfiltered"),
        text="preferring what the model itself judges right makes it right more often",
    ),
    tiny={"explore.tasks": 4, "explore.n": 3, "read.judge.n": 2, "steps": 2},
)
