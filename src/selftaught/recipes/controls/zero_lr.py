"""Control: ttrl at learning rate 0.

Every step is taken and changes nothing: the result is the start bit for bit, at the same cost in tokens.
"""

from dataclasses import replace

from selftaught.recipe import Claim
from selftaught.recipes.answers.ttrl import recipe as ttrl

recipe = replace(
    ttrl.with_options({"optimizer.lr": 0.0}),
    name="zero-lr",
    fixed=("lr",),
    claim=Claim(text="the weights are those of the start, bit for bit", status="holds", model="sprout"),
)
