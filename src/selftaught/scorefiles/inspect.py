"""Inspect's logs (.eval, .json; https://inspect.aisi.org.uk/eval-logs.html) as rows of scores."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from selftaught.parts import BadInput, nearest
from selftaught.scorefiles.fields import Log, Row, hashed, only, plain, score_row
from selftaught.scorefiles.json_data import Archive

# A sample is one member, or in very long ones a folder with its head in sample.json.
SAMPLE = re.compile(r"samples/.+_epoch_\d+(\.json|/sample\.json)")
# What the tool itself makes of a grade that is a word (value_to_float).
WORDS = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0}
ANSWERS = {"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}
SAMPLER = ("temperature", "top_p", "top_k", "max_tokens", "stop_seqs", "reasoning_effort", "reasoning_tokens")
# Logs from before 2024-03 hold one score a sample, under no name.
UNNAMED = "score"
KEPT = ("id", "epoch", "scores", "score", "error", "invalidation")


def inspect_archive(path: Path, metric: str) -> Log:
    """An .eval file."""
    with Archive(path) as archive:
        names = [name for name in archive.members if SAMPLE.fullmatch(name)]
        if not names:
            raise BadInput(f"{path}: no samples in it: give a log that was written with its samples")
        ended = "header.json" in archive.members
        head: Any = (
            archive.read("header.json" if ended else "_journal/start.json") if ended or "_journal/start.json" in archive.members else {}
        )
        if not ended:
            head = {**(head if isinstance(head, Mapping) else {}), "status": "started"}
        return inspect_log(head, ((f"{path}, {plain(name)}", archive.read(name)) for name in sorted(names)), metric, str(path))


def inspect_log(head: Any, samples: Iterable[tuple[str, Any]], metric: str, path: str) -> Log:
    """Samples with their log's head; the attempt is the epoch, and of samples given twice the last counts.

    A sample that failed, or was declared invalid afterwards, has no score; one that ran into a limit has the score it got.
    """
    head = head if isinstance(head, Mapping) else {}
    kept: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {}
    for where, sample in samples:
        light = lighter(where, sample)
        kept[str(light["id"]), str(light.get("epoch"))] = where, light
    specs = scorers_of(head)
    names = {str(name) for _, sample in kept.values() for name in sample["scores"]} or set(specs)
    scorer, key = chosen(metric, names, path)
    rows = list(inspect_rows(kept.values(), scorer, key))
    status = head.get("status", "success")
    unfinished = f"its run has the status {plain(str(status))!r}, so samples may be missing" if status != "success" else ""
    return Log(rows=rows, settings=settings_of(head, scorer, key, specs.get(scorer)), unfinished=unfinished)


def lighter(where: str, sample: Any) -> dict[str, Any]:
    """What is used of a sample, whose messages and events can be large."""
    if not isinstance(sample, Mapping) or "id" not in sample:
        raise BadInput(f"{where}: an inspect sample has id, epoch and scores by the name of the scorer")
    light = {name: sample[name] for name in KEPT if name in sample}
    scores = light.get("scores")
    if scores is None and "score" in light:
        scores = {UNNAMED: light["score"]}
    if not isinstance(scores or {}, Mapping):
        raise BadInput(f"{where}: 'scores' of an inspect sample are an object by the name of the scorer")
    light["scores"] = {
        str(name): score.get("value") if isinstance(score, Mapping) else score
        for name, score in (scores or {}).items()
        if score is not None
    }
    light["mark"] = hashed(sample.get("input")) + (hashed(sample["choices"]) if sample.get("choices") else "")
    return light | {"shown": {"target": hashed(sample["target"])} if "target" in sample else {}}


def chosen(metric: str, names: set[str], path: str) -> tuple[str, str]:
    """The scorer, and which of its values, out of `SCORER` or `SCORER.VALUE`; names may hold dots."""
    if not metric:
        return only(names, "scorer", path), ""
    if metric in names or not names:
        return metric, ""
    for name in names:
        if metric.startswith(f"{name}."):
            return name, metric[len(name) + 1 :]
    raise BadInput(f"{path}: no scorer '{plain(metric)}' in this log: {nearest(metric, map(plain, names))}")


def inspect_rows(samples: Iterable[tuple[str, dict[str, Any]]], scorer: str, key: str) -> Iterator[Row]:
    """One row a sample."""
    for where, sample in samples:
        fault = "errored" if sample.get("error") else ""
        value = sample["scores"].get(scorer)
        if isinstance(value, Mapping):
            if key not in value:
                names = nearest(key, map(plain, map(str, value)))
                raise BadInput(f"{where}: scorer '{plain(scorer)}' gives several values: write metric={plain(scorer)}.NAME, {names}")
            value = value[key]
        if isinstance(value, str):
            value = WORDS.get(value, ANSWERS.get(value.lower(), value))
        if sample.get("invalidation"):
            value, fault = None, "declared invalid"
        yield score_row(where, sample["id"], sample.get("epoch", 1), value, fault=fault, mark=sample["mark"], shown=sample["shown"])


def scorers_of(head: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The declarations of the scorers by name, from the plan or else from the results."""
    specs: dict[str, Mapping[str, Any]] = {}
    for part, options in (("results", "params"), ("eval", "options")):
        inside = head.get(part)
        found = inside.get("scores" if part == "results" else "scorers") if isinstance(inside, Mapping) else None
        for spec in found if isinstance(found, list) else ():
            if isinstance(spec, Mapping) and "name" in spec:
                specs[str(spec["name"])] = {"options": spec.get(options) or {}}
    return specs


def settings_of(head: Mapping[str, Any], scorer: str, key: str, spec: Mapping[str, Any] | None) -> dict[str, str]:
    """How the scores came about, as far as the head says."""
    declared, plan = (part if isinstance(part, Mapping) else {} for part in (head.get("eval"), head.get("plan")))
    found: dict[str, Any] = {"scorer": f"{scorer}.{key}" if key else scorer, "scorer options": spec and spec["options"]}
    for name in ("task", "task_version", "task_args", "solver_args"):
        found[name.replace("_", " ")] = declared.get(name)
    steps = plan.get("steps")
    found["solver and prompts"] = (
        [[step.get("solver"), step.get("params")] for step in steps if isinstance(step, Mapping)] if steps else None
    )
    roles = declared.get("model_roles")
    judge = roles.get("grader") if isinstance(roles, Mapping) else None
    found["judge"] = judge.get("model") if isinstance(judge, Mapping) else judge
    drawn = [part for part in (plan.get("config"), declared.get("model_generate_config")) if isinstance(part, Mapping)]
    sampler = {name: part[name] for part in drawn for name in SAMPLER if part.get(name) is not None}
    found["system message"] = next((part["system_message"] for part in drawn[::-1] if part.get("system_message")), None)
    found["sampler"] = sampler if drawn else None
    return {
        name: value if isinstance(value, str) else json.dumps(value, sort_keys=True) for name, value in found.items() if value is not None
    }
