"""A file of scores from anywhere: scores, or one line that says what is wrong."""

import io
import json
import tempfile
import zipfile
from pathlib import Path

from fuzzing import fuzz, instrumented

with instrumented():
    from selftaught.parts import BadInput
    from selftaught.scorefiles.scores import read_scores

NAMES = ("scores.jsonl", "scores.json", "scores.eval", "scores.jsonl,metric=acc", "scores.jsonl,filter=none")
SAMPLE = {"id": 1, "epoch": 1, "input": "1+1", "target": "2", "scores": {"match": {"value": "C"}}}
DOC = {"doc_id": 0, "doc": {"q": 1}, "target": 1, "arguments": {}, "resps": [["4"]], "filter": "none", "metrics": ["acc"], "acc": 1.0}


def packed() -> bytes:
    """An inspect log as an archive."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("header.json", json.dumps({"status": "success"}))
        archive.writestr("samples/1_epoch_1.json", json.dumps(SAMPLE))
    return held.getvalue()


SEEDS = [
    b'\0{"task": "a", "attempt": 0, "score": 1}\n{"task": 7, "score": "0.5"}\n',
    b"\1" + json.dumps({"eval": {}, "status": "success", "samples": [SAMPLE]}).encode(),
    b"\2" + packed(), b"\3" + json.dumps(DOC).encode() + b"\n", b"\4" + json.dumps(DOC).encode() + b"\n",
    b"\1" + json.dumps([{"task": "a", "score": None}]).encode(),
]  # fmt: skip
FOLDER = tempfile.TemporaryDirectory()


def score_file(data: bytes) -> None:
    """The file is read, or refused in one line that can be printed."""
    name = NAMES[data[0] % len(NAMES)] if data else NAMES[0]
    path, comma, options = name.partition(",")
    (Path(FOLDER.name) / path).write_bytes(data[1:])
    try:
        found = read_scores(f"{FOLDER.name}/{path}{comma}{options}")
    except BadInput as error:
        assert str(error).isprintable(), str(error)
    else:
        assert found.scores_B_n.shape[0] == len(found.tasks_B) > 0


if __name__ == "__main__":
    fuzz(score_file, SEEDS)
