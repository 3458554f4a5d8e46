"""Control: imitate every own attempt of the tasks and samples ttrl takes, right or wrong.

A coin that always falls on 1 pays every attempt, so all of them are kept and fine-tuned on. In expectation its
gradient is zero at first; what it gains or loses comes from self-imitation, not from a signal.
"""

from dataclasses import replace

from selftaught import supervise, train
from selftaught.recipe import Objective, gains_nothing
from selftaught.recipes.answers.ttrl import recipe as ttrl

recipe = replace(
    ttrl,
    name="sft-unfiltered",
    paper="arXiv:2203.14465",
    phases=tuple(
        replace(
            phase,
            read=(supervise.RandomReward(p=1.0),),
            select=(),
            credit=train.Kept(),
            objectives=tuple(Objective(loss=train.NLL(), optimizer=objective.optimizer) for objective in phase.objectives),
        )
        for phase in ttrl.phases
    ),
    claim=gains_nothing(options={"optimizer.lr": 1e-4}),
)
