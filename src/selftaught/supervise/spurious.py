"""Supervise: rewards that carry no truth, for controls. Source: Spurious Rewards, arXiv:2506.10947."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from selftaught.answers.votes import majority
from selftaught.parts import BadInput, part
from selftaught.protocols import Run
from selftaught.stages import Reader, State, Supervise, Update
from selftaught.supervise.vote import unscored
from selftaught.types import Attempt, Group, Score, Tokens


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
            formed = a.stop == "end" and run.answer(a.text, group.task) is not None
            scores.append(Score(attempt=a.id, value=float(formed), source="rule", judge=self.name))
        return group.scored(scores)


@part
@dataclass(frozen=True, kw_only=True)
class LengthReward(Supervise):
    """Reward in [0, 1] that grows with the number of sampled tokens, whatever they say.

    Attributes:
        full: tokens of an attempt that is paid 1.
    """

    signal = ("rule",)
    full: int = 64

    def __post_init__(self) -> None:
        if self.full < 1:
            raise BadInput(f"{self.name}: full={self.full} must be at least 1")

    async def read_group(self, run: Run, group: Group) -> Group:
        attempts = unscored(group)
        paid = [min(1.0, a.sampled_count / self.full) for a in attempts]
        return group.scored([Score(attempt=a.id, value=v, source="rule", judge=self.name) for a, v in zip(attempts, paid, strict=True)])


@part
@dataclass(frozen=True, kw_only=True)
class YesJudge(Supervise):
    """A judge that says yes to everything: reward 1 for every attempt with an answer, 0 for one without."""

    signal = ("self",)

    async def read_group(self, run: Run, group: Group) -> Group:
        return group.scored(
            [
                Score(attempt=a.id, value=float(run.answer(a.text, group.task) is not None), source="self", judge=self.name)
                for a in unscored(group)
            ]
        )


@part
@dataclass(frozen=True, kw_only=True)
class Tally(State):
    """How often each answer was given, `{answer: count}`; empty at first."""

    def initial(self) -> dict[str, int]:
        """Nothing was answered yet."""
        return {}


@part
@dataclass(frozen=True, kw_only=True)
class ConstantVote(Reader):
    """One vote for all questions: of the step's answers, the one given most often in the run so far is right for all.

    Each group is shown it as well: the step's first attempt that gives it is joined, behind the group's own question,
    with reward 1. Attempts that give it by themselves get 1 too, all others 0.

    Attributes:
        state: name of the `Tally` that `Count` keeps.
    """

    kind = "supervise"
    signal = ("self",)
    state: str = "tally"

    async def read(self, run: Run, groups: Sequence[Group]) -> list[Group]:
        answers = {a.id: run.answer(a.text, group.task) for group in groups for a in unscored(group)}
        tally = Counter(run.state[self.state]) + Counter(filter(None, answers.values()))
        winner = max(sorted(filter(None, answers.values())), key=tally.__getitem__, default=None)
        if winner is None:
            return list(groups)
        shown = next(a for group in groups for a in group.attempts_G if answers.get(a.id) == winner)
        return [self._voted(group, answers, winner, shown) for group in groups]

    def _voted(self, group: Group, answers: Mapping[str, str | None], winner: str, shown: Attempt) -> Group:
        copy = behind(group.attempts_G[0], shown)
        rewards = {a.id: float(answers[a.id] == winner) for a in group.attempts_G if a.id in answers} | {copy.id: 1.0}
        return group.joined([copy], [Score(attempt=i, value=v, source="self", judge=self.name, note=winner) for i, v in rewards.items()])


@part
@dataclass(frozen=True, kw_only=True)
class Count(Update):
    """Add the answers of the step's attempts, as they were sampled, to a `Tally`.

    Attributes:
        state: its name.
    """

    state: str = "tally"

    async def update(self, run: Run, groups: Sequence[Group]) -> None:
        # What was shown to a group is another group's attempt.
        given = (run.answer(a.text, group.task) for group in groups for a in group.attempts_G if not a.parents)
        run.write(self.state, dict(Counter(run.state[self.state]) + Counter(filter(None, given))))


def behind(asked: Attempt, said: Attempt) -> Attempt:
    """What one attempt wrote, as if it had been the reply to another's question."""
    if {getattr(a.payload, "form", "") for a in (asked, said)} != {"words"}:
        return replace(said, id=f"{asked.id}/copy", task=asked.task, parents=(said.id,))
    opened, mine = asked.payload.opened, said.payload.sampled
    head = {name: getattr(asked.payload, name)[:opened] for name in ("ids", "sampled", "logprobs")}
    tail = {name: getattr(said.payload, name)[mine] for name in head}
    payload = Tokens(**{name: np.concatenate([head[name], tail[name]]) for name in head})
    return replace(said, id=f"{asked.id}/copy", task=asked.task, payload=payload, messages=asked.messages, parents=(said.id,))


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
            answers = [run.answer(a.text, group.task) for a in voters]
            winner, share = majority(answers)
            values = [float(answer is not None and answer == winner) for answer in answers]
            run.rng("shuffle", group.key).shuffle(values)
            scores = [
                Score(attempt=a.id, value=value, source="self", judge=self.name, confidence=share)
                for a, value in zip(voters, values, strict=True)
            ]
            result.append(group.scored(scores))
        return result
