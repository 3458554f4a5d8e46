"""TT-SI: at test time, learn for each task the model is unsure of from neighbors it writes itself. arXiv:2510.07841.

Nothing lasts: the steps are taken on scratch weights that are dropped with the reply, so no task is answered by what
another one taught. Presets: `always` adapts on every task, `never` on none, `in-context` shows the same neighbors instead
of learning them.
Departs from the paper: a candidate is a final answer, its probability that of the different solutions seen together, where
the paper scores single actions; a neighbor and its solution are two requests, the solution the most common of four, and a
neighbor is left out where fewer than half agree; all weights are adapted, not a LoRA adapter (a LoRA model adapts its
adapter); questions with answers, not tool calls.
"""

from selftaught import explore, supervise, train
from selftaught.recipe import Ask, Claim, Phase, Recipe

recipe = Recipe(
    name="tt-si",
    paper="arXiv:2510.07841",
    pillars=("explore", "train"),
    signal="self",
    changes="nothing",
    phases=(
        Phase(
            plan=explore.Even(tasks=8, n=1, temperature=0.0),
            explore=explore.Adapt(loss=train.NLL(), optimizer=train.AdamW(lr=1e-4, epochs=4)),
            steps=1,
        ),
    ),
    decide=supervise.First(),
    presets={
        "always": {"explore.threshold": 2.0},
        "never": {"explore.threshold": 0.0},
        "in-context": {"explore.loss": "none"},
    },
    claim=Claim(
        asks=(
            Ask(measure="reply:tasks=80", against="tt-si/never"),
            Ask(measure="reply:tasks=80", against="tt-si/in-context"),
            Ask(measure="reply:tasks=80", against="tt-si/always", by=-0.01),
            Ask(measure="reply:tasks=80", against="self-consistency", decides=False),
        ),
        equal="steps",
        text="a few steps on self-written neighbors of the tasks it is unsure of answer more of them than no steps and than the "
        "same neighbors in context, and within a point of adapting on all",
    ),
    tiny={"plan.tasks": 2, "steps": 2, "explore.neighbors": 2, "explore.votes": 2, "explore.candidates": 4},
)
