"""Self-J: a judge that is shown the right answer teaches the judge that is not. arXiv:2409.00935.

The start answers, and stays as it is; weights `judge`, which begin as its own, learn to say whether an attempt is right. Shown
the answer, they learn the start's own verdict blended with the attempt's likeness to the answer; not shown it, they learn that
label a little and the seeing judge's verdict mostly. At test time nothing is shown: best of n by the judge is the reply, and
`judging:what=abstain` measures what declining the worst 30% is worth.
Departs from the paper: one word, yes or no, drawn by its target for a grade of 1 to 10; likeness of answers by their letters
for the cosine of sentence embeddings; instructions have one right answer; judge and start are one model of the same size.
"""

from selftaught import explore, supervise, train
from selftaught.recipe import Ask, Claim, Objective, Phase, Recipe

recipe = Recipe(
    name="self-j",
    paper="arXiv:2409.00935",
    pillars=("supervise", "train"),
    signal="gold",
    phases=(
        Phase(
            plan=explore.Even(tasks=8, n=4),
            explore=explore.Sample(),
            read=(supervise.PrivilegedJudge(),),
            credit=train.Kept(score="verdict", role="judge"),
            objectives=(Objective(loss=train.NLL(), optimizer=train.AdamW(lr=1e-4), updates=("judge",)),),
            steps=30,
        ),
    ),
    decide=supervise.Best(),
    presets={"label": {"read.privileged-judge.teach": 0.0, "read.privileged-judge.label": 1.0}},
    claim=Claim(
        asks=(
            Ask(measure="judging", by=0.1),
            Ask(measure="judging", against="likelihood or length", by=0.1),
        ),
        equal="steps",
        text="the taught judge ranks unseen attempts by 0.1 better than grading itself, and than likelihood and length",
    ),
    tiny={"plan.tasks": 2, "plan.n": 2, "steps": 2},
)
