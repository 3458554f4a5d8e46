"""B-STaR: each round, choose the temperature and threshold that balance exploring and exploiting. arXiv:2412.17256.

On a few tasks a grid of temperatures and thresholds is scored by how many different right attempts it would keep,
and how purely; all tasks are then sampled with the best pair, and what lies above the threshold is imitated.
Departs from the paper, to be label-free: the thresholded score is the share of attempts that agree (there answer
match and a reward model), and right is what a checker that reads no answer says, or the majority over all
temperatures. Preset `gold` reads answers for both, so that only the temperature is left to choose.
"""

from selftaught import explore, supervise, train
from selftaught.recipe import Claim, Objective, Phase, Recipe, beats

search = Phase(
    plan=explore.Even(tasks=8, n=8),
    explore=explore.Grid(),
    read=(supervise.Share(score="share"), supervise.Rule(), supervise.Vote()),
    updates=(explore.Balance(),),
    steps=1,
)
imitate = Phase(
    plan=explore.Tuned(tasks=32, n=8),
    explore=explore.Sample(),
    read=(supervise.Share(),),
    select=(train.Above(),),
    credit=train.Kept(threshold=0.0, distinct=True),
    objectives=(Objective(loss=train.NLL(), optimizer=train.AdamW(lr=2e-5)),),
    steps=5,
)
recipe = Recipe(
    name="b-star",
    paper="arXiv:2412.17256",
    pillars=("explore",),
    signal="self",
    phases=(search, imitate),
    rounds=8,
    state={"settings": explore.Settings()},
    presets={"gold": {"0.read": "gold", "0.updates": "balance:score=reward,thresholds=0.5", "1.read": "gold"}},
    claim=Claim(
        asks=beats("star/votes", by=0.02),
        text="at equal tokens, settings tuned each round end above fixed ones, and pass@16 does not fall",
    ),
    tiny={"plan.tasks": 3, "plan.n": 4, "rounds": 1, "1.steps": 1},
)
