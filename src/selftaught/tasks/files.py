"""File: tasks out of jsonl, json and parquet files."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from selftaught.parts import BadInput, nearest, part
from selftaught.tasks.columns import Columns, Row, read_rows


@part
@dataclass(frozen=True, kw_only=True)
class File(Columns):
    """Tasks of a file: `file.jsonl`, `file.jsonl,prompt=question,answer=answer`, `file.parquet`."""

    def rows(self) -> tuple[Row, ...]:
        path = Path(self.data)
        try:
            stamp = path.stat().st_mtime_ns
        except OSError:
            near = nearest(path.name, (p.name for p in path.parent.glob(f"*{path.suffix}"))) if path.parent.is_dir() else "no such folder"
            raise BadInput(f"{self.data}: there is no such file ({near})") from None
        return load(self.data, self.prompt, self.answer, stamp)


@lru_cache(maxsize=16)
def load(data: str, prompt: str, answer: str, stamp: int) -> tuple[Row, ...]:
    """Rows of a file; `stamp` makes a changed file another one."""
    records = {".jsonl": lines, ".json": array, ".parquet": table}[Path(data).suffix]
    try:
        return read_rows(records(data), prompt, answer, data)
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{data}: cannot be read ({one_line(error)}): give a readable UTF-8 file") from None


def one_line(error: Exception) -> str:
    """The first line of an error, or its name where it says nothing."""
    return (str(error).splitlines() or [""])[0][:200] or type(error).__name__


def lines(data: str) -> Iterator[tuple[str, Any]]:
    """(where, object) of each line that is not blank."""
    with Path(data).open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                where = f"{data}, line {number}"
                try:
                    yield where, json.loads(line)
                except ValueError as error:
                    raise BadInput(f"{where}: not JSON ({one_line(error)}): each line must be one JSON object") from None


def array(data: str) -> Iterator[tuple[str, Any]]:
    """(where, object) of each item of a JSON array, or of each line."""
    content = Path(data).read_text(encoding="utf-8")
    if not content.lstrip().startswith("["):
        yield from lines(data)
        return
    try:
        items = json.loads(content)
    except json.JSONDecodeError as error:
        raise BadInput(f"{data}, line {error.lineno}: not JSON ({error.msg}): the file must be one array of objects") from None
    yield from ((f"{data}, item {number}", item) for number, item in enumerate(items, 1))


def table(data: str) -> Iterator[tuple[str, Any]]:
    """(where, row) of each row of a parquet file."""
    import pyarrow
    import pyarrow.parquet

    try:
        rows = pyarrow.parquet.read_table(data).to_pylist()
    except pyarrow.ArrowException as error:
        raise BadInput(f"{data}: not a parquet file ({one_line(error)}): write it again or give jsonl") from None
    yield from ((f"{data}, row {number}", row) for number, row in enumerate(rows, 1))
