"""Control: ttrl that pays for length, whatever is written. After arXiv:2506.10947.

A made disaster: attempts grow to their limit, answers are lost. What catches it is how lengths run.
"""

from dataclasses import replace

from selftaught import supervise
from selftaught.recipe import gains_nothing
from selftaught.recipes.answers.ttrl import recipe as ttrl

recipe = replace(
    ttrl,
    name="length-reward",
    paper="arXiv:2506.10947",
    signal="rule",
    phases=tuple(replace(phase, read=(supervise.LengthReward(),)) for phase in ttrl.phases),
    claim=gains_nothing(),
)
