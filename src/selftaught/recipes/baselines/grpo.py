"""GRPO: reward by a checker against the mean of the group. arXiv:2402.03300.

Several attempts at a task are graded; each one's advantage is its reward minus the group's mean, over its standard
deviation, and a clipped policy gradient with a penalty for leaving the start learns from all of them.
Departs from the paper: one optimizer step a batch, at larger rates; 8 attempts a task (there 64); groups whose attempts
are all right or all wrong are left out of the mean, where they would only dilute it. Preset `rule` keeps to checkers that
read no answer; `dapo` (arXiv:2503.14476) averages over tokens, clips higher above and has no penalty.
"""

from selftaught import explore, supervise, train
from selftaught.recipe import Claim, Objective, Phase, Recipe, beats

recipe = Recipe(
    name="grpo",
    paper="arXiv:2402.03300",
    pillars=("supervise", "train"),
    signal="gold",
    phases=(
        Phase(
            plan=explore.Even(tasks=32, n=8),
            explore=explore.Sample(),
            read=(supervise.Gold(),),
            credit=train.GroupCentred(scale="std", anchor=True),
            objectives=(
                Objective(loss=train.PolicyGradient(clip=0.2, kl=0.04, kl_ratio=False, per="sequence"), optimizer=train.AdamW(lr=1e-4)),
            ),
        ),
    ),
    presets={
        "rule": {"read": "rule"},
        "dapo": {"loss.per": "token", "loss.clip_high": 0.28, "loss.kl": 0.0},
    },
    claim=Claim(asks=beats("zero-lr"), text="a checker's reward against the group's mean raises pass@1 at each side's best decoding"),
    tiny={"plan.tasks": 4, "plan.n": 4, "steps": 2},
)
