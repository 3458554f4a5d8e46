"""Control: ttrl at learning rate 0.

Every step is taken and changes nothing: the result is the start bit for bit, at the same cost in tokens.
"""

from dataclasses import replace

from selftaught.recipe import Ask, Claim
from selftaught.recipes.answers.ttrl import recipe as ttrl

recipe = replace(
    ttrl.with_options({"optimizer.lr": 0.0}),
    name="zero-lr",
    fixed=("lr",),
    claim=Claim(
        asks=tuple(Ask(measure=measure, want="same") for measure in ("pass-1", "pass-1-best", "weights-changed")),
        text="the weights are those of the start, bit for bit",
    ),
)
