"""DGM: an archive of agents that rewrite their own code, and are kept whether they got better or not. arXiv:2505.22954.

An agent is a program around the frozen model: it says what the model is asked and how often, which of the replies counts, and it
writes its successor by editing its own text, the editor included. Programs run in the sandbox, where there is no checker and no
answer; each is scored on the same training tasks by a rule. A parent is drawn by its score and its few children, every viable
successor is kept. Preset `latest` always takes the newest one (the paper's run without an archive), `best` the best.
Departs from the paper: the first program edits by operators it contains, drawn at random and its own to change, where a language
model reads failed logs and proposes the change; scores come from one stage of evaluation, not from three.
"""

from selftaught import explore, supervise, tools
from selftaught.recipe import Ask, Claim, Phase, Recipe

program = tools.Program()
recipe = Recipe(
    name="dgm",
    paper="arXiv:2505.22954",
    pillars=("explore", "supervise"),
    signal="rule",
    changes="program",
    phases=(
        Phase(
            plan=explore.Same(tasks=32, n=8, temperature=1.0),
            explore=explore.Agent(tool=program),
            read=(supervise.Rule(),),
            updates=(explore.Evolve(tool=program),),
            steps=16,
            every=8,
        ),
        # What a generation is asked with is its best program; this step looks at it once, and writes nothing.
        Phase(
            plan=explore.Same(tasks=32, n=8, temperature=1.0),
            explore=explore.Agent(tool=program, which="best"),
            read=(supervise.Rule(),),
            steps=1,
        ),
    ),
    state={"archive": explore.Archive()},
    decide=supervise.First(),
    tasks=("countdown:level=3", "sudoku:level=8"),
    presets={"latest": {"updates.parents": "latest"}, "best": {"updates.parents": "best"}},
    claim=Claim(
        asks=(
            Ask(measure="reply:tasks=200", against="dgm/latest"),
            Ask(measure="reply:tasks=200", decides=False),
        ),
        equal="steps",
        text="parents drawn from an archive of all agents end with a better agent than the latest one's line, at equally many evaluations",
    ),
    tiny={"plan.tasks": 3, "plan.n": 2, "0.steps": 2},
)
