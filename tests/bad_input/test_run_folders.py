"""Run folders with a damaged file, for every command that reads one; what `improve --resume` makes again is in run/test_damage.py."""

import json
import shutil

import pytest
from refusals import cases, names

from selftaught.api import improve

DAMAGE = {
    "run.json": ["", "{", "[]", "{}", '{"job": 3}', '{"job": {"recipe": "nope"}}', '{"job": {"seed": "x"}}', '{"job": {"nope": 1}}', '{"version": 99}', "[" * 99_000],
    "latest.json": ["", "{", "[]", "{}", "3", '{"start": "x", "best": "y", "latest": "z"}', '{"start": "00000", "best": "../../..", "latest": "00000"}', '{"start": "00099", "best": "00099", "latest": "00099"}'],
    "generations/00001/state.json": ["", "{", "[]", "{}", '{"version": 99}', '{"version": "x"}', "3"],
    "generations/00001/hashes.json": ["{", "[]", "3", '{"state.json": "0"}', '{"gone": "0"}'],
    "generations/00001/scripted.json": ["", "{", "[]", "3", '"x"'],
    "held_out.jsonl": ["", "{", "3\n", "[]\n", "{}\n", '{"task": "a", "text": "b", "start": 3, "result": []}\n', '{"task": "a", "text": "b", "start": [], "result": []}\n', '{"task": "a", "text": "b", "start": [{"answer": null}], "result": [{"answer": null}]}\n', "[" * 9_900 + "\n", "\xff"],
    "labels.jsonl": ["3\n{}\n", "{}\n{}\n", '{"task": "a"}\n\n', '{"task": "a", "answer": "b", "right": 2}\n\n', '{"task": "a", "answer": "b", "right": [1]}\n\n', "[" * 9_900 + "\n\n"],
    "result.json": ["{", "[" * 99_000], "ledger.json": ["{", "[" * 99_000], "held_out.json": ["{"], "forecast.json": ["{"],
}  # fmt: skip
READERS = {
    "run.json": ["gate {}", "chat {}", "report {}"], "latest.json": ["gate {}", "chat {}"],
    "generations/00001/state.json": ["gate {}", "chat {}"], "generations/00001/hashes.json": ["gate {}", "chat {}"],
    "generations/00001/scripted.json": ["gate {}", "chat {}"],
    "held_out.jsonl": ["label {}"], "labels.jsonl": ["label {}"], "result.json": ["gate {}", "report {}"], "ledger.json": ["report {}"],
    "held_out.json": ["report {}"], "forecast.json": ["report {}"],
}  # fmt: skip


def damaged():
    """(folder, file, content) of every case."""
    return [(f"{file.replace('/', '-')}-{i}", file, text) for file, texts in DAMAGE.items() for i, text in enumerate(texts)]


# A report is made of what is left, so it takes any run.json that is an object.
WHOLE = {
    f"report run.json-{i}"
    for i, text in enumerate(DAMAGE["run.json"])
    if text.startswith("{") and text.endswith("}") and "version" not in text
}
ALL = {reader.format(folder): file.rpartition("/")[2] for folder, file, _ in damaged() for reader in READERS[file]}
TABLE = {"": {words: named for words, named in ALL.items() if words not in WHOLE}}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A finished run, of which damaged copies are made."""
    place = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SELFTAUGHT_CACHE", str(place / "cache"))
        options = {"plan.tasks": 2, "plan.n": 4, "optimizer.lr": 1.0, "every": 1}
        job = {"model": "scripted", "tasks": ("sums:level=2",), "held_out_count": 10, "steps": 1, "forecast": False, "options": options}
        improve("ttrl", out=place / "good", **job)
    latest = json.loads((place / "good" / "latest.json").read_text())
    (place / "good" / "latest.json").write_text(json.dumps(latest | {"best": "00001"}))
    return place


@pytest.mark.parametrize(("words", "named"), cases(TABLE))
def test_a_damaged_run_is_refused(refused, prepared, words, named):
    [(folder, file, text)] = [case for case in damaged() if case[0] in words.split()]
    if not (prepared / folder).exists():
        shutil.copytree(prepared / "good", prepared / folder)
        (prepared / folder / file).write_bytes(text.encode("latin-1"))
    line = refused(words)
    assert names(line, named), line
