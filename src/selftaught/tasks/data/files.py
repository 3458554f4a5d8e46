"""File: tasks out of jsonl, json, csv, tsv, parquet and txt files."""

import csv
import gzip
import json
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from selftaught.parts import BadInput, nearest, part
from selftaught.shown import reason
from selftaught.tasks.data.columns import Columns, Table, read_table

MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"\x1f\x8b": "gzip", b"PK\x03\x04": "a zip archive", b"PAR1": "parquet"}


@part
@dataclass(frozen=True, kw_only=True)
class File(Columns):
    """Tasks of a file: `file.jsonl`, `file.csv,prompt=question,answer=solution`, `file.parquet`, `file.txt` (a prompt a line)."""

    def table(self) -> Table:
        path = Path(self.data)
        try:
            stamp = path.stat().st_mtime_ns
        except (OSError, ValueError):
            near = nearest(path.name, (p.name for p in path.parent.glob(f"*{path.suffix}"))) if path.parent.is_dir() else "no such folder"
            raise BadInput(f"{self.data}: there is no such file ({near}): give the path of one") from None
        return load(self.data, self.prompt, self.answer, stamp)


@lru_cache(maxsize=16)
def load(data: str, prompt: str, answer: str, stamp: int) -> Table:
    """What a file holds; `stamp` makes a changed file another one."""
    name = data.lower().removesuffix(".gz")
    try:
        return read_table(READERS[Path(name).suffix](data), prompt, answer, data)
    except (OSError, UnicodeDecodeError, EOFError, zlib.error, RecursionError) as error:
        raise BadInput(f"{data}: cannot be read ({reason(error)}): give a readable UTF-8 file") from None


def opened(data: str) -> IO[str]:
    """A text file, packed by gzip or not; a byte order mark is skipped. Raises BadInput when it is of another kind."""
    packed = data.lower().endswith(".gz")
    with Path(data).open("rb") as file:
        start = file.read(4)
    kind = next((kind for mark, kind in MARKS.items() if start.startswith(mark)), "UTF-16" if start[1:2] == b"\0" else "")
    if kind and not (packed and kind == "gzip"):
        raise BadInput(f"{data}: cannot be read as text (it is {kind}): save it as UTF-8, or name it after what it is")
    if packed:
        return gzip.open(data, "rt", encoding="utf-8-sig", newline="")
    return Path(data).open(encoding="utf-8-sig", newline="")


def parsed(text: str, where: str, what: str, whole: bool = False) -> Any:
    """JSON; raises BadInput in one line, also on what is nested too deep."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        line = f", line {error.lineno}" if whole else ""
        raise BadInput(f"{where}{line}: not JSON ({error.msg}): {what}") from None
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{where}: not JSON that can be read ({reason(error)}): {what}") from None


def lines(data: str) -> Iterator[tuple[str, Any]]:
    """(where, object) of each line that is not blank."""
    with opened(data) as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                where = f"{data}, line {number}"
                yield where, parsed(line, where, "each line must be one JSON object")


def array(data: str) -> Iterator[tuple[str, Any]]:
    """(where, object) of each item of a JSON array, of the one array an object holds, of columns, or of each line."""
    with opened(data) as file:
        content = file.read()
    first = content.lstrip()[:1]
    if first == "{" and "\n" in content.strip():
        try:
            json.loads(content)
        except (ValueError, RecursionError):
            first = ""
    if first not in ("[", "{"):
        yield from lines(data)
        return
    items = parsed(content, data, "the file must be one array of objects", whole=True)
    if isinstance(items, Mapping):
        items = rows_of(items, data)
    yield from ((f"{data}, item {number}", item) for number, item in enumerate(items, 1))


def rows_of(found: Mapping[str, Any], data: str) -> list[Any]:
    """The rows an object holds: the one field with a list of objects, columns side by side, or itself as the only row."""
    fields = {name: value for name, value in found.items() if isinstance(value, list)}
    tables = [name for name, value in fields.items() if value and all(isinstance(row, Mapping) and "role" not in row for row in value)]
    if len(tables) > 1:
        raise BadInput(f"{data}: rows under several names ({', '.join(tables)}): save the ones that are meant as a file of their own")
    if tables:
        return list(fields[tables[0]])
    if fields and len(fields) == len(found) and len({len(value) for value in fields.values()}) == 1:
        return [dict(zip(fields, row, strict=True)) for row in zip(*fields.values(), strict=True)]
    return [found]


def table(data: str) -> Iterator[tuple[str, Any]]:
    """(where, row) of each row of a parquet file."""
    import pyarrow
    import pyarrow.parquet

    try:
        rows = pyarrow.parquet.read_table(data).to_pylist()
    except (pyarrow.ArrowException, ValueError) as error:
        raise BadInput(f"{data}: not a parquet file ({reason(error)}): write it again or give jsonl") from None
    yield from ((f"{data}, row {number}", row) for number, row in enumerate(rows, 1))


def separated(data: str) -> Iterator[tuple[str, Any]]:
    """(where, row) of each row of a csv or tsv file with a header; empty cells are null."""
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    with opened(data) as file:
        head = file.readline()
        sign = "\t" if ".tsv" in data.lower()[-7:] else ";" if ";" in head and "," not in head else ","
        file.seek(0)
        reader = csv.DictReader(file, delimiter=sign, restkey="\0")
        try:
            for row in reader:
                where = f"{data}, line {reader.line_num}"
                if "\0" in row:
                    raise BadInput(f"{where}: more cells than the header has columns: put quotes around cells with '{sign}' in them")
                yield where, {name: cell or None for name, cell in row.items()}
        except csv.Error as error:
            raise BadInput(f"{data}, line {reader.line_num}: cannot be read ({error}): write the file again, or give jsonl") from None


def prompts(data: str) -> Iterator[tuple[str, Any]]:
    """(where, row) of each line of a text file that is not blank: a prompt without an answer."""
    with opened(data) as file:
        yield from ((f"{data}, line {number}", {"prompt": line.strip()}) for number, line in enumerate(file, 1) if line.strip())


READERS: Mapping[str, Callable[[str], Iterator[tuple[str, Any]]]] = {
    ".jsonl": lines, ".ndjson": lines, ".json": array, ".parquet": table, ".csv": separated, ".tsv": separated, ".txt": prompts,
}  # fmt: skip
