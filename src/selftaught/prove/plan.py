"""Plan: how many tasks and attempts the gate takes, from a share of what the run itself costs, and when it looks."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from math import sqrt
from typing import Any, Self

import numpy as np

from selftaught.parts import BadInput
from selftaught.prove.looks import level_at, looks_of
from selftaught.prove.record import Side
from selftaught.statistics.differences import Numbers, smallest_effect
from selftaught.types import Task, content_hash

SHARE = 0.25
# Never fewer, whatever the share: below, only a gain of a third would show.
FEWEST, MOST = 60, 200
# With so many tasks four attempts a task tell more for the same tokens than twice the tasks would.
ENOUGH = 120
# More attempts a task tell nothing further, and are more than a machine holds.
MOST_TRIES = 1000


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is drawn for a verdict; the defaults are the whole gate.

    Attributes:
        tasks, development: held-out tasks that decide, and those the best decoding is chosen on.
        start, result: attempts a held-out task at the stated sampler, of the start and, at first, of the result.
        best: attempts a held-out task at another best decoding.
        tries: attempts a development task and temperature.
        looks: held-out tasks of the result that are seen at each look; () for one look at all there are.
    """

    tasks: int = MOST
    development: int = 64
    start: int = 16
    result: int = 4
    best: int = 4
    tries: int = 2
    looks: tuple[int, ...] = ()

    def attempts(self) -> tuple[int, int]:
        """(attempts, requests) at most on both sides together, unless a gain asks for more to name its kind."""
        held = self.start + self.result + 2 * (1 + self.best)
        choosing = 2 * (3 + 3 * self.tries)
        return self.tasks * held + self.development * choosing, 6 * (self.tasks + 2 * self.development)

    def tokens(self, prompt: float, length: float) -> float:
        """What that costs, at so many tokens a prompt and an attempt."""
        attempts, requests = self.attempts()
        return attempts * length + requests * prompt

    def cut(self, splits: Any) -> dict[Any, Sequence[Task]]:
        """The splits with as many tasks as are planned, in an order that mixes sources and depends on the tasks alone."""
        if not self.looks:
            return dict(splits)
        sizes = {"held-out": self.tasks, "development": self.development}
        return {
            name: sorted(tasks, key=lambda task: content_hash("order", task.id))[: sizes[name]] if name in sizes else tasks
            for name, tasks in splits.items()
        }

    def staged(self, tasks: int) -> tuple[int, ...]:
        """The looks at so many tasks."""
        return self.looks if self.looks and self.looks[-1] == tasks else looks_of(tasks) if self.looks else (tasks,)

    def sees(self, spread: float = 0.5) -> float:
        """The smallest true gain that shows in 4 of 5 such gates, where a side's value of a task has that spread over attempts.

        The default is that of one attempt at a coin toss. Both sides are taken to be independent, which they seldom are.
        """
        looks = self.staged(self.tasks)
        return smallest_effect(sqrt(2) * spread, self.tasks, level=level_at(looks, len(looks) - 1))

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)

    @classmethod
    def of(cls, record: Any) -> Self:
        """The inverse of `record`; raises BadInput for anything else."""
        try:
            return cls(**{**record, "looks": tuple(record["looks"])})
        except (TypeError, KeyError) as error:
            raise BadInput(f"this is no plan of a gate ({type(error).__name__}: {error}): start a new run") from None


WHOLE = Plan()


def sized(most: float, prompt: float, length: float, tasks: int = MOST, development: int = 64) -> Plan:
    """The plan that takes at most so many tokens, or the least one; the whole gate where it fits.

    Args:
        most: tokens for both sides.
        prompt: tokens of a prompt.
        length: tokens of an attempt.
        tasks: how many held-out tasks there are.
        development: how many development tasks there are.
    """
    if WHOLE.tokens(prompt, length) <= most:
        return WHOLE
    found = WHOLE
    for n in (4, 2):
        small = replace(WHOLE, development=min(24, development), tries=1, start=n, result=n, best=n, tasks=0)
        each = (replace(small, tasks=1).tokens(prompt, length) - small.tokens(prompt, length)) or 1.0
        count = int(max(0.0, most - small.tokens(prompt, length)) / each)
        found = replace(small, tasks=min(tasks, max(FEWEST, min(MOST, count))))
        if count >= ENOUGH:
            break
    return replace(found, looks=looks_of(found.tasks))


def few(tasks: int, attempts: int) -> Plan:
    """So many tasks with so many attempts on either side, looked at in stages; raises BadInput below one attempt."""
    if not 1 <= attempts <= MOST_TRIES:
        raise BadInput(f"attempts={attempts}: give a number of attempts a task (2 or 4), or leave it out for the whole gate")
    n = attempts
    return replace(WHOLE, tasks=tasks, development=24, tries=1, start=n, result=n, best=n, looks=looks_of(tasks))


def spread_of(side: Side, n: int) -> float:
    """Spread of a task's value over attempts, as stated or at the best decoding, whichever is larger.

    From the attempts of each task; where there is one, from how many tasks are right.
    """
    return max(spread_within(side.correct_B_n[:, :n]), spread_within(side.best_B_m))


def spread_within(correct_B_n: Numbers) -> float:
    """Root of the mean over tasks of Var(attempt) / n; NaN-proof."""
    graded_B_n = np.asarray(correct_B_n, np.float64)[np.isfinite(correct_B_n).all(axis=1)]
    width = graded_B_n.shape[1]
    if width > 1 and len(graded_B_n):
        return float(sqrt(graded_B_n.var(axis=1, ddof=1).mean() / width))
    return sqrt(float(graded_B_n.mean()) * (1 - float(graded_B_n.mean()))) if len(graded_B_n) else 0.5
