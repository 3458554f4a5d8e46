"""Supervise: questions that a model has written, by its own attempts at them."""

from asyncio import gather
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isnan, nan

import numpy as np

from selftaught.parts import BadInput, part
from selftaught.prompts import posed, told
from selftaught.protocols import Run
from selftaught.stages import Reader, Supervise
from selftaught.types import Attempt, Group, Message, Score, Task


@part
@dataclass(frozen=True, kw_only=True)
class Answerable(Supervise):
    """The gate of search self-play (arXiv:2510.18821): a question is valid if its own documents give the answer it was to have.

    Whoever wrote the question has read documents; a reader is shown these and the question, and may not search. A question
    with a wrong key would be one that nobody solves, which pays its author best of all. Writes the score "valid", 1 or 0,
    for proposals that are valid so far; leaves the others.

    Departs from the paper: the reader is the model, as it is or as it started (there a judge of its own), and no documents
    of other proposals are mixed in (there four). As there, one reading decides unless `n` says otherwise.

    Attributes:
        n: readings a question, 1 to 1024.
        share: of them that must give the answer, above 0 to 1.
        temperature: of the readings; with 0 there is one.
        weights: whose readings they are.
    """

    signal = ("self",)
    n: int = 1
    share: float = 1.0
    temperature: float = 0.0
    weights: str = "policy"

    def __post_init__(self) -> None:
        if not 1 <= self.n <= 1024 or not 0 < self.share <= 1 or not 0 <= self.temperature <= 100:
            raise BadInput(
                f"answerable: n={self.n} must be 1 to 1024, share={self.share} above 0 to 1, temperature={self.temperature} 0 to 100"
            )
        if self.temperature == 0 and self.n > 1:
            raise BadInput(f"answerable: n={self.n} greedy readings are all equal: set n=1 or temperature above 0")

    def scores(self, task: Task) -> bool:
        return bool(task.key)

    async def read_group(self, run: Run, group: Group) -> Group:
        asked = [a for a, value in zip(group.attempts_G, group.values("valid"), strict=True) if value == 1]
        shares = await gather(*(self.answered(run, group.task, attempt) for attempt in asked))
        return group.scored(
            [
                Score(
                    attempt=a.id, name="valid", value=share if isnan(share) else float(share >= self.share), source="self", judge=self.name
                )
                for a, share in zip(asked, shares, strict=True)
            ]
        )

    async def answered(self, run: Run, task: Task, proposal: Attempt) -> float:
        """Share of the readings that give the answer; NaN where none fits the budget."""
        texts = "\n".join((*told(proposal), posed(proposal, task.key)))
        settings = replace(run.settings, temperature=self.temperature)
        read = await run.sample(
            f"gate-{proposal.id}", task, (Message("user", texts),), n=self.n, settings=settings, role="reader", weights=self.weights
        )
        if not read:
            return nan
        return float(np.mean(await run.check(replace(task, checker="own"), [reading.text for reading in read])))


@part
@dataclass(frozen=True, kw_only=True)
class Stumped(Reader):
    """Pays a proposal what the attempts at its question left: 1 - their mean reward (search self-play, arXiv:2510.18821).

    Stands behind what scores the attempts. A proposal that is not valid is paid `invalid`; one whose question was not
    attempted, because the budget is spent, stays unscored.

    Attributes:
        invalid: paid for what is no valid question, -100 to 1.
    """

    kind = "supervise"
    invalid: float = 0.0

    def __post_init__(self) -> None:
        if not -100 <= self.invalid <= 1:
            raise BadInput(f"stumped: invalid={self.invalid} must be -100 to 1")

    async def read(self, run: Run, groups: Sequence[Group]) -> list[Group]:
        rewards = {group.key: group.values() for group in groups if group.task.origin == "model"}
        left = {key: float(1 - np.nanmean(values_G)) for key, values_G in rewards.items() if not np.isnan(values_G).all()}
        return [group.scored(self.paid(group, left)) for group in groups]

    def paid(self, group: Group, left: dict[str, float]) -> list[Score]:
        """A reward for each proposal of a group."""
        scores = []
        for attempt, valid in zip(group.attempts_G, group.values("valid"), strict=True):
            value = nan if isnan(valid) else left.get(attempt.id, nan) if valid else self.invalid
            if not isnan(value):
                scores.append(Score(attempt=attempt.id, value=value, source="self", judge=self.name))
        return scores
