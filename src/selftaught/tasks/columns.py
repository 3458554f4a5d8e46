"""Rows of files and data sets as tasks: what `File` and `Hub` share."""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from selftaught.format import canonical
from selftaught.parts import BadInput, nearest
from selftaught.stages import TaskSource
from selftaught.tasks.text import BLOCKS, WHOLE, last_answer, make_task, place, text_fingerprint
from selftaught.types import Message, Split, Task, content_hash

Row = tuple[str | tuple[Message, ...], str | None, float]


@dataclass(frozen=True, kw_only=True)
class Columns(TaskSource):
    """Tasks out of rows with a prompt column, and perhaps an answer column.

    Which split a row belongs to follows from its prompt's words alone, so the splits of one file never share one.

    Attributes:
        data: a path, or the id of a data set.
        prompt: column of the prompt, a string or a list of messages with role and content.
        answer: column of the answer; "" takes a column called answer when there is one.
        whole: all rows serve training, for data whose held-out tasks come from elsewhere.
    """

    checker = "equal"
    data: str = ""
    prompt: str = "prompt"
    answer: str = ""
    whole: bool = False

    @property
    def scope(self) -> str:
        """Sources of one scope fingerprint alike."""
        return "text"

    def rows(self) -> tuple[Row, ...]:
        """Every row as (prompt, answer, place in [0, 1)); raises BadInput saying what is wrong where."""
        raise NotImplementedError

    def options(self) -> dict[str, Any]:
        """The fields that differ from their defaults, for `text`."""
        names = ("prompt", "answer", "whole")
        return {n: getattr(self, n) for n in names if getattr(self, n) != type(self).__dataclass_fields__[n].default}

    def text(self) -> str:
        return ",".join([self.data, *(f"{name}={value}" for name, value in self.options().items())])

    def draw(self, key: str, count: int, split: Split) -> list[Task]:
        low, high = (WHOLE if self.whole else BLOCKS)[split]
        mine = [row for row in self.rows() if low <= row[2] < high]
        chosen = random.Random(content_hash(key, split)).sample(mine, min(count, len(mine)))
        name = self.text()
        return [make_task(prompt, name, split, None if answer is None else {"answer": answer}) for prompt, answer, _ in chosen]

    def fingerprint(self, task: Task) -> str:
        return text_fingerprint(task.text)

    def check(self, task: Task, answer: str, entry: Mapping[str, Any] | None) -> float:
        return float("nan") if entry is None else float(canonical(answer) == canonical(str(entry["answer"])))


def read_rows(records: Iterable[tuple[str, Any]], prompt: str, answer: str, data: str) -> tuple[Row, ...]:
    """Rows out of (where, record) pairs; raises BadInput on the first that does not fit, or when there is none."""
    rows = []
    for where, record in records:
        if not isinstance(record, Mapping):
            raise BadInput(f"{where}: a row must be an object with named columns, not {type(record).__name__}")
        for column in (prompt, *([answer] if answer else [])):
            if column not in record:
                raise BadInput(f"{where}: no column '{column}' ({nearest(column, map(str, record))}): write {data},prompt=COLUMN")
        content = turns(record[prompt], f"{where}, column '{prompt}'")
        gold = record.get(answer or "answer")
        flat = content if isinstance(content, str) else "\n".join(m.content for m in content)
        rows.append((content, None if gold is None else last_answer(str(gold)), place(flat)))
    if not rows:
        raise BadInput(f"{data}: no rows in it: give a file with at least one task")
    return tuple(rows)


def turns(value: Any, where: str) -> str | tuple[Message, ...]:
    """A prompt cell as text or conversation; raises BadInput on anything else."""
    if isinstance(value, str) and value.strip():
        return value
    if (
        isinstance(value, list)
        and value
        and all(isinstance(m, Mapping) and isinstance(m.get("role"), str) and isinstance(m.get("content"), str) for m in value)
    ):
        return tuple(Message(m["role"], m["content"]) for m in value)
    raise BadInput(f"{where}: a prompt must be text, or a list of messages with role and content")
