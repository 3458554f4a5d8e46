"""Cells of an answer column as answers, by stated rules; what no rule reads is refused by name of column and row."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date, time
from decimal import Decimal
from typing import Any

from selftaught.answers.reading import gold_answer
from selftaught.format import canonical
from selftaught.parts import BadInput, nearest

# An answer this long without a mark in it is an explanation; no reply would ever equal it.
LONGEST = 200
# Fields of a structured cell that usually hold the answer, for the remedy.
USUAL = ("ground_truth", "value", "answer", "text", "content", "label", "target")
Path = tuple[str, ...]


def read_gold(cell: Any, where: str, column: str, data: str) -> tuple[str, ...] | None:
    """The accepted answers of a cell, any of which is right; None where it holds no answer.

    Null, NaN, "" and [] are no answer. Numbers are written out, truth values are `True` and `False` in either case, dates
    are in ISO form, texts are read by `gold_answer`. A list of texts holds several accepted answers.

    Raises:
        BadInput: a structure, several numbers (one of which is meant, or all), infinity, bytes.
    """
    cell = plain(cell)
    if cell is None or (isinstance(cell, float | Decimal) and math.isnan(cell)):
        return None
    if isinstance(cell, bool):
        return (str(cell), str(cell).lower())
    if isinstance(cell, int | float | Decimal):
        if not math.isfinite(cell):
            raise BadInput(f"{where}, column '{column}': the answer is {cell}, which no reply can be equal to: give a number, or null")
        return (format(Decimal(repr(cell)) if isinstance(cell, float) else Decimal(cell), "f"),)
    if isinstance(cell, date | time):
        return (cell.isoformat(),)
    if isinstance(cell, str):
        answer = gold_answer(cell)
        # Punctuation alone is nothing once it is compared.
        return (answer,) if canonical(answer).strip("#") and (len(answer) <= LONGEST or answer != cell.strip()) else None
    if isinstance(cell, Sequence) and not isinstance(cell, bytes):
        return several(cell, where, column, data)
    if isinstance(cell, Mapping):
        keys = [str(key) for key in cell]
        field = next((key for key in USUAL if key in keys), keys[0] if keys else "FIELD")
        raise BadInput(
            f"{where}, column '{column}': the answer is a structure of {', '.join(keys) or 'nothing'}: name the field that holds it, "
            f"{data},answer={column}.{field}"
        )
    raise BadInput(f"{where}, column '{column}': an answer cannot be {type(cell).__name__}: give text, a number, or a list of texts")


def several(cells: Sequence[Any], where: str, column: str, data: str) -> tuple[str, ...] | None:
    """The accepted answers of a list, without repetition; several different numbers are refused."""
    found: dict[str, str] = {}
    for cell in cells:
        for answer in read_gold(cell, where, column, data) or ():
            found.setdefault(canonical(answer), answer)
    if len(found) > 1 and any(is_number(answer) for answer in found.values()):
        raise BadInput(
            f"{where}, column '{column}': {len(found)} different answers, {', '.join(found.values())[:60]}: all of them, or any? "
            f"Write them as one text if all are, or take one: {data},answer={column}.0"
        )
    return tuple(found.values()) or None


def is_number(answer: str) -> bool:
    """Whether an answer is a number once it is compared."""
    return re.fullmatch(r"[-+]?\d+(\.\d+)?", canonical(answer)) is not None


def plain(cell: Any) -> Any:
    """Scalars of numpy, pyarrow and pandas as Python's; arrays as lists."""
    for turn in ("as_py", "tolist"):
        if hasattr(cell, turn) and not isinstance(cell, type):
            cell = getattr(cell, turn)()
    # NaT and NA are equal to nothing, themselves included.
    return None if type(cell).__name__ in ("NaTType", "NAType") else cell


def reach(record: Mapping[str, Any], path: str, where: str, data: str, option: str) -> Any:
    """The cell at a column, or at a dotted path into structures, lists (by number) and JSON text.

    Raises:
        BadInput: no such column, or nothing there.
    """
    if path in record:
        return record[path]
    head, *rest = path.split(".")
    if head not in record:
        raise BadInput(f"{where}: no column '{head}' ({nearest(head, map(str, record))}): write {data},{option}=COLUMN")
    cell = record[head]
    for step in rest:
        cell = plain(cell)
        if isinstance(cell, str) and cell.lstrip()[:1] in ("{", "["):
            with suppress(ValueError, RecursionError):
                cell = json.loads(cell)
        if cell is None:
            return None
        if isinstance(cell, Mapping) and step in cell:
            cell = cell[step]
        elif isinstance(cell, Sequence) and not isinstance(cell, str | bytes) and re.fullmatch(r"-?\d+", step):
            if not -len(cell) <= int(step) < len(cell):
                return None
            cell = cell[int(step)]
        else:
            names = f"fields {', '.join(map(str, cell))}" if isinstance(cell, Mapping) else f"{type(cell).__name__}, which has no fields"
            raise BadInput(f"{where}: nothing at '{step}' of '{path}' ({names}): write {data},{option}=COLUMN.FIELD")
    return cell
