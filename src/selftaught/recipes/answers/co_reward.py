"""Co-Reward: two wordings of a question check each other. arXiv:2508.00410.

Vote on each wording, pay each wording's attempts by the other's winner; collapse is harder, because the label
comes from another view.
Departs from the paper: the model rewords the question itself (source: self), a rewording that changes the numbers
is dropped; 8 attempts a wording.
"""

from selftaught.explore.frontier import Reword
from selftaught.recipe import Claim, Phase, Recipe, beats
from selftaught.stages import Objective
from selftaught.supervise.vote import CrossVote
from selftaught.train.credit.group_centred import GroupCentred
from selftaught.train.losses.policy_gradient import PolicyGradient
from selftaught.train.optim import AdamW
from selftaught.train.select.signal import Signal

recipe = Recipe(
    name="co-reward",
    paper="arXiv:2508.00410",
    pillars=("explore", "supervise"),
    signal="self",
    phases=(
        Phase(
            explore=Reword(tasks=16, n=16),
            read=(CrossVote(),),
            select=(Signal(),),
            credit=GroupCentred(scale="std", anchor=True),
            objectives=(Objective(loss=PolicyGradient(clip=0.2, kl=5e-3, per="sequence"), optimizer=AdamW(lr=2e-5)),),
        ),
    ),
    claim=Claim(
        asks=beats("ttrl"),
        text="at equal tokens the other wording's winner is a better label than one's own",
    ),
    tiny={"explore.tasks": 4, "explore.n": 4, "steps": 2},
)
