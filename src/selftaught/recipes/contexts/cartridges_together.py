"""Cartridges together: two prefixes, each studied from documents of its own, one behind the other. arXiv:2506.06266.

Each is trained as in recipe cartridges and never sees the other one; a question is answered behind both. With `steps` of the other
phase and a file that a run has saved as --weights.more.corpus, one of them can come from elsewhere.
Departs from the paper: the second prefix's keys stay as they were rotated at its own first places; besides, as cartridges.
"""

from dataclasses import replace

from selftaught import explore, supervise, train
from selftaught.recipe import Ask, Claim, Objective, Phase, Recipe

first = Phase(
    plan=explore.OneSource(source=0, tasks=6, n=8),
    explore=explore.SelfStudy(),
    credit=train.OffContext(),
    objectives=(Objective(loss=train.TopDistillation(), optimizer=train.AdamW(lr=2e-2), updates=("notes",)),),
    steps=60,
    every=20,
)
second = replace(first, plan=explore.OneSource(source=1, tasks=6, n=8), objectives=(replace(first.objectives[0], updates=("more",)),))
recipe = Recipe(
    name="cartridges-together",
    paper="arXiv:2506.06266",
    pillars=("explore", "train"),
    changes="prefix",
    weights={"notes": train.Prefix(tokens=10, corpus="tasks:0"), "more": train.Prefix(tokens=30, corpus="tasks:1")},
    phases=(first, second, Phase(plan=explore.Even(n=1), explore=explore.Behind(weights="notes+more"), steps=0)),
    decide=supervise.First(),
    tasks=("records:people=24", "records:people=24,seed=1"),
    claim=Claim(
        asks=(Ask(measure="pass-1"), Ask(measure="pass-1-best"), Ask(measure="pass-1", against="cartridges", decides=False)),
        premise=Ask(measure="in-context", against="an empty context", by=0.3),
        equal="steps",
        tasks=("records:people=24,seed=31", "records:people=24,seed=41"),
        text="behind two prefixes that were studied apart, more of both documents is recalled than behind the first tokens of both",
    ),
    tiny={"plan.tasks": 2, "0.plan.n": 2, "1.plan.n": 2, "steps": 2},
)
