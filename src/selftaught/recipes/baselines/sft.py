"""SFT: imitate the answers that came with the tasks.

Each task's answer, as the model is expected to write one, is learned by likelihood: what every other method's signal is
worth can be told from this. Reads an answer a task, and counts it.
"""

from selftaught import explore, train
from selftaught.recipe import Claim, Objective, Phase, Recipe, beats

recipe = Recipe(
    name="sft",
    pillars=("train",),
    signal="gold",
    phases=(
        Phase(
            plan=explore.Even(tasks=64, n=1),
            explore=explore.Demonstrate(),
            credit=train.Kept(),
            objectives=(Objective(loss=train.NLL(), optimizer=train.AdamW(lr=1e-4)),),
        ),
    ),
    tasks=("sums:level=4", "chain:level=4"),
    claim=Claim(
        asks=beats("zero-lr"),
        tasks=("sums:level=4", "chain:level=4"),
        text="imitating given answers raises pass@1 at each side's best decoding",
    ),
    tiny={"plan.tasks": 4, "steps": 2},
)
