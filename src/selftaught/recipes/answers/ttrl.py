"""TTRL: the majority answer is the label. arXiv:2504.16084.

Sample answers to an unlabeled task, let them vote, reward agreement, repeat.
Departs from the paper: trains on other tasks than it is tested on; 8 attempts vote and train (there 64 and 32).
"""

from selftaught.explore.sample import Sample
from selftaught.recipe import Claim, Phase, Recipe, beats
from selftaught.stages import Objective
from selftaught.supervise.vote import Vote
from selftaught.train.credit.group_centred import GroupCentred
from selftaught.train.losses.policy_gradient import PolicyGradient
from selftaught.train.optim import AdamW
from selftaught.train.select.signal import Signal

recipe = Recipe(
    name="ttrl",
    paper="arXiv:2504.16084",
    pillars=("supervise", "train"),
    signal="self",
    phases=(
        Phase(
            explore=Sample(tasks=32, n=8),
            read=(Vote(),),
            select=(Signal(),),
            credit=GroupCentred(),
            objectives=(Objective(loss=PolicyGradient(clip=0.2), optimizer=AdamW(lr=2e-5)),),
        ),
    ),
    claim=Claim(
        asks=beats("zero-lr"),
        text="label-free votes raise pass@1 on held-out tasks at each side's best decoding",
    ),
    tiny={"explore.tasks": 4, "explore.n": 4, "steps": 2},
)
