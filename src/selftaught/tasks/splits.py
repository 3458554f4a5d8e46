"""Which tasks a model trains on and which it is judged by: drawn so that no question is among both."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from selftaught.parts import BadInput
from selftaught.stages import TaskSource
from selftaught.tasks.data.columns import Columns
from selftaught.tasks.found import find
from selftaught.tasks.known import Marks
from selftaught.tasks.own import Own
from selftaught.tasks.pool import TaskPool
from selftaught.tasks.source import parse_source
from selftaught.types import Split, Task

# A split stops taking a source's tasks once this part of what it draws is taken already, so that small families
# leave enough to train on.
SHARES: Mapping[Split, float] = {"held-out": 0.3, "development": 0.4, "audit": 0.5}
COUNTS: Mapping[Split, int] = {"held-out": 200, "development": 64, "audit": 64}


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
