"""Supervise: rewards that carry no truth, for controls. Source: Spurious Rewards, arXiv:2506.10947."""

from collections.abc import Sequence
from dataclasses import dataclass

from selftaught.models.base import Run
from selftaught.parts import BadInput, part
from selftaught.stages import Reader, Supervise
from selftaught.supervise.vote import majority, unscored
from selftaught.types import Group, Score


@part
@dataclass(frozen=True, kw_only=True)
class RandomReward(Supervise):
    """Reward 1 with probability p, whatever was written.

    Attributes:
        p: probability in [0, 1].
    """

    signal = ("self",)
    name = "random"
    p: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.p <= 1:
            raise BadInput(f"random: p={self.p} must lie in [0, 1]")

    async def read_group(self, run: Run, group: Group) -> Group:
        rng = run.rng("random", group.key)
        return group.scored(
            [Score(attempt=a.id, value=float(rng.random() < self.p), source="self", judge=self.name) for a in unscored(group)]
        )


@part
@dataclass(frozen=True, kw_only=True)
class FormatOnly(Supervise):
    """Reward 1 for any attempt that ends by itself with an answer in it, right or wrong."""

    signal = ("rule",)

    async def read_group(self, run: Run, group: Group) -> Group:
        scores = []
        for a in unscored(group):
            formed = a.stop == "end" and run.answer(a.text) is not None
            scores.append(Score(attempt=a.id, value=float(formed), source="rule", judge=self.name))
        return group.scored(scores)


@part
@dataclass(frozen=True, kw_only=True)
class ShuffledVotes(Reader):
    """The rewards of a vote, dealt out again at random among the group's attempts: same share, no information."""

    kind = "supervise"
    signal = ("self",)

    async def read(self, run: Run, groups: Sequence[Group]) -> list[Group]:
        result = []
        for group in groups:
            voters = unscored(group)
            answers = [run.answer(a.text) for a in voters]
            winner, share = majority(answers)
            values = [float(answer is not None and answer == winner) for answer in answers]
            run.rng("shuffle", group.key).shuffle(values)
            scores = [
                Score(attempt=a.id, value=value, source="self", judge=self.name, confidence=share)
                for a, value in zip(voters, values, strict=True)
            ]
            result.append(group.scored(scores))
        return result
