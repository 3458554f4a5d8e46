"""TTRL: the majority answer is the label. arXiv:2504.16084.

Sample answers to an unlabeled task, let them vote, reward agreement, repeat.
Departs from the paper: trains on other tasks than it is tested on; 8 attempts vote and train (there 64 and 32).
"""

from selftaught import explore, supervise, train
from selftaught.recipe import Claim, Objective, Phase, Recipe, beats

recipe = Recipe(
    name="ttrl",
    paper="arXiv:2504.16084",
    pillars=("supervise", "train"),
    signal="self",
    phases=(
        Phase(
            plan=explore.Even(tasks=32, n=8),
            explore=explore.Sample(),
            read=(supervise.Vote(),),
            select=(train.Signal(),),
            credit=train.GroupCentred(),
            objectives=(Objective(loss=train.PolicyGradient(clip=0.2), optimizer=train.AdamW(lr=2e-5)),),
        ),
    ),
    claim=Claim(
        asks=beats("zero-lr"),
        text="label-free votes raise pass@1 on held-out tasks at each side's best decoding",
    ),
    tiny={"plan.tasks": 4, "plan.n": 4, "steps": 2},
)
