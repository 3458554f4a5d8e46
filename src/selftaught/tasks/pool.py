"""TaskPool: the tasks a run trains on, kept apart from those it is judged by."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from selftaught.parts import BadInput
from selftaught.stages import TaskSource
from selftaught.tasks.columns import Columns
from selftaught.tasks.found import Found, find
from selftaught.tasks.marks import Marks
from selftaught.tasks.own import Own
from selftaught.tasks.source import parse_source
from selftaught.types import Message, Split, Task

DRY_ROUNDS = 5
MOST_AT_ONCE = 1024
# A split stops taking a source's tasks once this part of what it draws is taken already, so that small families
# leave enough to train on.
SHARES: Mapping[Split, float] = {"held-out": 0.3, "development": 0.4, "audit": 0.5}
COUNTS: Mapping[Split, int] = {"held-out": 200, "development": 64, "audit": 64}
MODEL = "model"


class TaskPool:
    """Training tasks of several sources, and those the model wrote; see `models.base.Pool`.

    Attributes:
        sources: texts of the sources; `draw` also knows "model", the tasks that were added.
        collisions: how many training draws were held-out, development or audit questions and had to be redrawn.
        fits: whether a task can be put to the model; others are not drawn.
        found: what became of each source's questions.
    """

    def __init__(self, sources: Sequence[TaskSource | str], apart: Marks | None = None) -> None:
        """A pool over sources that keeps away from the questions marked in `apart`; see `split`."""
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
        """JSON-ready state: the added tasks (without seals: what a model wrote has none) and the count of collisions."""
        return {"collisions": self.collisions, "added": [task_record(task) for task in self._added]}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """The inverse of `snapshot`."""
        self._added = [task_of(record) for record in snapshot["added"]]
        self._known = {mark for task in self._added for mark in self._apart.of(task)}
        self.collisions = snapshot["collisions"]


def task_record(task: Task) -> dict[str, Any]:
    """A task without its seal as JSON-ready data."""
    names = ("id", "prompt", "start", "payload", "checker", "numeric", "reads", "source", "split", "origin", "lineage")
    return {name: getattr(task, name) for name in names}


def task_of(record: Mapping[str, Any]) -> Task:
    """The inverse of `task_record`."""
    prompt = record["prompt"]
    prompt = prompt if isinstance(prompt, str) else tuple(Message(*message) for message in prompt)
    return Task(**{**record, "prompt": prompt, "lineage": tuple(record["lineage"])})


def split(
    sources: Sequence[TaskSource | str],
    held_out_sources: Sequence[TaskSource | str] = (),
    seed: int = 0,
    counts: Mapping[Split, int] = COUNTS,
) -> tuple[TaskPool, dict[Split, list[Task]]]:
    """A pool to train on, and the tasks to judge by, which are drawn first and never meet each other or the pool.

    Args:
        sources: what to train on.
        held_out_sources: where held-out, development and audit tasks come from; the training sources when empty.
        seed: every draw depends on it.
        counts: how many tasks each split gets; fewer where a source has few questions.
    """
    train = [parse_source(source) if isinstance(source, str) else source for source in sources]
    judge = [parse_source(source) if isinstance(source, str) else source for source in held_out_sources] or train
    if not train:
        raise BadInput("no tasks given: name at least one source")
    train, judge = undivided(train, judge), undivided(judge, train)
    train = numbered(train, judge)
    # Own families of training count too: a held-out prompt out of a file may be one of their questions.
    apart = Marks([*judge, *(source for source in train if isinstance(source, Own))])
    splits: dict[Split, list[Task]] = {}
    for part in SHARES:
        wanted = counts.get(part, 0)
        splits[part] = []
        for index, source in enumerate(judge):
            share = -(-(wanted - len(splits[part])) // (len(judge) - index))
            splits[part] += list(take(source, f"{seed}/{part}", share, part, apart))
    pool = TaskPool(train, apart)
    pool.found = tuple(find(train, judge, splits["held-out"], counts.get("held-out", 0), apart.asked))
    return pool, splits


def undivided(mine: Sequence[TaskSource], others: Sequence[TaskSource]) -> list[TaskSource]:
    """Sources of data that no other source shares serve whole; what both share is divided by content."""
    shared = {source.data for source in others if isinstance(source, Columns)}
    return [replace(s, whole=True) if isinstance(s, Columns) and s.data not in shared else s for s in mine]


def numbered(train: Sequence[TaskSource], judge: Sequence[TaskSource]) -> list[TaskSource]:
    """Training data without answers is asked for numbers where all that judge do, so that replies are read alike."""
    if not all(isinstance(source, Columns) and (source.numbers or source.table().numeric) for source in judge):
        return list(train)
    return [
        replace(s, numbers=True) if isinstance(s, Columns) and s not in judge and s.table().without == len(s.table().rows) else s
        for s in train
    ]


def take(source: TaskSource, key: str, count: int, split: Split, apart: Marks) -> Iterator[Task]:
    """Up to `count` tasks of a source that are not taken yet, which are taken by this."""
    given = drawn = repeated = block = 0
    while given < count and block < 64:
        batch = source.draw(f"{key}/{block}", max(count, 16), split)
        fresh = 0
        for task in batch:
            marks = apart.of(task)
            drawn += 1
            if marks & apart.taken:
                repeated += 1
                if drawn >= 16 and repeated > SHARES[split] * drawn:
                    return
                continue
            apart.take(task)
            fresh += 1
            given += 1
            yield task
            if given == count:
                return
        if not fresh:
            return
        block += 1
