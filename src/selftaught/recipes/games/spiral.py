"""SPIRAL: one model plays both seats of a zero-sum game against itself. arXiv:2506.24119.

Only the result of the game pays. A running mean return of each seat is taken off, so that the edge one seat has is
no signal; what is left is policy gradient on every token that seat chose.
Departs from the paper: Kuhn poker alone (there with TicTacToe and negotiation), so roles are not told apart by game;
the running means move once a step; an action that is not allowed loses the most there is to lose.
"""

from selftaught import explore, train
from selftaught.recipe import Ask, Claim, Objective, Phase, Recipe

recipe = Recipe(
    name="spiral",
    paper="arXiv:2506.24119",
    pillars=("explore",),
    signal="rule",
    phases=(
        Phase(
            plan=explore.Even(tasks=128, n=1, max_tokens=8),
            explore=explore.SelfPlay(),
            credit=train.RoleBaseline(state="baseline", score="reward"),
            updates=(train.Returns(state="baseline", score="reward"),),
            objectives=(Objective(loss=train.PolicyGradient(clip=0.2), optimizer=train.AdamW(lr=2e-5)),),
        ),
    ),
    state={"baseline": train.Baseline()},
    tasks=("game:kuhn",),
    presets={"fixed-opponent": {"explore.opponent": "start"}},
    claim=Claim(
        options={"optimizer.lr": 3e-4},
        asks=(
            Ask(measure="exploitability:max_tokens=8", against="spiral/fixed-opponent"),
            Ask(measure="exploitability:max_tokens=8", decides=False),
        ),
        equal="steps",
        model="runs/models/kuhn-player",
        called="a 2-layer model that knows the rules of Kuhn poker",
        made_by="benchmarks/kuhn_player.py",
        text="at equal games, self-play with a baseline for each role ends with a lower exact exploitability in Kuhn poker than "
        "learning against the start, and its advantages vary less than with one baseline for both roles",
    ),
    tiny={"plan.tasks": 8, "steps": 2},
)
