"""Logs of other evaluation tools as rows of scores: inspect (.eval, .json), lm-eval (samples_*.jsonl), plain rows.

Everything is read as data: sizes are limited, and what does not fit raises BadInput naming the file and the line.
"""

import json
import math
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from selftaught.parts import BadInput, nearest
from selftaught.types import content_hash

NUMBER = re.compile(r"-?\d+(\.\d+)?")
MOST_BYTES = 4 * 2**30
# inspect's words for a grade, https://inspect.aisi.org.uk (value_to_float).
WORDS = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0, "yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}


class Row(NamedTuple):
    """One score (NaN: nobody scored it), and where it stands, for people.

    `mark` is a hash of the question where the log holds it, so that two logs can be told to ask the same; else "".
    """

    where: str
    task: str
    attempt: int
    score: float
    mark: str = ""


def read_rows(path: Path, metric: str = "", chosen: str = "") -> list[Row]:
    """All rows of a .jsonl, .json or .eval file; the kind of log is told by its suffix and by the names of its fields.

    Where there are several, `metric` names lm-eval's metric or inspect's scorer, and `chosen` lm-eval's filter.

    Raises:
        BadInput: a file that is missing, too large, of no known kind or malformed, with its line.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadInput(f"{path}: larger than {MOST_BYTES / 2**30:.0f} GiB: write task, attempt and score alone into a jsonl file")
        if path.suffix == ".eval":
            return list(inspect_rows(zipped(path), metric))
        if path.suffix == ".jsonl":
            records = list(lines(path))
        else:
            content = parsed(path.read_text(encoding="utf-8"), str(path))
            if isinstance(content, Mapping):
                samples = content.get("samples")
                if not isinstance(samples, list):
                    raise BadInput(f"{path}: no list 'samples' in it: give an inspect log with its samples, or rows of scores")
                return list(inspect_rows(((f"{path}, sample {i}", sample) for i, sample in enumerate(samples, 1)), metric))
            items = content if isinstance(content, list) else [content]
            records = [(f"{path}, item {i}", item) for i, item in enumerate(items, 1)]
    except FileNotFoundError:
        raise BadInput(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read ({type(error).__name__}): give a readable UTF-8 file") from None
    for where, record in records:
        if not isinstance(record, Mapping):
            raise BadInput(f"{where}: a row must be an object, not {type(record).__name__}")
    if records and "doc_id" in records[0][1]:
        return list(harness_rows(records, metric, chosen, str(path)))
    if metric or chosen:
        raise BadInput(f"{path}: plain rows hold one score each: leave out metric= and filter=")
    return [plain_row(where, record) for where, record in records]


def plain_row(where: str, record: Mapping[str, Any]) -> Row:
    """A row with `task`, `score` and perhaps `attempt` (0 when left out)."""
    for name in ("task", "score"):
        if name not in record:
            raise BadInput(f"{where}: no '{name}' ({nearest(name, map(str, record))}): a row has task, attempt and score")
    return Row(where, task_name(where, record["task"]), index(where, "attempt", record.get("attempt", 0)), number(where, record["score"]))


def inspect_rows(samples: Iterable[tuple[str, Any]], metric: str) -> Iterator[Row]:
    """Samples of an inspect log; the attempt is the epoch, a sample without scores (it failed) is not scored."""
    kept: list[tuple[str, dict[str, Any], dict[str, Any]]] = []
    for where, sample in samples:
        if not isinstance(sample, Mapping) or "id" not in sample or not isinstance(sample.get("scores") or {}, Mapping):
            raise BadInput(f"{where}: an inspect sample has id, epoch and scores by the name of the scorer")
        light = {name: sample[name] for name in ("id", "epoch") if name in sample} | {"mark": asked(sample.get("input"))}
        kept.append((where, light, dict(sample.get("scores") or {})))
    names = {str(name) for _, _, scores in kept for name in scores}
    scorer, _, key = (metric or only(names, "scorer")).partition(".")
    if names and scorer not in names:
        raise BadInput(f"no scorer '{scorer}' in this log: {nearest(scorer, names)}")
    for where, sample, scores in kept:
        value = scores[scorer].get("value") if isinstance(scores.get(scorer), Mapping) else None
        if isinstance(value, Mapping):
            if key not in value:
                raise BadInput(f"{where}: scorer '{scorer}' gives several values: write metric={scorer}.NAME, {nearest(key, value)}")
            value = value[key]
        if isinstance(value, str):
            value = WORDS.get(value, WORDS.get(value.lower(), value))
        epoch = index(where, "epoch", sample.get("epoch", 1))
        yield Row(where, task_name(where, sample["id"]), epoch, number(where, value), str(sample["mark"]))


def asked(question: Any) -> str:
    """Hash of a question; of messages only who says what, as their ids differ from log to log."""
    turns = [(m.get("role"), m.get("content")) for m in question if isinstance(m, Mapping)] if isinstance(question, list) else question
    return content_hash(turns)


def harness_rows(records: list[tuple[str, Any]], metric: str, chosen: str, path: str) -> Iterator[Row]:
    """Rows of lm-eval's samples file: one a document and filter, with metrics by name, and repeats where it drew several."""
    filters = {str(record.get("filter", "none")) for _, record in records}
    chosen = chosen or only(filters, "filter")
    if chosen not in filters:
        raise BadInput(f"{path}: no filter '{chosen}': {nearest(chosen, filters)}")
    mine = [(where, record) for where, record in records if str(record.get("filter", "none")) == chosen]
    name = metric or only({str(name) for _, record in mine for name in metrics_of(record)}, "metric")
    for where, record in mine:
        if name not in record:
            raise BadInput(f"{where}: no metric '{name}' ({nearest(name, map(str, record.get('metrics') or record))})")
        repeats = record.get("scores_per_repeat") or {}
        values = repeats.get(name) if isinstance(repeats, Mapping) else None
        for attempt, value in enumerate(values if isinstance(values, list) else [record[name]]):
            yield Row(where, task_name(where, record.get("doc_id")), attempt, number(where, value), str(record.get("doc_hash", "")))


