"""What a second turn makes of a first answer: right answers before and after, and what one is worth over the other."""

from asyncio import gather
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from selftaught.parts import part
from selftaught.prompts import CHECK_AGAIN
from selftaught.protocols import Subject
from selftaught.stages import Measure
from selftaught.statistics.evaluated import SHARE, evaluated
from selftaught.types import Attempt, Evaluation, Floats, Message, SampleRequest, Task

# Drafts a question.
DRAFTS = 4


async def turns(subject: Subject) -> tuple[Floats, Floats]:
    """f32[B], f32[B]: share of right first and of right second answers, of 4 drafts a task that are each asked to check.

    Attempt i of a task has the same noise on both sides and in both turns of every run.
    """
    return await subject.once("turns", lambda: drawn(subject))


async def drawn(subject: Subject) -> tuple[Floats, Floats]:
    """See `turns`."""
    tasks, mark = subject.tasks, f"turns/{subject.weights}"
    asked = [
        SampleRequest(
            key=f"{mark}/{task.id}", task=task, messages=task.messages, n=DRAFTS, settings=subject.settings, weights=subject.weights,
            noise=f"turns/{subject.seed}/{task.id}",
        )
        for task in tasks
    ]  # fmt: skip
    drafts = await subject.model.sample(asked)
    checked: dict[str, Any] = {"messages": (Message("user", CHECK_AGAIN),), "n": 1, "role": "reviser"}
    again = [
        replace(request, key=f"{request.key}/{i}", noise=f"{request.noise}/{i}", after=draft, **checked)
        for request, made in zip(asked, drafts, strict=True)
        for i, draft in enumerate(made)
    ]
    replies = iter(await subject.model.sample(again))
    revised = [[next(replies)[0] for _ in made] for made in drafts]
    return await right(subject, tasks, drafts), await right(subject, tasks, revised)


async def right(subject: Subject, tasks: Sequence[Task], made: Sequence[Sequence[Attempt]]) -> Floats:
    """f32[B]: share of right attempts."""
    graded = (subject.run.check(t, [a.text for a in attempts], "evaluate", gold=True) for t, attempts in zip(tasks, made, strict=True))
    return np.array([float(np.mean(np.asarray(grades) >= 1)) for grades in await gather(*graded)], np.float32)


@part
@dataclass(frozen=True, kw_only=True)
class FirstAnswer(Measure):
    """Share of right first answers, where each will be asked to check itself (arXiv:2409.12917)."""

    label: ClassVar[str] = "first answer"

    async def measure(self, subject: Subject) -> Evaluation:
        return evaluated(self.name, (await turns(subject))[0], seed=subject.seed, bounds=SHARE)


@part
@dataclass(frozen=True, kw_only=True)
class SecondAnswer(Measure):
    """Share of right answers in the second turn, after the model was asked to check its first (arXiv:2409.12917)."""

    label: ClassVar[str] = "second answer"
    baseline: ClassVar[str] = "its own first answer"

    async def measure(self, subject: Subject) -> Evaluation:
        return evaluated(self.name, (await turns(subject))[1], seed=subject.seed, bounds=SHARE)

    async def measure_baseline(self, subject: Subject) -> Evaluation:
        return evaluated(self.baseline, (await turns(subject))[0], seed=subject.seed, bounds=SHARE)


@part
@dataclass(frozen=True, kw_only=True)
class AnswerMended(Measure):
    """Right second answers minus right first ones, task by task: what checking is worth (arXiv:2409.12917)."""

    label: ClassVar[str] = "second minus first"

    async def measure(self, subject: Subject) -> Evaluation:
        first, second = await turns(subject)
        return evaluated(self.name, second - first, seed=subject.seed)
