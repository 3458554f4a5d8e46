"""Is this generation better than the last? Measured without reading an answer."""

import random
from asyncio import gather
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast

import numpy as np

from selftaught.parts import BadInput, part
from selftaught.protocols import Pool, Run
from selftaught.stages import Keep, State
from selftaught.types import SamplerSettings, Task, content_hash


class Pooled(Protocol):
    """A run with a pool of tasks."""

    pool: Pool


@part
@dataclass(frozen=True, kw_only=True)
class Anchor(State):
    """What the start voted, `{task id: [answer, weight]}`; empty at first."""

    def initial(self) -> dict[str, Any]:
        """Nothing has been asked yet."""
        return {}


@part
@dataclass(frozen=True, kw_only=True)
class Agreement(Keep):
    """Weighted share of attempts that a rule checker passes or that give the answer the start's vote gave.

    Agreement of a model with itself rises while it collapses (measured: rewards 0.89 to 0.94, accuracy 0.92
    to 0.76), so the reference must not move with the model: it is the majority of `votes` attempts of the
    *start* weights, drawn once per task and kept in the run's state. A constant answer, lost answers and
    runaway lengths then lower the measure. A vote task weighs its margin, (votes of the winner - votes of the
    runner-up) / votes: scattered votes, mostly wrong, say little, and an attempt may differ from them at
    little cost. A task whose checker decides from the prompt weighs 1 and needs no reference.

        sum_t weight_t * mean over attempts of (rule passes, or answer = the start's winner) / sum_t weight_t

    Greedy by default: it has no sampling noise, and a cooler sampler does not pass for a better one. What it
    cannot see: gains over the start's vote on tasks without a rule checker, where it can even fall a little;
    it is a guard against loss more than a meter of gain.

    The same tasks come up each time if `Pool.draw` depends on its random numbers and on tasks not written by
    the model; drawn tasks that the model wrote are left out, since it could write easy ones.

    Attributes:
        tasks: how many training tasks it looks at, 1 or more.
        n: attempts a task, 1 or more; 1 when greedy.
        votes: attempts of the start weights behind a reference, 2 or more, at the run's sampler.
        temperature: of the attempts measured.
        state: name under which the run's state keeps references, `{task id: [answer, weight]}`.
    """

    tasks: int = 128
    n: int = 1
    votes: int = 8
    temperature: float = 0.0
    state: str = "anchor"

    def __post_init__(self) -> None:
        if self.tasks < 1 or self.n < 1 or self.votes < 2 or self.temperature < 0:
            raise BadInput(f"agreement: tasks >= 1, n >= 1, votes >= 2 and temperature >= 0 are needed, got {self}")
        if self.temperature == 0 and self.n > 1:
            raise BadInput(f"agreement: n={self.n} greedy attempts are all equal: set n=1 or temperature above 0")

    async def measure(self, run: Run) -> float:
        """The measure in [0, 1]; NaN when a task could not be looked at (the budget is spent) or no vote has a margin."""
        pool = cast(Pooled, run).pool
        # Not run.rng, whose draws change with the step: generations must meet the same tasks.
        drawn = pool.draw(random.Random(content_hash("agreement", run.seed)), self.tasks)
        tasks = [task for task in drawn if task.origin == "data"]
        anchors = dict(run.state[self.state])
        settings = replace(run.settings, temperature=self.temperature)
        pairs = np.array(await gather(*(self._measure_task(run, task, settings, anchors) for task in tasks)), np.float64).reshape(-1, 2)
        run.write(self.state, anchors)
        if not np.isfinite(pairs).all():
            # The tasks that were still paid for are others than those of the last measure.
            return float("nan")
        value_B, weight_B = pairs[pairs[:, 1] > 0].T
        return float(value_B @ weight_B / weight_B.sum()) if len(weight_B) else float("nan")

    async def _measure_task(self, run: Run, task: Task, settings: SamplerSettings, anchors: dict[str, Any]) -> tuple[float, float]:
        """(share of attempts that pass, weight); NaN where the budget is spent, weight 0 where the votes have no margin."""
        if task.checker != "rule" and task.id not in anchors:
            votes = await run.sample("keep-start", task, task.messages, n=self.votes, weights="start")
            if not votes:
                return float("nan"), 0.0
            anchors[task.id] = list(reference([run.answer(a.text, task) for a in votes]))
        if task.checker != "rule" and not anchors[task.id][1]:
            return 0.0, 0.0
        attempts = await run.sample("keep", task, task.messages, n=self.n, settings=settings)
        if not attempts:
            return float("nan"), 0.0
        if task.checker == "rule":
            return float(np.mean(await run.check(task, [a.text for a in attempts], "select"))), 1.0
        answer, weight = anchors[task.id]
        return float(np.mean([run.answer(a.text, task) == answer for a in attempts])), float(weight)


def reference(answers_G: Sequence[str | None]) -> tuple[str, float]:
    """The majority answer and its margin over the runner-up as a share of all attempts; ("", 0) without one."""
    (answer, most), (_, second) = (*Counter(a for a in answers_G if a is not None).most_common(2), ("", 0), ("", 0))[:2]
    return answer, (most - second) / max(1, len(answers_G))
