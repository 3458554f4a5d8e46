"""Cells of an answer column as answers, by stated rules; what no rule reads is refused by name of column and row."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import date, time
from decimal import Decimal
from typing import Any

from selftaught.format import canonical
from selftaught.parts import BadInput, nearest

# An answer this long without a mark in it is an explanation; no reply would ever equal it.
LONGEST = 200
TAGGED = re.compile(r"<answer>(.*?)</answer>", re.DOTALL)
SAID = re.compile(r"\banswer(?:\s+is\s*:?|\s*:)\s*(\S[^\n]*?)\.?\s*$", re.IGNORECASE)
# Fields of a structured cell that usually hold the answer, for the remedy.
USUAL = ("ground_truth", "value", "answer", "text", "content", "label", "target")
Path = tuple[str, ...]


def last_answer(text: str) -> str:
    r"""The answer in an answer column's text: what the last `\boxed{}`, `####` or `<answer>` holds, or what its last line
    says the answer is; else all of it.
    """
    if found := boxed(text):
        return found
    if "####" in text:
        return text.rsplit("####", 1)[1].strip()
    if tagged := TAGGED.findall(text):
        return str(tagged[-1]).strip()
    said = SAID.search(text)
    return said[1].strip() if said else text.strip()


def boxed(text: str) -> str:
    r"""What the last `\boxed{...}` or `\fbox{...}` encloses, braces nested to any depth; "" without one."""
    for start in sorted((i + len(mark) for mark in ("\\boxed{", "\\fbox{") for i in [text.rfind(mark)] if i >= 0), reverse=True):
        depth = 1
        for end in range(start, len(text)):
            depth += {"{": 1, "}": -1}.get(text[end], 0) if text[end - 1] != "\\" else 0
            if not depth:
                return text[start:end].strip()
    return ""


def read_gold(cell: Any, where: str, column: str, data: str) -> tuple[str, ...] | None:
    """The accepted answers of a cell, any of which is right; None where it holds no answer.

    Null, NaN, "" and [] are no answer. Numbers are written out, truth values are `True` and `False` in either case, dates
    are in ISO form, texts are read by `last_answer`. A list of texts holds several accepted answers.

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
        answer = last_answer(cell)
        # Punctuation alone is nothing once it is compared.
        return (answer,) if canonical(answer) and (len(answer) <= LONGEST or answer != cell.strip()) else None
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
            f"{where}, column '{column}': {len(found)} different answers, {', '.join(found.values())[:60]}: are all wanted, or is any right? "
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
            try:
                cell = json.loads(cell)
            except (ValueError, RecursionError):
                pass
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
