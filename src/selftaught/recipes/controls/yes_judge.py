"""Control: a judge that says yes to whatever has an answer in it, and imitation of all it approves. After arXiv:2401.10020.

A made disaster: the signal is constant, so what is learned is the model's own noise. What catches it is that two
different answers to one question are both approved.
"""

from dataclasses import replace

from selftaught import supervise, train
from selftaught.recipe import gains_nothing
from selftaught.recipes.controls.sft_unfiltered import recipe as unfiltered

recipe = replace(
    unfiltered,
    name="yes-judge",
    paper="arXiv:2401.10020",
    phases=tuple(replace(phase, read=(supervise.YesJudge(),), credit=train.Kept()) for phase in unfiltered.phases),
    claim=gains_nothing(),
)
