"""Co-Reward: two wordings of a question check each other. arXiv:2508.00410.

Vote on each wording, pay each wording's attempts by the other's winner; collapse is harder, because the label
comes from another view.
Departs from the paper: the model rewords the question itself (source: self), a rewording that changes the numbers
is dropped; 8 attempts a wording.
"""

from selftaught import explore, supervise, train
from selftaught.recipe import Claim, Objective, Phase, Recipe, beats

recipe = Recipe(
    name="co-reward",
    paper="arXiv:2508.00410",
    pillars=("explore", "supervise"),
    signal="self",
    phases=(
        Phase(
            plan=explore.Even(tasks=16, n=16),
            explore=explore.Reword(),
            read=(supervise.CrossVote(),),
            select=(train.Signal(),),
            credit=train.GroupCentred(scale="std", anchor=True),
            objectives=(Objective(loss=train.PolicyGradient(clip=0.2, kl=5e-3, per="sequence"), optimizer=train.AdamW(lr=2e-5)),),
        ),
    ),
    claim=Claim(
        asks=beats("ttrl"),
        text="at equal tokens the other wording's winner is a better label than one's own",
    ),
    tiny={"plan.tasks": 4, "plan.n": 4, "steps": 2},
)
