"""lm-eval's logs of samples (--log_samples, https://github.com/EleutherAI/lm-evaluation-harness), 0.4.0 and later, as rows.

Until 0.4.2 a file is one indented array; until 0.4.4 rows do not say which filter they belong to, nor which of their fields
are metrics. Samples files of the tasks of a group may be joined into one.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from selftaught.parts import BadInput, nearest
from selftaught.scorefiles.fields import Log, Row, hashed, index, only, plain, score_row, text_hash

# Fields of a row that are no metric.
FIXED = {"doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics", "scores_per_repeat", "task_name"}
# Metrics of which less is better.
LOWER = ("perplexity", "bits_per_byte", "brier", "wer", "cer", "ter", "loss", "nll")


def lighter(where: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """What is used of a row, whose document and replies can be large."""
    light = {name: value for name, value in record.items() if name not in ("doc", "arguments", "resps", "filtered_resps", "target")}
    prompt, sampler = asked(record.get("arguments"))
    doc = light.get("doc_hash") or hashed(record.get("doc"))
    target = light.get("target_hash") or (text_hash(record["target"]) if "target" in record else "")
    prompt = light.get("prompt_hash") or (text_hash(prompt) if prompt is not None else "")
    return light | {"(where)": where, "(doc)": str(doc), "(sampler)": sampler, "(shown)": {"prompt": str(prompt), "target": str(target)}}


def asked(arguments: Any) -> tuple[Any, str]:
    """The first request's prompt, and how its reply was drawn where the log says."""
    first = (items(arguments) or [None])[0]
    parts = items(first)
    sampler = json.dumps(parts[1], sort_keys=True) if len(parts) > 1 and isinstance(parts[1], Mapping) and parts[1] else ""
    return (parts[0] if parts else None), sampler


def items(value: Any) -> list[Any]:
    """What is in a list, or in an object that stands for one; nothing in anything else."""
    return list(value.values()) if isinstance(value, Mapping) else value if isinstance(value, list) else []


def harness_log(records: Iterable[dict[str, Any]], metric: str, chosen: str, path: str) -> Log:
    """Rows of one metric under one filter, out of rows that went through `lighter`."""
    records = list(records)
    unnamed = not any("filter" in record for record in records)
    named_filters(records)
    # The results' way to name both, as in `exact_match,strict-match`.
    metric, _, behind = metric.partition(",")
    chosen = chosen or behind
    filters = {record["filter"] for record in records}
    if not chosen and unnamed and len(filters) > 1:
        told = f"its rows come under {len(filters)} filters that are not named, in the order of the task's configuration"
        raise BadInput(f"{path}: {told}: write FILE,filter=1 or another number")
    chosen = chosen or only(filters, "filter", path)
    if chosen not in filters:
        raise BadInput(f"{path}: no filter '{plain(chosen)}': {nearest(chosen, map(plain, filters))}")
    mine = [record for record in records if record["filter"] == chosen]
    name = metric or only({name for record in mine for name in metrics_of(record)}, "metric", path)
    docs: dict[Any, set[str]] = {}
    for record in mine:
        docs.setdefault(str(record.get("doc_id")), set()).add(record["(doc)"])
    rows = [row for record in mine for row in harness_rows(record, name, len(docs[str(record.get("doc_id"))]) > 1)]
    samplers = {record["(sampler)"] for record in mine} - {""}
    settings = {"metric": name, "filter": chosen} | ({"sampler": " and ".join(sorted(samplers))} if samplers else {})
    return Log(rows=rows, settings=settings)


def named_filters(records: Iterable[dict[str, Any]]) -> None:
    """Give rows their filter's name: where they have none, a document's rows are numbered from 1 in the order they come.

    Rows come filter by filter, each in the order of the documents.
    """
    unnamed = [record for record in records if "filter" not in record]
    for record in records:
        if "filter" in record:
            record["filter"] = str(record["filter"])
    seen: Counter[tuple[str, str]] = Counter()
    for record in unnamed:
        key = str(record.get("doc_id")), record["(doc)"]
        seen[key] += 1
        record["filter"] = str(seen[key])
    counts = set(seen.values())
    if len(counts) > 1:
        where = next(r["(where)"] for r in unnamed if seen[str(r.get("doc_id")), r["(doc)"]] == max(counts))
        raise BadInput(f"{where}: this document comes more often than others, under no filter's name: join no two runs into one file")
    if counts == {1}:
        for record in unnamed:
            record["filter"] = "none"


def harness_rows(record: Mapping[str, Any], name: str, joined: bool) -> list[Row]:
    """The rows of one document: one an attempt, where the log keeps their scores apart."""
    where = record["(where)"]
    if name not in record:
        raise BadInput(f"{where}: no metric '{plain(name)}' ({nearest(name, map(plain, metrics_of(record)))})")
    repeats = record.get("scores_per_repeat")
    values = repeats.get(name) if isinstance(repeats, Mapping) else None
    doc = index(where, "doc_id", record.get("doc_id"))
    # Documents of several tasks in one file are numbered from 0 in each.
    task = f"{doc} of {record['(doc)'][:12]}" if joined else str(doc)
    mark = str(record.get("doc_hash") or "")
    return [
        score_row(where, task, attempt, value, mark=mark, shown=record["(shown)"])
        for attempt, value in enumerate(values if isinstance(values, list) else [record[name]])
    ]


def metrics_of(record: Mapping[str, Any]) -> list[str]:
    """Names of a row's metrics; rows of old logs do not list them, there it is what else is a number."""
    listed = record.get("metrics")
    if isinstance(listed, list) and listed:
        return [str(name) for name in listed]
    return [str(k) for k, v in record.items() if k not in FIXED and not k.endswith("_hash") and isinstance(v, (int, float))]


def is_lower(metric: str) -> bool:
    """Whether a metric of that name is better when it is smaller."""
    parts = metric.lower().split("_")
    return any(word in parts or (len(word) > 3 and word in metric.lower()) for word in LOWER)
