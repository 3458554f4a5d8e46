"""Control: ttrl with a coin for a reward. After arXiv:2506.10947.

Everything is ttrl's but the reward, which is 1 with probability one half whatever was written. What this gains
comes from training at all, not from the vote.
"""

from dataclasses import replace

from selftaught import supervise
from selftaught.recipe import gains_nothing
from selftaught.recipes.answers.ttrl import recipe as ttrl

recipe = replace(
    ttrl,
    name="random-reward",
    paper="arXiv:2506.10947",
    phases=tuple(replace(phase, read=(supervise.RandomReward(p=0.5),)) for phase in ttrl.phases),
    claim=gains_nothing(options={"optimizer.lr": 1e-4}),
)