def metrics_of(record: Mapping[str, Any]) -> Iterable[Any]:
    """Names of a row's metrics; old logs do not list them, there it is what is a number and not the document's index."""
    return record.get("metrics") or [k for k, v in record.items() if k != "doc_id" and isinstance(v, (int, float))]


def only(names: set[str], what: str) -> str:
    """The one name there is; BadInput when there are several to choose from."""
    if len(names) > 1:
        option = "filter" if what == "filter" else "metric"
        raise BadInput(f"this log has several {what}s ({', '.join(sorted(names))}): write FILE,{option}=NAME")
    return next(iter(names), "")


def number(where: str, value: Any) -> float:
    """A score: a number or bool; null and NaN mean that nobody scored it."""
    if value is None:
        return math.nan
    if isinstance(value, str) and NUMBER.fullmatch(value):
        value = float(value)
    if not isinstance(value, (bool, int, float)) or math.isinf(value):
        raise BadInput(f"{where}: the score must be one finite number, not {str(value)[:40]!r}")
    return float(value)


def index(where: str, name: str, value: Any) -> int:
    """A whole number from 0."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise BadInput(f"{where}: {name} must be a whole number from 0, not {str(value)[:40]!r}")
    return value


def task_name(where: str, value: Any) -> str:
    """A task's id as text."""
    if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
        raise BadInput(f"{where}: a task is named by text or a whole number, not {str(value)[:40]!r}")
    return str(value)


def parsed(text: str, where: str) -> Any:
    """JSON, or BadInput with the line."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise BadInput(f"{where}{f', line {error.lineno}' if error.lineno > 1 else ''}: not JSON ({error.msg})") from None
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{where}: not JSON ({type(error).__name__})") from None


def lines(path: Path) -> Iterator[tuple[str, Any]]:
    """(where, object) of each line that is not blank."""
    with path.open(encoding="utf-8") as file:
        for count, line in enumerate(file, 1):
            if line.strip():
                where = f"{path}, line {count}"
                yield where, parsed(line.strip(), where)


def zipped(path: Path) -> Iterator[tuple[str, Any]]:
    """(where, sample) of each `samples/*.json` in an .eval file, in order of their names."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = sorted(name for name in archive.namelist() if name.startswith("samples/") and name.endswith(".json"))
            if not names:
                raise BadInput(f"{path}: no samples in it: give a log that was written with its samples")
            if sum(archive.getinfo(name).file_size for name in names) > MOST_BYTES:
                raise BadInput(f"{path}: its samples are larger than {MOST_BYTES / 2**30:.0f} GiB")
            for name in names:
                yield f"{path}, {name}", parsed(archive.read(name).decode(), f"{path}, {name}")
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, UnicodeDecodeError) as error:
        line = f"{path}: not an inspect log that can be read here ({error}): convert it with `inspect log convert --to json`"
        raise BadInput(line) from None
