"""Self-play: the return of a seat against a running mean of that role's returns."""

from asyncio import gather
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from selftaught.parts import BadInput, part
from selftaught.protocols import Run
from selftaught.stages import Credit, State, Update
from selftaught.train.credit.streams import comparable, policy_example, source_of
from selftaught.types import Attempt, Example, Group


@part
@dataclass(frozen=True, kw_only=True)
class Baseline(State):
    """The running mean return of each role, empty at first."""

    def initial(self) -> Any:
        return {}


@part
@dataclass(frozen=True, kw_only=True)
class RoleBaseline(Credit):
    """advantage = return - b[role], b an average over past steps (role-conditioned advantage, SPIRAL arXiv:2506.24119).

    In zero-sum games one role may have the edge; a common mean would pay it for sitting there. `Returns`
    keeps b; it is 0 for a new role.

    Attributes:
        state: name of the recipe's state, a dict from role to value.
        score: name of the scores that are returns.
        role: only attempts with this role; "" takes all.
        anchor: also write start_logprobs, which PolicyGradient needs when its kl is not 0.
    """

    paper: ClassVar[str] = "arXiv:2506.24119"
    state: str = "baseline"
    score: str = "return"
    role: str = ""
    anchor: bool = False

    @property
    def asks(self) -> tuple[str, ...]:  # type: ignore[override]
        """The anchor is scored."""
        return ("logprobs",) if self.anchor else ()

    @property
    def writes(self) -> tuple[str, ...]:  # type: ignore[override]
        """The streams of its examples: start_logprobs only when anchored."""
        return ("advantage", "mask", "sampler_logprobs", *(("start_logprobs",) if self.anchor else ()))

    async def credit(self, run: Run, groups: Sequence[Group]) -> list[Example]:
        """One example for each attempt with a return."""
        baselines, wishes = run.state[self.state], []
        for group, attempt, value in returned(groups, self.score, self.role):
            advantage, source = value - baselines.get(attempt.role, 0.0), source_of(group, attempt, self.score)
            wishes.append(policy_example(run, attempt, advantage, source, self.anchor))
        made = await gather(*wishes) if self.anchor else [await wish for wish in wishes]
        return [example for example in made if example is not None]


@part
@dataclass(frozen=True, kw_only=True)
class Returns(Update):
    """b <- decay^n b + (1 - decay^n) mean of the role's n returns of this step.

    Departs from SPIRAL, which updates after every game, in the order of play: here the order of a step's games does not
    matter, and no return is in its own baseline.

    Attributes:
        state: name of the recipe's state, a dict from role to value.
        decay: weight of the past for each return, in [0, 1].
        score: name of the scores that are returns.
        role: only attempts with this role; "" takes all.
    """

    state: str = "baseline"
    decay: float = 0.95
    score: str = "return"
    role: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.decay <= 1:
            raise BadInput(f"decay={self.decay} must lie in [0, 1]")

    async def update(self, run: Run, groups: Sequence[Group]) -> None:
        baselines, returns = dict(run.state[self.state]), dict[str, list[float]]()
        for _, attempt, value in returned(groups, self.score, self.role):
            returns.setdefault(attempt.role, []).append(value)
        for role, values in returns.items():
            kept = self.decay ** len(values)
            baselines[role] = kept * baselines.get(role, 0.0) + (1 - kept) * float(np.mean(values))
        run.write(self.state, baselines)


def returned(groups: Sequence[Group], score: str, role: str = "") -> Iterator[tuple[Group, Attempt, float]]:
    """Every attempt (of a role) with a return, its group, and the return."""
    for group in groups:
        values_G = group.values(score)
        for i in (i for indices in comparable(group, score, by_view=False, role=role) for i in indices):
            yield group, group.attempts_G[i], float(values_G[i])
