"""Score files and logs that are damaged, of another kind, or not of the same tasks."""

import gzip
import json
import zipfile

import pytest
from refusals import cases, names

ROWS = [{"task": str(i), "attempt": 0, "score": i % 2} for i in range(30)]
INSPECT = {"version": 2, "status": "success", "eval": {}, "samples": [{"id": i, "epoch": 1, "input": f"q{i}", "scores": {"match": {"value": "C"}}} for i in range(30)]}  # fmt: skip
HARNESS = [{"doc_id": i, "doc": {"q": i}, "target": i, "arguments": {}, "resps": [["4"]], "filter": "none", "metrics": ["acc"], "acc": 1.0} for i in range(30)]  # fmt: skip


def jsonl(rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def one(**changed):
    """Rows of which the seventh is changed."""
    rows = [dict(row) for row in ROWS]
    rows[6] |= changed
    return jsonl(rows)


def inspect(**changed):
    sample = {**INSPECT["samples"][0], **changed}
    return json.dumps(INSPECT | {"samples": [*INSPECT["samples"][1:], sample]}).encode()


def harness(**changed):
    return jsonl([*HARNESS[1:], {**HARNESS[0], **changed}])


def files():
    """{name: bytes}."""
    whole, deep = jsonl(ROWS), b"[" * 100_000 + b"]" * 100_000
    return {
        "good.jsonl": whole, "other.jsonl": jsonl([row | {"task": f"x{row['task']}"} for row in ROWS]),
        "fewer.jsonl": jsonl(ROWS[:20]), "more.jsonl": jsonl([*ROWS, *({"task": row["task"], "attempt": 1, "score": 1} for row in ROWS)]),
        # not JSON lines
        "utf16.jsonl": whole.decode().encode("utf-16"), "latin.jsonl": b'{"task":"\xe9","score":1}\n',
        "packed.jsonl": gzip.compress(whole), "zeros.jsonl": bytes(90), "empty.jsonl": b"", "blank.jsonl": b"\n\n",
        "cut.jsonl": whole[:-9], "deep.jsonl": b'{"task":"x","score":' + deep + b"}\n",
        "deep.json": deep, "comma.jsonl": whole.replace(b"}\n", b"},\n"), "single.jsonl": b"{'task': 1}\n", "list.jsonl": b"[1]\n",
        "number.jsonl": b"3\n", "null.jsonl": b"null\n", "text.jsonl": b'"x"\n',
        "digits.jsonl": b'{"task":"x","score":' + b"9" * 6000 + b"}\n",
        # rows
        "no-task.jsonl": jsonl([{"score": 1}]), "no-score.jsonl": jsonl([{"task": "a"}]),
        "typo.jsonl": jsonl([{"task": "a", "scor": 1}]), "nothing.jsonl": b"{}\n", "bool-task.jsonl": one(task=True),
        "null-task.jsonl": one(task=None), "empty-task.jsonl": one(task=""), "float-task.jsonl": one(task=1.5),
        "list-task.jsonl": one(task=["a"]), "half-task.jsonl": one(task="\ud800"),
        "digits-task.jsonl": b'{"task":' + b"9" * 6000 + b',"score":1}\n',
        "text-score.jsonl": one(score="good"), "empty-score.jsonl": one(score=""), "list-score.jsonl": one(score=[1]),
        "object-score.jsonl": one(score={"value": 1}), "inf-score.jsonl": one(score=float("inf")), "text-inf.jsonl": one(score="inf"),
        "huge-score.jsonl": one(score=1e308), "huge-text.jsonl": one(score="1e999"),
        "negative-attempt.jsonl": one(attempt=-1), "float-attempt.jsonl": one(attempt=0.5), "text-attempt.jsonl": one(attempt="x"),
        "bool-attempt.jsonl": one(attempt=True), "null-attempt.jsonl": one(attempt=None), "huge-attempt.jsonl": one(attempt=10**9),
        "twice.jsonl": jsonl([*ROWS, ROWS[0]]), "unscored.jsonl": jsonl([row | {"score": None} for row in ROWS]),
        "messages.jsonl": jsonl([{"prompt": "1+1", "answer": "2"}]),
        # tables and other tools
        "scores.csv": b"task,score\na,1\n", "scores.parquet": b"PAR1", "scores.xlsx": b"PK", "openai.jsonl": jsonl([{"spec": {}}]),
        "helm.jsonl": jsonl([{"instance_id": 1, "stats": []}]), "results.json": json.dumps({"results": {}, "configs": {}}).encode(),
        "lighteval.json": json.dumps({"config_general": {}, "results": {}}).encode(),
        "verifiers.jsonl": jsonl([{"messages": [], "sampling_args": {}}]),
        # inspect
        "inspect.json": json.dumps(INSPECT).encode(), "no-samples.json": json.dumps({"eval": {}, "status": "success"}).encode(),
        "samples.json": json.dumps(INSPECT | {"samples": 3}).encode(),
        "empty-samples.json": json.dumps(INSPECT | {"samples": []}).encode(),
        "number-sample.json": json.dumps(INSPECT | {"samples": [3]}).encode(), "no-id.json": inspect(id=None),
        "odd-id.json": inspect(id=["a"]), "odd-epoch.json": inspect(epoch="x"), "zero-epoch.json": inspect(epoch=-1),
        "scores-list.json": inspect(scores=[1]), "two-scorers.json": inspect(scores={"match": {"value": 1}, "other": {"value": 0}}),
        "odd-value.json": inspect(scores={"match": {"value": "maybe"}}), "value-list.json": inspect(scores={"match": {"value": [1, 2]}}),
        "same-id.json": inspect(id=1),
        "junk.eval": b"junk", "empty.eval": b"", "cut.eval": b"PK\x03\x04" + bytes(30),
        # lm-eval
        "harness.jsonl": jsonl(HARNESS), "no-doc.jsonl": jsonl([*HARNESS, {"task": "x", "score": 1}]),
        "odd-doc.jsonl": harness(doc_id="x"), "negative-doc.jsonl": harness(doc_id=-1), "null-doc.jsonl": harness(doc_id=None),
        "metricless.jsonl": jsonl([{"doc_id": 1}]), "odd-metric.jsonl": harness(acc="good"),
        "two-metrics.jsonl": jsonl([row | {"metrics": ["acc", "f1"], "f1": 1} for row in HARNESS]),
        "two-filters.jsonl": jsonl([*HARNESS, *(row | {"filter": "strict"} for row in HARNESS)]),
        "list-metric.jsonl": harness(acc=[1, 2]),
    }  # fmt: skip


FINE = {"good.jsonl", "inspect.json", "harness.jsonl", "fewer.jsonl", "other.jsonl", "more.jsonl"}
TABLE = {
    "gate good.jsonl": {name: name for name in files() if name not in FINE}
    | {"other.jsonl": "task", "fewer.jsonl": "fewer.jsonl", "nowhere.jsonl": "nowhere.jsonl", "good.jsonl,metric=acc": "metric", "good.jsonl,filter=x": "filter", "good.jsonl,nope=x": "nope", "good.jsonl,metric": "metric", "folder.jsonl": "folder.jsonl", "scripted": "scripted", "bad.eval": "bad.eval", "headless.eval": "headless.eval"},
    "gate cut.jsonl": {"good.jsonl": "cut.jsonl"},
    "gate inspect.json": {"inspect.json,filter=x": "filter", "inspect.json,metric=nope": "nope"},
    "gate harness.jsonl": {"harness.jsonl,metric=nope": "nope", "harness.jsonl,filter=nope": "nope"},
    "gate good.jsonl good.jsonl": {"--best-base cut.jsonl --best-candidate good.jsonl": "cut.jsonl", "--best-base other.jsonl --best-candidate other.jsonl": "best"},
}  # fmt: skip


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A folder of score files."""
    place = tmp_path_factory.mktemp("scores")
    for name, data in files().items():
        (place / name).write_bytes(data)
    for name, members in {
        "bad.eval": {"header.json": "{}", "samples/1_epoch_1.json": "{"},
        "headless.eval": {"samples/1_epoch_1.json": "3"},
    }.items():
        with zipfile.ZipFile(place / name, "w") as archive:
            for member, content in members.items():
                archive.writestr(member, content)
    (place / "folder.jsonl").mkdir()
    return place


@pytest.mark.parametrize(("words", "named"), cases(TABLE))
def test_a_score_file_that_is_none_is_refused(refused, words, named):
    line = refused(words)
    assert names(line, named), line
