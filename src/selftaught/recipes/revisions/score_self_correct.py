"""SCoRe: learn to correct oneself by reinforcement, first the second turn, then both. arXiv:2409.12917.

Stage I pays the second answer alone and holds the first to the start by a strong KL, so that the two turns come
apart. Stage II pays both answers, and progress from the first to the second ten times over.
The signal is a checker that reads no answer; preset `gold` reads answers, as the paper does, `votes` adds the
majority of drafts and revisions where there is no checker. The reply of the method is the second answer.
Departs from the paper: a turn is paid by its own reward (there the return flows back to the first), rewards are
centred on the group's mean, and a group where nothing differs is left out; no drafts of the start are mixed in.
"""

from selftaught import explore, supervise, train
from selftaught.recipe import Ask, Claim, Objective, Phase, Recipe

objectives = tuple(Objective(loss=loss, optimizer=train.AdamW(lr=1e-5)) for loss in (train.PolicyGradient(), train.AnchorKL()))
recipe = Recipe(
    name="score-self-correct",
    paper="arXiv:2409.12917",
    pillars=("reflect", "train"),
    signal="rule",
    phases=(
        Phase(
            plan=explore.Even(tasks=16, n=8),
            explore=explore.Retry(),
            read=(supervise.Rule(),),
            credit=train.Turns(first=False, bonus=0.0, anchor_first=0.1, anchor_last=0.01),
            objectives=objectives,
            steps=20,
        ),
        Phase(
            plan=explore.Even(tasks=16, n=8),
            explore=explore.Retry(),
            read=(supervise.Rule(),),
            credit=train.Turns(first=True, bonus=10.0, anchor_first=0.01, anchor_last=0.01),
            objectives=objectives,
            steps=20,
        ),
    ),
    decide=supervise.Last(),
    presets={"gold": {"read": "gold"}, "votes": {"read": "rule+vote"}, "no-bonus": {"1.credit.bonus": 0.0}},
    claim=Claim(
        options={"0.steps": 7},
        asks=(
            Ask(measure="second-answer", against="its own first answer", by=0.03),
            Ask(measure="first-answer", by=-0.03),
            Ask(measure="answer-mended", against="score-self-correct/no-bonus"),
        ),
        text="the second answer is right at least 3 points more often than the first, and the first hardly loses",
    ),
    tiny={"plan.tasks": 4, "plan.n": 4, "steps": 2},
)
