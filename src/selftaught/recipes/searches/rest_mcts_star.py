"""ReST-MCTS*: a tree search over steps teaches the policy its best solutions and a value model its steps. arXiv:2406.03816.

Search guided by a value head, check the ends, infer from the tree how far each step gets; the policy learns the
right solutions the value model likes best, the value head the inferred step values, and the next search is better.
Departs from the paper: ends are checked by a rule that decides from the prompt (there gold answers: preset gold);
the value model is a head on the policy's hidden states; both learn every step, not once a round of search.
"""

from selftaught import explore, supervise, train
from selftaught.recipe import Claim, Objective, Phase, Recipe, beats

recipe = Recipe(
    name="rest-mcts-star",
    paper="arXiv:2406.03816",
    pillars=("explore", "supervise", "train"),
    signal="rule",
    phases=(
        Phase(
            plan=explore.Even(tasks=16, n=1),
            explore=explore.TreeSearch(rounds=4, parallel=4, branch=3),
            read=(supervise.Rule(), supervise.InferredValues()),
            credit=train.Joined(parts=(train.Kept(score="trace", threshold=0.0, best=2, distinct=True), train.StepValues(score="value"))),
            objectives=(
                Objective(loss=train.NLL(), optimizer=train.AdamW(lr=2e-5)),
                Objective(loss=train.ValueRegression(), optimizer=train.AdamW(lr=1e-2), updates=("value",)),
            ),
        ),
    ),
    modules={"value": 1},
    tasks=("countdown:level=2",),
    presets={"gold": {"read": "gold+inferred-values", "tasks": ("chain:level=5",)}},
    claim=Claim(
        asks=beats("star/rule"),
        tasks=("countdown:level=2",),
        text="at equal tokens the guided search solves more held-out tasks than best of n, two rounds of search and learning "
        "beat two rounds of sampling and learning, and fewer kept solutions are right by a wrong step",
    ),
    tiny={"plan.tasks": 2, "explore.rounds": 2, "explore.parallel": 2, "explore.branch": 2, "steps": 2},
)
