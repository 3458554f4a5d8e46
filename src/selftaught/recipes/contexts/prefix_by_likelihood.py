"""Prefix by likelihood: a key-value prefix trained to predict the documents themselves. arXiv:2506.06266.

What cartridges are compared with there: the same prefix, begun as the same tokens, trained on the text in place of talk about it.
Departs from the paper: documents come in fixed pieces.
"""

from selftaught import explore, supervise, train
from selftaught.recipe import Ask, Claim, Objective, Phase, Recipe

recipe = Recipe(
    name="prefix-by-likelihood",
    paper="arXiv:2506.06266",
    pillars=("train",),
    changes="prefix",
    weights={"notes": train.Prefix(tokens=10, corpus="tasks")},
    phases=(
        Phase(
            plan=explore.Even(tasks=6, n=1),
            explore=explore.Recite(),
            credit=train.Kept(),
            objectives=(Objective(loss=train.NLL(), optimizer=train.AdamW(lr=2e-2), updates=("notes",)),),
            steps=60,
            every=20,
        ),
        Phase(plan=explore.Even(n=1), explore=explore.Behind(weights="notes"), steps=0),
    ),
    decide=supervise.First(),
    tasks=("records:people=24",),
    claim=Claim(
        asks=(Ask(measure="pass-1"), Ask(measure="pass-1-best")),
        premise=Ask(measure="in-context", against="an empty context", by=0.3),
        equal="steps",
        tasks=("records:people=24,each=8,seed=31",),
        text="a prefix that is trained by likelihood on documents recalls more of them than their first tokens in the context",
    ),
    tiny={"plan.tasks": 2, "steps": 2},
)
