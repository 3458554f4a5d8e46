"""Search self-play: a model writes questions about what it has searched, and answers them by searching. arXiv:2510.18821.

It is given an answer, searches, and writes a question with that answer. A gate keeps a question only if the documents that
were found in writing it give the answer, without a search. Attempts at what is kept, with the search, are paid by the key; its
author is paid 1 - their mean afterwards. Both roles are one set of weights. No question is given, and no answer read.
Departs from the paper: the reader behind the gate is the model itself as it learns, without four unrelated
documents mixed in (there a larger judge); REINFORCE for the author has a running mean taken off, and what is no valid question
is paid 0 (as in the released script) and not replaced by an older one; one search is enough (there two); no KL to the start
(there 0.01); three turns (there ten); exact match (there a judge).
"""

from selftaught import explore, supervise, tools, train
from selftaught.recipe import Ask, Claim, Objective, Phase, Recipe

search = (tools.Search(),)
solvers, author = train.GroupCentred(role="solver", scale="std"), train.RoleBaseline(role="proposer", score="reward")
recipe = Recipe(
    name="search-self-play",
    paper="arXiv:2510.18821",
    pillars=("explore", "supervise"),
    signal="self",
    phases=(
        Phase(
            plan=explore.Even(tasks=32, n=1),
            explore=explore.Propose(
                write=explore.Converse(tools=search, turns=3, role="proposer"),
                solve=explore.Converse(tools=search, turns=3),
                gate=supervise.Answerable(),
            ),
            read=(supervise.OwnKey(), supervise.Stumped()),
            credit=train.Joined(parts=(solvers, author)),
            objectives=(Objective(loss=train.PolicyGradient(clip=0.2), optimizer=train.AdamW(lr=1e-4)),),
            updates=(train.Returns(role="proposer", score="reward"),),
        ),
    ),
    state={"baseline": train.Baseline()},
    decide=supervise.First(),
    tasks=("pages:world=0",),
    presets={
        "frozen-proposer": {"explore.write.weights": "start", "credit": "group-centred:role=solver,scale=std"},
        "no-gate": {"explore.gate": "none"},
    },
    claim=Claim(
        asks=(
            Ask(measure="replies", against="search-self-play/frozen-proposer"),
            Ask(measure="wrong-keys", against="search-self-play/no-gate", by=0.1),
            Ask(measure="replies", decides=False),
            Ask(measure="replies", against="search-self-play/no-gate", decides=False),
        ),
        equal="steps",
        tasks=("pages:world=0",),
        model="runs/models/reader",
        called="a 3-layer model that was half taught to search",
        made_by="benchmarks/reader.py",
        text="at equal rollouts, an author that learns makes its solver right more often on questions of two hops about pages nobody "
        "has met than an author that stays as it was, and without the gate at least 10 points more of its keys are wrong",
    ),
    tiny={"plan.tasks": 4, "explore.rollouts": 2, "steps": 2},
)
