"""STaR: fine-tune on one's own solutions that came out right, from the start anew each round. arXiv:2203.14465.

In a round the newest generation samples and a student, which begins as the start, imitates what was right; at
the end of the round the student becomes the newest generation. The checker may read answers, and each reading is
counted; preset `rule` keeps to checkers that read none, preset `votes` adds the majority where there is no checker.
Departs from the paper: no rationalization (hinting the answer); several samples at temperature 1, where it takes
one greedy; the student learns while the round samples, and Adam's moments outlive a round.
"""

from dataclasses import replace

from selftaught import explore, supervise, train
from selftaught.recipe import Claim, Objective, Phase, Recipe, beats

collect = Phase(
    plan=explore.Even(tasks=32, n=8),
    explore=explore.Sample(),
    read=(supervise.Gold(),),
    credit=train.Kept(distinct=True, weighting="balanced"),
    objectives=(Objective(loss=train.NLL(), optimizer=train.AdamW(lr=2e-5), updates=("student",)),),
    steps=9,
    every=10,
)
hand_over = (
    # Decay 1 writes once, when `origin` is new and the policy still is the start; LoRA has no "start" to copy from.
    train.Average(source="policy", into="origin", decay=1.0),
    train.Average(source="student", into="policy", decay=0.0),
    train.Average(source="origin", into="student", decay=0.0),
)
recipe = Recipe(
    name="star",
    paper="arXiv:2203.14465",
    pillars=("supervise", "train"),
    signal="gold",
    phases=(collect, replace(collect, steps=1, updates=hand_over)),
    rounds=4,
    presets={"rule": {"read": "rule"}, "votes": {"read": "rule+vote"}},
    claim=Claim(
        options={"0.steps": 5},
        asks=beats("sft-unfiltered"),
        text="imitating solutions that came out right beats imitating all of them",
    ),
    tiny={"plan.tasks": 4, "plan.n": 4, "rounds": 1, "steps": 2},
)
