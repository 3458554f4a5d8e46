"""Monitors that need not wait: a policy that is no model any more, and a run that has nothing to learn from."""

from dataclasses import dataclass
from math import exp, isnan
from typing import ClassVar

from selftaught.monitors.base import Monitor
from selftaught.monitors.series import Steps, series
from selftaught.parts import BadInput, part


@part
@dataclass(frozen=True, kw_only=True)
class Broken(Monitor):
    """The policy is no model: not finite, uniform, or another one from one step to the next. One step is enough.

    Weights that are all zero make it uniform. Measured on sprout: healthy steps of the default move the start's replies by
    0.001 nats a token at most, a rate five times too high (5e-4, votes) by 0.01 to 0.1.

    Attributes:
        uniform: share of ln(vocabulary) that a token's mean surprise may reach, unless it did at the first step; a uniform
            policy is at 1.
        jump: nats a token by which the start's replies may become less likely in one step.
        drift: nats a token by which the divergence from the start may grow in one step.
    """

    lag: ClassVar[int] = 1
    uniform: float = 0.95
    jump: float = 0.15
    drift: float = 2.0

    def __post_init__(self) -> None:
        if not 0 < self.uniform <= 1 or not (self.jump > 0 and self.drift > 0):
            raise BadInput(f"broken: uniform={self.uniform} must lie in (0, 1], jump={self.jump} and drift={self.drift} be above 0")

    def alarm(self, steps: Steps) -> str:
        now = steps[-1] if steps else {}
        if now.get("broken", 0) > 0:
            return "the model is broken: its probabilities are not finite numbers"
        # What was uniform before anything was learned has not become so.
        if now.get("uniformity", 0) >= self.uniform > steps[0].get("uniformity", 0):
            return "the model is broken: every token is about as likely as any other, as if its weights were gone"
        for name, most in (("surprise", self.jump), ("kl", self.drift)):
            values = series(steps[-2:], name)
            if len(values) == 2 and values[1] - values[0] >= most:
                what = "the start's replies became less likely" if name == "surprise" else "it moved away from the start"
                return f"the model broke in one step: {what} by {values[1] - values[0]:.1f} nats a token"
        return ""


@part
@dataclass(frozen=True, kw_only=True)
class Estranged(Monitor):
    """The start's replies became less likely than they were at best, at two steps in a row, however long they are.

    Counted a token, so that it says the same of long replies, whose probability is next to nothing from the beginning. A
    model that learns to answer in other words loses them too (measured on SmolLM2 while a rule's reward rose from 0.17 to
    0.49: 0.13 nats in five steps), so that where a rule pays, its reward is believed as long as it has not fallen.

    Attributes:
        nats: how far their surprise may lie above its lowest so far, a token.
        ruled: share of the rewards that come from a rule from which they are believed.
    """

    lag: ClassVar[int] = 4
    nats: float = 0.04
    ruled: float = 0.5

    def __post_init__(self) -> None:
        if not self.nats > 0 or not 0 < self.ruled <= 1:
            raise BadInput(f"estranged: nats={self.nats} must be above 0 and ruled={self.ruled} in (0, 1]")

    def alarm(self, steps: Steps) -> str:
        rewards, ruled = series(steps, "reward"), series(steps, "ruled")
        if ruled and ruled[-1] >= self.ruled and rewards and sum(rewards[-2:]) / len(rewards[-2:]) >= rewards[0]:
            return ""
        values = series(steps, "surprise")
        above = [value - min(values) for value in values[-2:]]
        if len(values) < 3 or not all(rise >= self.nats for rise in above):
            return ""
        return f"it loses what the start knew: the start's own replies, at 32 tokens, are {exp(32 * above[-1]):.1f} times less likely"


@part
@dataclass(frozen=True, kw_only=True)
class NoSignal(Monitor):
    """Nothing has been learned since the run began, because no attempt was scored or all of a task's were paid alike.

    Attributes:
        steps: how many first steps must teach nothing.
        groups: how many groups they must have had.
    """

    steps: int = 3
    groups: int = 32

    def __post_init__(self) -> None:
        if self.steps < 1 or self.groups < 1:
            raise BadInput(f"no-signal: steps={self.steps} and groups={self.groups} must be at least 1")

    def alarm(self, steps: Steps) -> str:
        # The present step has not learned yet.
        done = [step for step in steps[:-1] if "learned" in step]
        if len(done) < self.steps or any(step["learned"] for step in done) or sum(s.get("groups", 0) for s in done) < self.groups:
            return ""
        rewards = [step["reward"] for step in done if not isnan(step.get("reward", float("nan")))]
        if not rewards:
            told = f"no attempt of {len(done)} steps could be scored"
            return f"nothing to learn from: {told}; give tasks the recipe can score, or another recipe"
        mean = sum(rewards) / len(rewards)
        hint = "take harder tasks" if mean > 0.5 else "take easier tasks, more attempts (--plan.n) or longer ones (--max-tokens)"
        return f"nothing to learn from: all attempts at a task were paid alike for {len(done)} steps (reward {mean:.2f} on average); {hint}"
