"""Found: how many questions each source was asked for, had, and lost, and why; said before anything is spent."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from selftaught.parts import BadInput
from selftaught.stages import TaskSource
from selftaught.tasks.data.columns import Columns, Table
from selftaught.tasks.question import Asked
from selftaught.types import Task


@dataclass(frozen=True, kw_only=True)
class Found:
    """What became of one source.

    Attributes:
        source: file, data set, or other source by its words.
        rows, distinct: rows read and different questions among them; 0 for sources that are drawn without end.
        without: different questions without an answer, which cannot judge.
        disagree: two rows that ask the same and have different answers.
        asked, held_out: how many held-out tasks were wanted of it, and came.
        leaked: questions of it that do not train, because they are among those that judge.
        train: questions left to train on; None where it does not train, or without end.
    """

    source: str
    rows: int = 0
    distinct: int = 0
    without: int = 0
    disagree: str = ""
    asked: int = 0
    held_out: int = 0
    leaked: int = 0
    train: int | None = None

    def line(self) -> str:
        """One line for people; "" where there is nothing to say."""
        said = [f"{plural(self.rows, 'row')}, {plural(self.distinct, 'different question')}"] if self.rows else []
        said += [f"{self.without} without an answer, which cannot judge"] * bool(self.without)
        said += [f"the same question has different answers in {self.disagree} (the first counts)"] * bool(self.disagree)
        fewer = f" of the {self.asked} asked for" if self.held_out < self.asked else ""
        said += [f"{self.held_out} held out{fewer}"] * bool(self.asked and (self.rows or fewer))
        said += [f"{self.leaked} not trained on, as they are among those that judge"] * bool(self.leaked)
        said += [f"{self.train} to train on"] * (self.train is not None)
        return f"{self.source}: {', '.join(said)}" if said else ""


def plural(count: int, what: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{count} {what}{'s' * (count != 1)}"


def find(train: Sequence[TaskSource], judge: Sequence[TaskSource], held_out: Sequence[Task], count: int, asked: Asked) -> Iterator[Found]:
    """What became of each source of a split.

    `train` and `judge` are what is trained on and where the tasks that judge came from, `held_out` and `count` the held-out
    tasks and how many were wanted, `asked` the questions of all tasks that judge.
    """
    left = count
    for index, source in enumerate(judge):
        mine = sum(task.source == source.text() for task in held_out)
        share, left = -(-left // (len(judge) - index)), left - mine
        yield of(source, share, mine, source in train, asked)
    for source in train:
        if source not in judge:
            yield of(source, 0, 0, True, asked)


def of(source: TaskSource, share: int, mine: int, trains: bool, asked: Asked) -> Found:
    """What became of one source."""
    if not isinstance(source, Columns):
        return Found(source=source.text(), asked=share, held_out=mine)
    table: Table = source.table()
    rows = source.inside("train") if trains else []
    met = sum(bool(asked.met(row.prompt)) for row in rows)
    return Found(
        source=source.data, rows=table.count, distinct=len(table.rows), without=table.without, disagree=table.disagree, asked=share,
        held_out=mine, leaked=met, train=len(rows) - met if trains else None,
    )  # fmt: skip


def refuse_nothing_left(found: Sequence[Found]) -> None:
    """Raises BadInput where there is nothing to train on, because all of it judges."""
    trained = [one for one in found if one.train is not None]
    endless = any(not one.rows for one in found)
    if trained and not endless and not any(one.train for one in trained):
        names, lost = ", ".join(one.source for one in trained), sum(one.leaked for one in trained)
        raise BadInput(f"nothing is left to train on: all {lost} questions of {names} are among those held out: give others")
