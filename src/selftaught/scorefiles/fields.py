"""What every log of scores is made of, whichever tool wrote it: rows, and the fields of a row as data that was checked."""

import hashlib
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from selftaught.parts import BadInput
from selftaught.shown import visible
from selftaught.types import content_hash

NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?")
# Differences and squares of larger numbers leave the range of a float.
LARGEST = 1e100


class Row(NamedTuple):
    """One score and where it stands.

    Attributes:
        where: file and line or sample, for people.
        task: the task's id.
        attempt: which attempt at it.
        score: NaN where there is none.
        fault: why there is none, in a word or two; "" where there is.
        mark: hash of the question where the log holds it, else "".
        shown: hashes of what else decides a score, by name: the prompt as it was rendered, the target.
    """

    where: str
    task: str
    attempt: int
    score: float
    fault: str = ""
    mark: str = ""
    shown: Mapping[str, str] = {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Log:
    """What a file holds.

    Attributes:
        rows: its scores.
        settings: how they came about, by name, as far as the file says: scorer, metric, filter, judge, sampler.
        unfinished: why tasks may be missing from it, for people; "" where its run ended well.
    """

    rows: list[Row]
    settings: Mapping[str, str] = field(default_factory=dict)
    unfinished: str = ""


def score_row(where: str, task: Any, attempt: Any, value: Any, *, fault: str = "", mark: str = "", shown: Mapping[str, str] = {}) -> Row:
    """A row from fields as they were read; a score that is null or NaN was not given.

    Raises:
        BadInput: a field that is of no use, with its place.
    """
    score = number(where, value)
    fault = fault or "not scored" if math.isnan(score) else ""
    return Row(where, task_name(where, task), index(where, "attempt", attempt), score, fault, mark, shown)


def only(names: Iterable[str], what: str, where: str) -> str:
    """The one name there is; BadInput when there are several to choose from."""
    found = sorted(set(names))
    if len(found) > 1:
        option = "filter" if what == "filter" else "metric"
        raise BadInput(f"{where}: this log has several {what}s ({', '.join(map(plain, found))}): write FILE,{option}=NAME")
    return found[0] if found else ""


def number(where: str, value: Any) -> float:
    """A score: a number, bool or number in text; null and NaN mean that nobody scored it."""
    if value is None:
        return math.nan
    if isinstance(value, str) and NUMBER.fullmatch(value):
        value = float(value)
    if isinstance(value, (list, tuple)):
        raise BadInput(f"{where}: the score must be one finite number, not a list: choose another by FILE,metric=NAME")
    if not isinstance(value, (bool, int, float)) or abs(value) == math.inf:
        raise BadInput(f"{where}: the score must be one finite number, not {quoted(value)}")
    if abs(value) > LARGEST:
        raise BadInput(f"{where}: the score is beyond {LARGEST:g}, where differences overflow: give it in a larger unit")
    return float(value)


def index(where: str, name: str, value: Any) -> int:
    """A whole number from 0."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise BadInput(f"{where}: {name} must be a whole number from 0, not {quoted(value)}")
    return value


def task_name(where: str, value: Any) -> str:
    """A task's id as text."""
    if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
        raise BadInput(f"{where}: name a task by text or a whole number, not {quoted(value)}")
    try:
        return str(value).encode().decode()
    except UnicodeEncodeError:
        raise BadInput(f"{where}: the task's name holds half a character ({quoted(value)}): write it in UTF-8") from None
    except ValueError:
        raise BadInput(f"{where}: the task is a number of thousands of digits: name it by text") from None


def hashed(value: Any) -> str:
    """Hash of any data; of a whole conversation who says what, as its messages have ids of their own in each log."""
    if isinstance(value, list):
        value = [(m.get("role"), m.get("content")) if isinstance(m, Mapping) and "role" in m else m for m in value]
    return content_hash(value)


def text_hash(value: Any) -> str:
    """lm-eval's hash of a text."""
    return hashlib.sha256(str(value).encode("utf-8", "replace")).hexdigest()


def quoted(value: Any) -> str:
    """A value in quotes, cut, for an error line."""
    try:
        return repr(plain(str(value)[:40]))
    except (ValueError, RecursionError):
        return f"a {type(value).__name__}"


def plain(text: str, most: int = 60) -> str:
    """Text from a file for an error line: cut, on one line."""
    return visible(text[:most], lines=False)
