"""Cartridges: documents studied into a small key-value prefix, behind which the context is empty. arXiv:2506.06266.

The model asks itself about a document and answers with the document before it; the prefix is trained, and nothing else, until the
model says the same of the conversation with the prefix in the document's place. It begins as the first tokens of the documents, so
its start is a context cut off after as many tokens. Two prefixes stand one behind the other: recipe cartridges-together.
Departs from the paper: documents come in fixed pieces; conversations are made as they are learned, each used once; a mean over
tokens of a divergence in place of a cross entropy; besides, see the parts.
"""

from selftaught import explore, supervise, train
from selftaught.recipe import Ask, Claim, Objective, Phase, Recipe

recipe = Recipe(
    name="cartridges",
    paper="arXiv:2506.06266",
    pillars=("explore", "train"),
    changes="prefix",
    weights={"notes": train.Prefix(tokens=10, corpus="tasks")},
    phases=(
        Phase(
            plan=explore.Even(tasks=6, n=8),
            explore=explore.SelfStudy(),
            credit=train.OffContext(),
            objectives=(Objective(loss=train.TopDistillation(), optimizer=train.AdamW(lr=2e-2), updates=("notes",)),),
            steps=60,
            every=20,
        ),
        Phase(plan=explore.Even(n=1), explore=explore.Behind(weights="notes"), steps=0),
    ),
    decide=supervise.First(),
    tasks=("records:people=24",),
    claim=Claim(
        asks=(
            Ask(measure="pass-1", against="prefix-by-likelihood"),
            Ask(measure="pass-1-best", against="prefix-by-likelihood"),
            Ask(measure="pass-1"),
            Ask(measure="pass-1-best"),
        ),
        premise=Ask(measure="in-context", against="an empty context", by=0.3),
        equal="steps",
        tasks=("records:people=24,each=8,seed=31",),
        text="at equal steps, a prefix of an eighth of the documents' length that is trained by self-study recalls more of them behind an "
        "empty context than one trained by likelihood on the documents, and than their first tokens in the context",
    ),
    tiny={"plan.tasks": 2, "0.plan.n": 2, "steps": 2},
)
