"""Which tool wrote a file of scores, told by its fields: inspect, lm-eval, or plain rows; others are named and refused."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from selftaught.parts import BadInput, nearest
from selftaught.scorefiles import lm_eval as harnesslogs
from selftaught.scorefiles.fields import Log, Row, plain, quoted, score_row
from selftaught.scorefiles.inspect import inspect_archive, inspect_log
from selftaught.scorefiles.json_data import KIND, records

ROWS = 'write its scores as jsonl rows such as {"task": "gsm8k/17", "attempt": 0, "score": 1}'
TABLES = {".csv", ".tsv", ".parquet", ".xlsx"}
# Fields that tell a log that is not read, and what it is.
STRANGE = (
    ({"eval", "status"}, "an inspect log without a list 'samples': give one that was written with its samples, or"),
    ({"eval", "plan"}, "an inspect log without a list 'samples': give one that was written with its samples, or"),
    ({"spec"}, "a log of OpenAI's evals"),
    ({"run_id", "sample_id", "type"}, "a log of OpenAI's evals"),
    ({"instance_id", "stats"}, "HELM's per_instance_stats"),
    ({"adapter_spec", "request_states"}, "HELM's scenario_state"),
    ({"config_general", "results"}, "lighteval's results, which hold means alone"),
    ({"results", "configs"}, "lm-eval's results, which hold means alone: run it with --log_samples and give samples_*.jsonl, or"),
    ({"results", "config"}, "lm-eval's results, which hold means alone: run it with --log_samples and give samples_*.jsonl, or"),
    ({"messages", "sampling_args"}, "a log of verifiers"),
)


def read_log(path: Path, metric: str = "", chosen: str = "") -> Log:
    """The scores in a .jsonl, .json or .eval file.

    Where there are several, `metric` names lm-eval's metric or inspect's scorer, and `chosen` lm-eval's filter.

    Raises:
        BadInput: a file that is missing, too large, of no known kind or malformed, with its line.
    """
    if path.suffix in TABLES:
        raise BadInput(f"{path}: a table: {ROWS}")
    if path.suffix == ".eval":
        if chosen:
            raise BadInput(f"{path}: inspect's logs have no filters: leave out filter=, metric= names the scorer")
        return inspect_archive(path, metric)
    light: list[dict[str, Any]] = []
    rows: list[Row] = []
    for where, record in records(path):
        if not isinstance(record, Mapping):
            raise BadInput(f"{where}: a row must be an object, not {type(record).__name__}")
        if "samples" in record and not rows and not light:
            return of_object(record, metric, chosen, str(path))
        for fields, name in STRANGE:
            if fields <= set(record):
                raise BadInput(f"{path}: {name}, is not read: {ROWS}".replace("or, is not read", "or"))
        if "doc_id" in record and not rows:
            light.append(harnesslogs.lighter(where, record))
        elif light:
            raise BadInput(f"{where}: no 'doc_id', which the rows before it have: give the rows of one tool")
        else:
            rows.append(plain_row(where, record))
    if light:
        return harnesslogs.harness_log(light, metric, chosen, str(path))
    if rows and (metric or chosen):
        raise BadInput(f"{path}: plain rows hold one score each: leave out metric= and filter=")
    return Log(rows=rows)


def of_object(record: Mapping[str, Any], metric: str, chosen: str, path: str) -> Log:
    """A file that is one object: an inspect log, or all that lm-eval's Python function gives."""
    samples = record["samples"]
    if isinstance(samples, list):
        if chosen:
            raise BadInput(f"{path}: inspect's logs have no filters: leave out filter=, metric= names the scorer")
        return inspect_log(record, ((f"{path}, sample {i}", sample) for i, sample in enumerate(samples, 1)), metric, path)
    if isinstance(samples, Mapping) and all(isinstance(rows, list) for rows in samples.values()):
        return harnesslogs.harness_log(list(nested(samples, path)), metric, chosen, path)
    raise BadInput(f"{path}: its 'samples' are no list: {KIND}")


def nested(samples: Mapping[str, Any], path: str) -> Iterable[dict[str, Any]]:
    """Rows of lm-eval's `samples` by task."""
    for task, rows in samples.items():
        for i, row in enumerate(rows, 1):
            where = f"{path}, {plain(str(task))}, sample {i}"
            if not isinstance(row, Mapping) or "doc_id" not in row:
                raise BadInput(f"{where}: a sample of lm-eval has a doc_id")
            yield harnesslogs.lighter(where, row)


def plain_row(where: str, record: Mapping[str, Any]) -> Row:
    """A row with `task`, `score` and perhaps `attempt` (0 when left out)."""
    for name in ("task", "score"):
        if name not in record:
            names = nearest(name, [plain(str(key)) for key in list(record)[:20]])
            raise BadInput(f"{where}: no '{name}' ({names}): a row has task, attempt and score")
    if isinstance(record["score"], str) and not record["score"].strip():
        raise BadInput(f"{where}: the score must be one finite number, not {quoted(record['score'])}: null says that nobody scored it")
    return score_row(where, record["task"], record.get("attempt", 0), record["score"])
