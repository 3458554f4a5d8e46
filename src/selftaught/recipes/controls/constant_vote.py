"""Control: one vote for all questions, and imitation of what wins it. After arXiv:2203.14465.

A made disaster: the answer given most often in the run is taken for the label of every question, so that one answer for
everything is the best a model can do. What catches it is how often different questions get the same answer.
"""

from dataclasses import replace

from selftaught import supervise
from selftaught.recipe import gains_nothing
from selftaught.recipes.controls.sft_unfiltered import recipe as unfiltered

recipe = replace(
    unfiltered,
    name="constant-vote",
    state={"tally": supervise.Tally()},
    phases=tuple(replace(phase, read=(supervise.ConstantVote(),), updates=(supervise.Count(),)) for phase in unfiltered.phases),
    claim=gains_nothing(),
)
