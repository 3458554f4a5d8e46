"""TaskPool: the tasks a run trains on, kept apart from those it is judged by."""

import copy
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from selftaught.parts import BadInput
from selftaught.payload import as_json, from_json
from selftaught.stages import TaskSource
from selftaught.tasks.found import Found
from selftaught.tasks.known import Marks
from selftaught.tasks.source import parse_source
from selftaught.types import Message, Task

DRY_ROUNDS = 5
MOST_AT_ONCE = 1024
MODEL = "model"


class TaskPool:
    """Training tasks of several sources, and those the model wrote; see `protocols.Pool`.

    Attributes:
        sources: texts of the sources; `draw` also knows "model", the tasks that were added.
        collisions: how many training draws were held-out, development or audit questions and had to be redrawn.
        fits: whether a task can be put to the model; others are not drawn.
        found: what became of each source's questions.
    """

    def __init__(self, sources: Sequence[TaskSource | str], apart: Marks | None = None) -> None:
        """A pool over sources that keeps away from the questions marked in `apart`; see `splits.split`."""
        parsed = [parse_source(source) if isinstance(source, str) else source for source in sources]
        self._sources = {source.text(): source for source in parsed}
        self.sources: tuple[str, ...] = tuple(self._sources)
        self.collisions = 0
        self.fits: Callable[[Task], bool] = lambda task: True
        self.found: tuple[Found, ...] = ()
        self._apart = apart or Marks(parsed)
        self._added: list[Task] = []
        self._known: set[str] = set()

    def draw(self, rng: random.Random, count: int, source: str = "") -> list[Task]:
        """Up to `count` distinct training tasks, none of them held out; depends on `rng` and the added tasks alone.

        Without a source they come evenly of all, the added ones ("model") counting as one more.
        """
        names = [source] if source else [*self.sources, *([MODEL] if self._added else [])]
        if source and source != MODEL and source not in self._sources:
            raise BadInput(f"'{source}' is not among the pool's sources: {', '.join(self.sources)}")
        rng.shuffle(names)
        drawn: list[Task] = []
        seen: set[str] = set()
        for left in range(len(names), 0, -1):
            share = -(-(count - len(drawn)) // left)
            drawn += self._some(names[left - 1], rng, share, seen)
        # What one source could not give, the others may.
        for name in names if len(names) > 1 else ():
            drawn += self._some(name, rng, count - len(drawn), seen)
        return drawn

    def _some(self, name: str, rng: random.Random, count: int, seen: set[str]) -> list[Task]:
        """Up to `count` tasks of one source that are not in `seen`, which grows; a few fruitless rounds end it."""
        found: list[Task] = []
        dry = 0
        while len(found) < count and dry < DRY_ROUNDS:
            before = len(found)
            asked = min(max(count - before, 4) << dry, MOST_AT_ONCE)
            for task in self._batch(name, rng, asked):
                if len(found) == count:
                    break
                marks = self._apart.of(task)
                if self._apart.holds(task, marks):
                    self.collisions += 1
                elif not marks & seen and self.fits(task):
                    seen |= marks
                    found.append(task)
            dry = 0 if len(found) > before else dry + 1
        return found

    def _batch(self, name: str, rng: random.Random, count: int) -> list[Task]:
        if name == MODEL:
            return rng.sample(self._added, min(count, len(self._added)))
        return self._sources[name].draw(f"{rng.getrandbits(64):016x}", count, "train")

    def peek(self, rng: random.Random, count: int, source: str = "") -> list[Task]:
        """What `draw` would give; nothing is counted."""
        return copy.copy(self).draw(rng, count, source)

    def beside(self, sources: Sequence[str] = ()) -> "TaskPool":
        """A pool of its own, of other sources or the same, that keeps away from the same questions."""
        made = TaskPool(sources or self.sources, self._apart)
        made.fits = self.fits
        return made

    def add(self, tasks: Sequence[Task]) -> int:
        """Put tasks in; returns how many were new and not held out."""
        new = 0
        for task in tasks:
            marks = self._apart.of(task)
            if task.text.strip() and not self._apart.holds(task, marks) and not marks & self._known:
                self._known |= marks
                self._added.append(task)
                new += 1
        return new

    def snapshot(self) -> dict[str, Any]:
        """JSON-ready state: the added tasks (without seals: what a model wrote has a key instead) and the count of collisions."""
        return {"collisions": self.collisions, "added": [task_record(task) for task in self._added]}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """The inverse of `snapshot`."""
        self._added = [task_of(record) for record in snapshot["added"]]
        self._known = {mark for task in self._added for mark in self._apart.of(task)}
        self.collisions = snapshot["collisions"]


def task_record(task: Task) -> dict[str, Any]:
    """A task without its seal as JSON-ready data."""
    names = ("id", "prompt", "start", "key", "checker", "numeric", "reads", "source", "split", "origin", "lineage")
    return {name: getattr(task, name) for name in names} | {"payload": as_json(task.payload)}


def task_of(record: Mapping[str, Any]) -> Task:
    """The inverse of `task_record`."""
    prompt = record["prompt"]
    prompt = prompt if isinstance(prompt, str) else tuple(Message(*message) for message in prompt)
    return Task(**{**record, "prompt": prompt, "payload": from_json(record["payload"]), "lineage": tuple(record["lineage"])})
