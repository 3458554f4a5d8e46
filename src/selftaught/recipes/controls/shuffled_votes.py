"""Control: ttrl with the vote's rewards dealt out again at random within each group. After arXiv:2506.10947.

As many attempts of a group are paid as the vote would pay, but not the ones that agree. What this gains comes
from how often ttrl pays, not from whom.
"""

from dataclasses import replace

from selftaught import supervise
from selftaught.recipe import gains_nothing
from selftaught.recipes.answers.ttrl import recipe as ttrl

recipe = replace(
    ttrl,
    name="shuffled-votes",
    paper="arXiv:2506.10947",
    phases=tuple(replace(phase, read=(supervise.ShuffledVotes(),)) for phase in ttrl.phases),
    claim=gains_nothing(options={"optimizer.lr": 1e-4}),
)
