"""Self-consistency: sample several solutions and give the majority's answer. arXiv:2203.11171.

Nothing is trained. The vote's share is the confidence of every attempt's score.
Departs from the paper: no few-shot prompt; equal answers are those the run's Format makes equal.
"""

from selftaught.explore.sample import Sample
from selftaught.recipe import Claim, Phase, Recipe, beats
from selftaught.supervise.decide import Majority
from selftaught.supervise.vote import Vote

recipe = Recipe(
    name="self-consistency",
    paper="arXiv:2203.11171",
    pillars=("explore", "supervise"),
    signal="self",
    changes="nothing",
    phases=(Phase(explore=Sample(tasks=32, n=8), read=(Vote(),), steps=1),),
    decide=Majority(),
    claim=Claim(asks=beats("cooler-start"), text="the majority of 8 samples is right more often than one cooler sample"),
    tiny={"explore.tasks": 4, "explore.n": 4, "steps": 2},
)
