"""Rows of files and data sets as tasks: what `File` and `Hub` share."""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from selftaught.format import canonical
from selftaught.parts import BadInput
from selftaught.stages import TaskSource
from selftaught.tasks.data.golds import is_number, reach, read_gold
from selftaught.tasks.data.prompts import read_prompt
from selftaught.tasks.text import BLOCKS, WHOLE, make_task, place, text_fingerprint
from selftaught.types import Message, Split, Task, content_hash

# Columns other people keep their prompts in, for the remedy.
USUAL = ("messages", "question", "problem", "instruction", "conversations", "query", "input", "text")


@dataclass(frozen=True)
class Row:
    """One question of a file.

    Attributes:
        prompt, gold: what is asked; accepted answers, None where there is none.
        where: file and line.
        place: in [0, 1), says which split it lives in.
    """

    prompt: str | tuple[Message, ...]
    gold: tuple[str, ...] | None
    where: str
    place: float


@dataclass(frozen=True, kw_only=True)
class Table:
    """What a file or data set was found to hold.

    Attributes:
        rows: its different questions, of equal ones the first with an answer.
        count: rows read.
        without: different questions without an answer.
        disagree: "line 3 and line 9" of the first two rows that ask the same and have different answers; "" without.
        numeric: all answers are numbers.
    """

    rows: tuple[Row, ...] = field(repr=False)
    count: int
    without: int
    disagree: str
    numeric: bool


@dataclass(frozen=True, kw_only=True)
class Columns(TaskSource):
    """Tasks out of rows with a prompt column, and perhaps an answer column.

    Which split a row belongs to follows from what its prompt asks alone, so the splits of one file never share a question.

    Attributes:
        data: a path, or the id of a data set.
        prompt: column of the prompt, text or a list of messages; `a.b` reaches into structures, `a+b` joins two columns.
        answer: column of the answer, or a path into one; "" takes a column called answer when there is one.
        whole: all rows serve training, for data whose held-out tasks come from elsewhere.
        numbers: answers are known to be numbers, for data without answers.
    """

    checker = "equal"
    data: str = ""
    prompt: str = "prompt"
    answer: str = ""
    whole: bool = False
    numbers: bool = False

    @property
    def scope(self) -> str:
        """Sources of one scope fingerprint alike."""
        return "text"

    def table(self) -> Table:
        """Every different question; raises BadInput saying what is wrong where."""
        raise NotImplementedError

    def options(self) -> dict[str, Any]:
        """The fields that differ from their defaults, for `text`."""
        names = ("prompt", "answer", "whole", "numbers")
        return {n: getattr(self, n) for n in names if getattr(self, n) != type(self).__dataclass_fields__[n].default}

    def text(self) -> str:
        return ",".join([self.data, *(f"{name}={value}" for name, value in self.options().items())])

    def inside(self, split: Split) -> list[Row]:
        """The rows of a split; those that judge have answers if any row of the data has one."""
        table = self.table()
        low, high = (WHOLE if self.whole else BLOCKS)[split]
        every = split == "train" or table.without == len(table.rows)
        return [row for row in table.rows if low <= row.place < high and (every or row.gold is not None)]

    def draw(self, key: str, count: int, split: Split) -> list[Task]:
        mine, name, numeric = self.inside(split), self.text(), self.numbers or self.table().numeric
        chosen = random.Random(content_hash(key, split)).sample(mine, min(count, len(mine)))
        entries = [None if row.gold is None else {"answer": row.gold[0] if len(row.gold) == 1 else row.gold} for row in chosen]
        return [make_task(row.prompt, name, split, entry, numeric=numeric) for row, entry in zip(chosen, entries, strict=True)]

    def fingerprint(self, task: Task) -> str:
        return text_fingerprint(task.prompt)

    def check(self, task: Task, answer: str, entry: Mapping[str, Any] | None) -> float:
        return float("nan") if entry is None else float(canonical(answer) in map(canonical, accepted(entry)))


def accepted(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """The answers of a sealed entry, any of which is right."""
    return (entry["answer"],) if isinstance(entry["answer"], str) else tuple(entry["answer"])


def read_table(records: Iterable[tuple[str, Any]], prompt: str, answer: str, data: str) -> Table:
    """What (where, record) pairs hold; raises BadInput on the first that does not fit, or when there is none."""
    found: dict[str, Row] = {}
    count, disagree = 0, ""
    for where, record in records:
        if not isinstance(record, Mapping):
            raise BadInput(f"{where}: a row must be an object with named columns, not {type(record).__name__}")
        row = read_row(where, record, prompt, answer, data)
        count += 1
        mark = text_fingerprint(row.prompt)
        known = found.get(mark)
        if known is None or (known.gold is None and row.gold is not None):
            found[mark] = Row(row.prompt, row.gold, where, place(mark))
        elif row.gold and known.gold and not disagree and not set(map(canonical, row.gold)) & set(map(canonical, known.gold)):
            disagree = f"{known.where.removeprefix(data).lstrip(', ')} and {where.removeprefix(data).lstrip(', ')}"
    if not found:
        raise BadInput(f"{data}: no rows in it: give a file with at least one task")
    rows = tuple(found.values())
    golds = [gold for row in rows for gold in row.gold or ()]
    return Table(
        rows=rows, count=count, without=sum(row.gold is None for row in rows), disagree=disagree,
        numeric=bool(golds) and all(map(is_number, golds)),
    )  # fmt: skip


def read_row(where: str, record: Mapping[str, Any], prompt: str, answer: str, data: str) -> Row:
    """A record's prompt and answer."""
    columns = [prompt] if prompt in record else prompt.split("+")
    if columns == ["prompt"] and "prompt" not in record and (usual := [name for name in USUAL if name in record]):
        also = "+input" if usual[0] == "instruction" and "input" in record else ""
        raise BadInput(f"{where}: no column 'prompt' (known: {', '.join(map(str, record))}): write {data},prompt={usual[0]}{also}")
    if columns == ["instruction"] and isinstance(record.get("input"), str) and record["input"].strip():
        raise BadInput(f"{where}: the question stands in two columns, instruction and input: write {data},prompt=instruction+input")
    # The answer may be the conversation's own last turn.
    reply = answer.split(".")[:2] == [prompt, "-1"]
    cells = [reach(record, column, where, data, "prompt") for column in columns]
    given = read_prompt(cells[0], f"{where}, column '{prompt}'", reply) if len(cells) == 1 else None
    if given is None:
        given = read_prompt("\n".join(str(cell) for cell in cells if cell not in (None, "")), f"{where}, columns '{prompt}'")
    cell = reach(record, answer, where, data, "answer") if answer else record.get("answer")
    if reply and isinstance(cell, Mapping):
        cell = cell.get("content", cell.get("value"))
    return Row(given, read_gold(cell, where, answer or "answer", data), where, 0.0)
