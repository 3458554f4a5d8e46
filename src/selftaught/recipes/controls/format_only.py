"""Control: ttrl that pays any attempt which ends by itself with an answer in it. After arXiv:2506.10947.

Right or wrong does not matter. What this gains is form: answers that get finished and can be read.
"""

from dataclasses import replace

from selftaught import supervise
from selftaught.recipe import gains_nothing
from selftaught.recipes.answers.ttrl import recipe as ttrl

recipe = replace(
    ttrl,
    name="format-only",
    paper="arXiv:2506.10947",
    signal="rule",
    phases=tuple(replace(phase, read=(supervise.FormatOnly(),)) for phase in ttrl.phases),
    claim=gains_nothing(options={"optimizer.lr": 1e-4}, text="gains nothing on a model that already finishes its answers"),
)
