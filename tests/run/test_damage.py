"""A damaged run: the file is named in one line, the last good generation is gone back to, and the end is the same."""

import json
import random
import re
import shutil

import pytest

from models.local_models import make_folder
from selftaught.api import improve
from selftaught.cli import main
from selftaught.jobs.chat import replies
from selftaught.jobs.gate import gate
from selftaught.parts import BadInput
from selftaught.run.files import keep_lines, write_whole
from selftaught.run.journal import Journal, encode

JOB = {"model": "scripted", "tasks": ("sums:level=2",), "held_out_count": 8, "steps": 3}
OPTIONS = {"plan.tasks": 2, "plan.n": 4, "optimizer.lr": 1.0, "every": 1}
TIMED = ("seconds", "wall_seconds", "cpu_seconds", "run", "reuse")


def result_of(result):
    return {key: value for key, value in result.items() if key not in TIMED}


@pytest.fixture(scope="module", params=[False, pytest.param(True, marks=pytest.mark.slow)], ids=["plain", "gated"])
def finished(request, tmp_path_factory):
    """A whole run and its result, which tests copy; with a gate it takes three times as long."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SELFTAUGHT_CACHE", str(folder.parent / "cache"))
        return folder, result_of(improve("ttrl", out=folder, gate=request.param, options=OPTIONS, **JOB))


@pytest.fixture
def run(finished, tmp_path):
    shutil.copytree(finished[0], tmp_path / "run")
    return tmp_path / "run"


def pointed(run, which):
    return run / "generations" / json.loads((run / "latest.json").read_text())[which]


def garbage(path):
    path.write_bytes(b"\x00\xff garbage")


def shorter(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flipped(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 4
    path.write_bytes(data)


def gone(path):
    shutil.rmtree(path) if path.is_dir() else path.unlink()


GOOD = ["ledger.json", "result.json", "report.html"]
GATED = ["held_out.json", "held_out.jsonl", "start.json"]


def again(run, told):
    return result_of(improve(out=run, resume=True, say=told.append))


@pytest.mark.parametrize("how", [garbage, shorter, gone, flipped])
@pytest.mark.parametrize("name", ["scripted.json", "state.json", "hashes.json", ""])
def test_a_damaged_generation_is_named_and_the_last_good_one_used(run, finished, name, how):
    latest = pointed(run, "latest")
    if not name:
        gone(latest)
    elif name == "hashes.json" and how is gone:
        shorter(latest / "state.json")
        gone(latest / name)
    else:
        how(latest / name)
    told = []
    assert again(run, told) == finished[1]
    [line] = [line for line in told if str(latest) in line]
    assert re.search(r"going on from generation 0\d{4}|from the beginning", line) and "\n" not in line
    assert again(run, []) == finished[1], "what it went on to is whole"


def test_nothing_but_the_journal_is_enough(run, finished):
    gone(run / "generations")
    for name in ("latest.json", "steps.jsonl", "attempts.jsonl", *GOOD, *GATED):
        (run / name).unlink(missing_ok=True)
    told = []
    assert again(run, told) == finished[1]


def test_from_the_start_alone_it_comes_to_the_same_end(run, finished):
    for path in (run / "generations").iterdir():
        if path.name != "00000":
            garbage(path / "scripted.json")
    told = []
    assert again(run, told) == finished[1] and any("going on from generation 00000" in line for line in told)


@pytest.mark.parametrize("how", [garbage, shorter, gone])
@pytest.mark.parametrize("name", ["latest.json", *GOOD, *(pytest.param(name, marks=pytest.mark.slow) for name in GATED)])
def test_a_file_that_can_be_made_again_is_made_again(run, finished, name, how):
    if not (run / name).exists():
        pytest.skip("a run without a gate has none")
    how(run / name)
    told = []
    assert again(run, told) == finished[1]
    assert how is gone or name not in ("latest.json", "start.json") or any(str(run / name) in line for line in told)


def test_of_older_folders_without_hashes_generations_are_known_when_they_are_loaded(run, finished):
    for path in (run / "generations").iterdir():
        (path / "hashes.json").unlink()
        state = json.loads((path / "state.json").read_text())
        del state["pointers"]
        (path / "state.json").write_text(json.dumps(state))
    whole = run.with_name("older")
    shutil.copytree(run, whole)
    assert again(whole, []) == finished[1]
    garbage(pointed(run, "latest") / "scripted.json")
    told = []
    assert again(run, told) == finished[1] and any("cannot be loaded" in line and "generation 00000" in line for line in told)


REFUSED = [("run.json", garbage), ("run.json", shorter), ("forecast.json", garbage), ("forecast.json", shorter), ("run.json", None)]


@pytest.mark.parametrize(("name", "how"), REFUSED)
def test_what_cannot_be_made_again_is_named_with_the_remedy(run, name, how, capsys):
    how(run / name) if how else (run / name).write_text("[]")
    with pytest.raises(SystemExit) as end:
        main(["improve", "--resume", "--out", str(run)])
    err = [line for line in capsys.readouterr().err.splitlines() if line.startswith("selftaught: ")]
    assert end.value.code == 2 and len(err) == 1 and str(run / name) in err[0] and ("another --out" in err[0] or "delete it" in err[0])


@pytest.mark.parametrize("read", [lambda run: gate(str(run)), lambda run: list(replies(str(run), ["1+1 = ?"]))])
@pytest.mark.parametrize("name", ["scripted.json", "state.json", "hashes.json", "latest.json", "run.json"])
@pytest.mark.parametrize("how", [garbage, shorter])
def test_who_reads_a_damaged_run_is_told_the_file(run, read, name, how):
    path = (run if name in ("latest.json", "run.json") else pointed(run, "best")) / name
    how(path)
    with pytest.raises(BadInput) as told:
        read(run)
    assert str(path) in str(told.value) and "\n" not in str(told.value)


@pytest.mark.parametrize("name", ["steps.jsonl", "attempts.jsonl"])
def test_a_torn_last_line_is_cut_off_and_the_run_goes_on(run, finished, name):
    whole = (run / name).read_bytes()
    last = whole.rfind(b"\n", 0, -1) + 1
    for cut in (last + 1, (last + len(whole)) // 2, len(whole) - 1):
        (run / name).write_bytes(whole[:cut])
        assert again(run, []) == finished[1] and (run / name).read_bytes() == whole[:last]


def test_another_damaged_line_of_a_log_is_named(run):
    lines = (run / "steps.jsonl").read_text().splitlines(keepends=True)
    (run / "steps.jsonl").write_text("".join([lines[0], "{oops\n", *lines[2:]]))
    with pytest.raises(BadInput, match="line 2 is damaged"):
        improve(out=run, resume=True)
    assert (run / "steps.jsonl").read_text().startswith(lines[0] + "{oops")


def test_dropping_lines_is_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "log.jsonl"
    path.write_text("".join(f'{{"step": {i}}}\n' for i in range(9)))
    whole = path.read_bytes()

    def killed(*given):
        raise KeyboardInterrupt

    for call in ("write", "fsync", "replace"):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(f"os.{call}", killed)
            keep_lines(path, lambda row: row["step"] < 4)
        assert path.read_bytes() == whole
    keep_lines(path, lambda row: row["step"] < 4)
    assert path.read_text().count("\n") == 4
    write_whole(path, b"")
    keep_lines(path, lambda row: False)
    assert path.read_bytes() == b""


def test_any_flipped_bit_of_a_journal_is_noticed(tmp_path):
    path, keys = tmp_path / "journal.bin", [[f"{i}"] for i in range(3)]
    journal = Journal(path)
    for i, each in enumerate(keys):
        journal.append("sample", each, [[f"reply {i}"]])
    journal.close()
    whole, rng = path.read_bytes(), random.Random(0)
    for at in rng.sample(range(8 * len(whole)), 150):
        data, told = bytearray(whole), []
        data[at // 8] ^= 1 << at % 8
        path.write_bytes(data)
        journal = Journal(path, told.append)
        found = [journal.replay("sample", each) for each in keys]
        lost = [i for i, each in enumerate(found) if each is None]
        assert lost and all(found[i] == [[f"reply {i}"]] for i in range(3) if i not in lost)
        assert len(told) == 1 and str(path) in told[0] and "made again" in told[0]
        for i in lost:
            journal.append("sample", keys[i], [[f"reply {i}"]])
        journal.close()
        journal = Journal(path)
        assert [journal.replay("sample", each) for each in keys] == [[[f"reply {i}"]] for i in range(3)]
        journal.close()


def test_a_journal_without_hashes_is_read_too(tmp_path):
    data = encode({"kind": "sample", "keys": ["a"], "replies": [["old"]]}) + b"\n"
    journal = Journal(tmp_path / "new.bin")
    (tmp_path / "journal.bin").write_bytes(f"{journal.key('sample', ['a'])} {len(data):12d}\n".encode() + data)
    journal.close()
    journal = Journal(tmp_path / "journal.bin")
    assert journal.replay("sample", ["a"]) == [["old"]]
    journal.append("sample", ["b"], [["new"]])
    journal.close()
    journal = Journal(tmp_path / "journal.bin")
    assert journal.replay("sample", ["a"]) == [["old"]] and journal.replay("sample", ["b"]) == [["new"]]
    journal.close()


@pytest.mark.parametrize("at", [0.2, 0.9])
def test_a_run_whose_journal_is_damaged_comes_to_the_same_end(run, finished, at):
    data = bytearray((run / "journal.bin").read_bytes())
    data[int(at * len(data))] ^= 1
    (run / "journal.bin").write_bytes(data)
    gone(run / "generations")
    told = []
    assert again(run, told) == finished[1]
    assert any(str(run / "journal.bin") in line for line in told)


@pytest.mark.parametrize("adapter", ["", pytest.param("lora", marks=pytest.mark.slow)])
def test_damaged_weights_of_a_real_model(tmp_path, adapter):
    model = str(make_folder(tmp_path / "model", "llama", chat=False))
    job = {"model": model, "adapter": adapter, "steps": 2, "max_tokens": 4, "answer": "text", "monitors": False, "gate": False}
    options = {"plan.tasks": 2, "every": 1, "optimizer.lr": 3e-3}
    run = tmp_path / "run"
    whole = result_of(improve("sft-unfiltered", out=run, tasks=("sums:level=2",), forecast=False, options=options, **job))
    weights = "policy/adapter_model.safetensors" if adapter else "policy/model.safetensors"
    before = (pointed(run, "latest") / weights).read_bytes()
    for name, how in ((weights, shorter), (weights, flipped), ("learner.pt", garbage), ("model.json", gone)):
        how(pointed(run, "latest") / name)
        told = []
        assert again(run, told) == whole and any(name in line for line in told)
        assert (pointed(run, "latest") / weights).read_bytes() == before
    for name in (weights, "learner.pt", "model.json"):
        (pointed(run, "latest") / "hashes.json").unlink()
        shorter(pointed(run, "latest") / name)
        told = []
        assert again(run, told) == whole and any(str(pointed(run, "latest")) in line for line in told)
