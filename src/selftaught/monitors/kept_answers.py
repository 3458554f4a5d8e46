"""Does it still give the answers the start was sure of? Asked where the start's replies are too long to have a probability.

The probability of a whole reply (see `start_probe`) says little once replies are long: a model that words them otherwise
loses it all. So the tasks of the first step, whose votes cost nothing, are answered greedily by the start, once, and by
the policy, at every step; no answer is read:

    kept = sum_t w_t [greedy answer of the policy = greedy answer of the start] / sum_t w_t

w_t is the share of the first step's attempts at task t that give the start's greedy answer: what it was sure of, mostly
right, counts most. `kept` is 1 at the start and has no sampling noise; a model that gets better changes answers it was
unsure of, one that collapses changes all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp
from typing import Any, ClassVar, cast

from selftaught.monitors.base import Monitor
from selftaught.monitors.health import originals
from selftaught.monitors.series import Steps, series
from selftaught.monitors.start_probe import Drawing
from selftaught.parts import BadInput, part
from selftaught.protocols import Run
from selftaught.types import Group, Message, Task

TASKS, FEWEST, PROBABLE = 32, 12, 0.1


@part
@dataclass(frozen=True, kw_only=True)
class Kept(Monitor):
    """It gives up the answers the start was sure of, at two steps in a row.

    Attributes:
        least: `kept` below which too many are gone.
        falling: `kept` below which they are when fewer attempts than at first come to an end, too.
        ended: share of those that ended at the first step that counts as fewer.
    """

    lag: ClassVar[int] = 4
    least: float = 0.6
    falling: float = 0.8
    ended: float = 0.8

    def __post_init__(self) -> None:
        if not 0 < self.least <= self.falling <= 1 or not 0 <= self.ended <= 1:
            raise BadInput(f"kept: 0 < least={self.least} <= falling={self.falling} <= 1 and ended={self.ended} in [0, 1] are needed")

    def alarm(self, steps: Steps) -> str:
        known = [step for step in steps if "kept" in step]
        if len(known) < 2 or not all(self.gone(step["kept"], step.get("cut_off", 0.0), steps) for step in known[-2:]):
            return ""
        said = f"it gives up what the start was sure of: {1 - known[-1]['kept']:.0%} of those answers are others now"
        rewards = series(steps, "reward")
        return f"{said}, while it rewards itself more" if len(rewards) > 1 and rewards[-1] > rewards[0] else said

    def gone(self, kept: float, cut: float, steps: Steps) -> bool:
        """Whether too many answers are gone at a step."""
        cuts = series(steps, "cut_off")
        fewer = bool(cuts) and 1 - cut < self.ended * (1 - cuts[0])
        return kept < (self.falling if fewer else self.least)


def improbable(replies: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the start's replies have too little probability to be held against it."""
    return not replies or sum(exp(reply["logprob"]) for reply in replies) / len(replies) < PROBABLE


async def first_answers(run: Run, groups: Sequence[Group]) -> list[dict[str, Any]]:
    """The start's greedy answers to the first step's tasks: {id, source, numeric, messages, answer, weight}, JSON-ready."""
    votes = {}
    for group in groups[:TASKS]:
        if group.task.start is None and group.task.payload is None:
            votes[group.task.id] = (group.task, [run.answer(a.text, group.task) for a in originals(group)])
    greedy = await ask(run, [task for task, _ in votes.values()], "start", "kept/start")
    found = []
    for (task, said), answer in zip(votes.values(), greedy, strict=True):
        if answer is not None and said and (weight := said.count(answer) / len(said)):
            about = {"id": task.id, "source": task.source, "numeric": task.numeric, "messages": [list(m) for m in task.messages]}
            found.append(about | {"answer": answer, "weight": weight})
    return found if len(found) >= FEWEST else []


async def still_kept(run: Run, held: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """{kept}; nothing without answers to hold the policy against."""
    if not held:
        return {}
    now = await ask(run, [task_of(row) for row in held], "policy", f"kept/{run.step}")
    same = sum(row["weight"] for row, answer in zip(held, now, strict=True) if answer == row["answer"])
    return {"kept": same / sum(row["weight"] for row in held)}


def task_of(row: Mapping[str, Any]) -> Task:
    """A task to be asked, without its seal."""
    prompt = tuple(Message(*message) for message in row["messages"])
    return Task(id=row["id"], prompt=prompt, source=row["source"], numeric=row["numeric"])


async def ask(run: Run, tasks: Sequence[Task], weights: str, label: str) -> list[str | None]:
    """Greedy answers."""
    cold = replace(run.settings, temperature=0.0)
    groups = await cast(Drawing, run).draw(tasks, 1, cold, weights, label, run.seed, purpose="audit")
    return [run.answer(group.attempts_G[0].text, group.task) for group in groups]
