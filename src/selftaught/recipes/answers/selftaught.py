"""selftaught: the whole organism, and the default.

Explore: spend attempts at the model's own frontier, on each task and on the model's own rewording of it. Supervise: a
rule where one can be read off the prompt, else the two wordings vote, and count only where they agree. Reflect: revise
failed attempts; a revision that the group's verdict confirms is learned as a first answer. Train: policy gradient on
the attempts, likelihood on the confirmed revisions. Keep: a generation that measures worse without answers is undone.
"""

from selftaught.explore.frontier import Frontier, Ranking
from selftaught.measures.agreement import Agreement, Anchor
from selftaught.recipe import Claim, Phase, Pillar, Recipe, beats
from selftaught.reflect.revise import Revise
from selftaught.stages import Objective
from selftaught.supervise.check import Rule
from selftaught.supervise.track import Track
from selftaught.supervise.vote import CrossVote
from selftaught.supervise.winner import Winner
from selftaught.train.credit.group_centred import GroupCentred
from selftaught.train.credit.joined import Joined
from selftaught.train.credit.kept import Kept
from selftaught.train.losses.nll import NLL
from selftaught.train.losses.policy_gradient import PolicyGradient
from selftaught.train.optim import AdamW
from selftaught.train.select.signal import Signal

PILLARS: tuple[Pillar, ...] = ("explore", "supervise", "reflect", "train")
LEARN = AdamW(lr=1e-4)

recipe = Recipe(
    name="selftaught",
    pillars=PILLARS,
    signal="rule, self",
    state={"ranking": Ranking(), "anchor": Anchor()},
    phases=(
        Phase(
            explore=Frontier(tasks=32, n=8),
            read=(Rule(), CrossVote(agree=True), Track(), Revise(most=1), Rule(), Winner()),
            select=(Signal(by_view=False),),
            credit=Joined(parts=(GroupCentred(role="solver"), Kept(role="reviser", retarget=True))),
            objectives=(Objective(loss=PolicyGradient(), optimizer=LEARN), Objective(loss=NLL(), optimizer=LEARN, weight=0.1)),
            # A generation differs from the last by some 4 points of noise on 96 tasks; a collapse by far more.
            keep=Agreement(tasks=96, tolerance=0.05),
            steps=60,
            every=10,
        ),
    ),
    claim=Claim(
        options={"optimizer.lr": 1e-4, "0.steps": 5},
        asks=beats("ttrl", "star", *(f"selftaught without {pillar}" for pillar in PILLARS)),
        text="at equal tokens it beats its parts, and each pillar taken away costs something",
    ),
    tiny={"explore.tasks": 4, "explore.n": 4, "steps": 2, "keep.tasks": 4},
)
