"""selftaught: the whole organism, and the default.

Explore: spend attempts at the model's own frontier, on each task and on the model's own rewording of it. Supervise: a
rule where one can be read off the prompt, else the two wordings vote, and count only where they agree. Reflect: revise
failed attempts; a revision that the group's verdict confirms is learned as a first answer. Train: policy gradient on
the attempts, likelihood on the confirmed revisions. Keep: a generation that measures worse without answers is undone.
"""

from selftaught import explore, measures, reflect, supervise, train
from selftaught.recipe import Claim, Objective, Phase, Pillar, Recipe, beats

PILLARS: tuple[Pillar, ...] = ("explore", "supervise", "reflect", "train")
LEARN = train.AdamW(lr=1e-4)

recipe = Recipe(
    name="selftaught",
    pillars=PILLARS,
    signal="rule, self",
    state={"ranking": explore.Ranking(), "anchor": measures.Anchor()},
    phases=(
        Phase(
            plan=explore.Frontier(tasks=32, n=8),
            explore=explore.Reword(),
            read=(supervise.Rule(), supervise.CrossVote(agree=True), reflect.Revise(most=1), supervise.Rule(), supervise.Winner()),
            select=(train.Signal(by_view=False),),
            credit=train.Joined(parts=(train.GroupCentred(role="solver"), train.Kept(role="reviser", retarget=True))),
            objectives=(Objective(loss=train.PolicyGradient(), optimizer=LEARN), Objective(loss=train.NLL(), optimizer=LEARN, weight=0.1)),
            updates=(explore.Track(),),
            # A generation differs from the last by some 4 points of noise on 96 tasks; a collapse by far more.
            keep=measures.Agreement(tasks=96, tolerance=0.05),
            steps=60,
            every=10,
        ),
    ),
    claim=Claim(
        options={"optimizer.lr": 1e-4, "0.steps": 5},
        asks=beats("ttrl", "star", *(f"selftaught without {pillar}" for pillar in PILLARS)),
        text="at equal tokens it beats its parts, and each pillar taken away costs something",
    ),
    tiny={"plan.tasks": 4, "plan.n": 4, "steps": 2, "keep.tasks": 4},
)
