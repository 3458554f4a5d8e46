"""OMNE: a long-term memory is written after every task and read before the next. arXiv:2410.15665.

The weights are frozen; what changes is a list of questions and what turned out right, in the run's folder as text. The paper
fixes no rule for it; these are ours. Write: the question and the rewarded answer, or the one the feedback shows. Retrieve: the
entries whose questions share the rarest words, within a bound of tokens. Forget: of two that say the same, the older.
Departs from the paper: one store and one agent, no planner, no summaries written by the model, no tuning on the store. Preset
`recent` quotes the newest entries within the same tokens, `none` quotes nothing.
"""

from selftaught import explore, supervise
from selftaught.recipe import Ask, Claim, Phase, Recipe

recipe = Recipe(
    name="omne-ltm",
    paper="arXiv:2410.15665",
    pillars=("explore", "reflect"),
    signal="gold",
    changes="memory",
    phases=(
        Phase(
            plan=explore.Even(tasks=1, n=1),
            explore=explore.Recall(),
            read=(supervise.Gold(),),
            updates=(explore.Remember(),),
            steps=160,
            every=40,
        ),
    ),
    decide=supervise.First(),
    state={"memory": explore.Memory()},
    tasks=("shelves:level=4",),
    presets={"recent": {"explore.by": "recency"}, "none": {"explore.tokens": 0}},
    claim=Claim(
        asks=(
            Ask(measure="last-quarter", against="omne-ltm/recent"),
            Ask(measure="last-quarter", by=0.15),
        ),
        equal="steps",
        options={"explore.tokens": 48},
        tasks=("shelves:level=4",),
        model="runs/models/note-reader",
        called="a reader of notes of three layers",
        made_by="benchmarks/note_reader.py",
        text="in the last quarter of a stream it is right more often than with as many tokens of recent history, and than in the first",
    ),
    tiny={"steps": 3, "updates.most": 2},
)
