"""Every file of a run says of which version it is; a newer one is not read, and an old one is or says why not."""

import gzip
import json
import shutil

import pytest

from selftaught.api import improve
from selftaught.cli import main
from selftaught.jobs.gate import gate
from selftaught.parts import BadInput
from selftaught.prove.cache import cache_folder
from selftaught.run.files import SCHEMA, append_line, keep_lines, read_json, write_json
from selftaught.run.journal import decode

# What says nothing of a version: weights, whose state.json does, a page, and the lock.
WITHOUT = {"scripted.json", "report.html", "lock"}
JOB = {"model": "scripted", "tasks": ("sums:level=2",), "held_out_count": 8, "steps": 1, "gate_share": None}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run with its verdict, and its cache."""
    folder = tmp_path_factory.mktemp("schema")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SELFTAUGHT_CACHE", str(folder / "cache"))
        improve("ttrl", out=folder / "run", options={"plan.tasks": 2, "plan.n": 4, "every": 1}, **JOB)
        entries = [decode(gzip.decompress(path.read_bytes()))[0] for path in (cache_folder() / "draws").iterdir()]
    return folder / "run", entries


@pytest.fixture
def run(finished, tmp_path):
    return shutil.copytree(finished[0], tmp_path / "run")


def test_every_file_of_a_run_says_its_version(finished):
    folder, entries = finished
    kinds = set()
    for path in folder.rglob("*"):
        if path.suffix == ".json" and path.name not in WITHOUT:
            assert json.loads(path.read_text())["version"] == SCHEMA, path
        elif path.suffix == ".jsonl":
            assert {json.loads(line)["version"] for line in path.read_text().splitlines()} == {SCHEMA}, path
        elif path.name == "journal.bin":
            assert path.read_bytes()[16:17] == b"#"
        else:
            assert path.is_dir() or any(word in path.name for word in WITHOUT), path
        kinds.add(path.name)
    named = {"run.json", "state.json", "hashes.json", "latest.json", "result.json", "ledger.json", "held_out.json", "start.json"}
    assert named | {"forecast.json", "steps.jsonl", "attempts.jsonl", "held_out.jsonl", "journal.bin"} <= kinds
    assert set(entries) == {SCHEMA}


@pytest.mark.parametrize("name", ["run.json", "latest.json", "generations/00000/state.json"])
def test_a_file_of_a_newer_version_is_not_read(run, name):
    path = run / name
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": SCHEMA + 1}))
    if name == "generations/00000/state.json":
        (path.parent / "hashes.json").unlink()
    with pytest.raises(BadInput, match=f"newer selftaught .*version {SCHEMA + 1}.*upgrade") as told:
        gate(str(run / "generations" / "00000") if "state" in name else str(run), str(run), tasks="sums:level=2", held_out_count=8)
    assert str(path) in str(told.value) and "\n" not in str(told.value)


@pytest.mark.parametrize("words", ["improve --resume --out {}", "report {}", "chat {}"])
def test_every_command_says_that_a_run_is_of_a_newer_version(run, words, capsys):
    write_json(run / "run.json", {**read_json(run / "run.json", ""), "version": SCHEMA + 1})
    with pytest.raises(SystemExit) as end:
        main(words.format(run).split())
    said = capsys.readouterr().err.splitlines()
    assert end.value.code == 2 and len(said) == 1 and "newer selftaught" in said[0] and str(run / "run.json") in said[0]


def test_a_run_that_names_no_version_is_gone_on_with_up_to_its_generations(run):
    for path in [*run.glob("*.json"), *run.glob("*.jsonl")]:
        rows = [json.loads(path.read_text())] if path.suffix == ".json" else [json.loads(line) for line in path.read_text().splitlines()]
        for row in rows:
            row.pop("version")
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert improve(out=run, resume=True)["steps"] == 1
    for path in run.glob("generations/*/state.json"):
        path.write_text(json.dumps({key: value for key, value in json.loads(path.read_text()).items() if key != "version"}))
        (path.parent / "hashes.json").unlink()
    with pytest.raises(BadInput, match=r"state.json was written by another version .*start a new run"):
        improve(out=run, resume=True)


def test_a_line_of_a_newer_version_stays(tmp_path):
    path = tmp_path / "log.jsonl"
    append_line(path, {"version": SCHEMA + 1, "step": 3})
    whole = path.read_bytes()
    with pytest.raises(BadInput, match="newer"):
        keep_lines(path, lambda row: row["step"] < 3)
    assert path.read_bytes() == whole
