"""Supervise: the model's own probability of what it wrote."""

from dataclasses import dataclass

from selftaught.parts import part
from selftaught.protocols import Run
from selftaught.stages import Supervise
from selftaught.supervise.vote import unscored
from selftaught.types import Group, Score


@part
@dataclass(frozen=True, kw_only=True)
class Likelihood(Supervise):
    """Reward is the log-probability of the attempt under the weights that sampled it, in nats.

    Source: sharpening, arXiv:2412.01951 (r(x, y) = log pi_base(y | x)).

    Attributes:
        per_token: divide by the number of sampled tokens.
        answered: attempts without an answer or cut by the length limit stay unscored.
    """

    signal = ("self",)
    per_token: bool = False
    answered: bool = True

    async def read_group(self, run: Run, group: Group) -> Group:
        scores = []
        for a in unscored(group):
            if self.answered and (run.answer(a.text, group.task) is None or a.stop != "end"):
                continue
            value = a.logprob / max(a.sampled_count, 1) if self.per_token else a.logprob
            scores.append(Score(attempt=a.id, value=value, source="self", judge=self.name))
        return group.scored(scores)
