"""Where a run, a verdict or a comparison may be written: refused in one line before anything is spent, and nothing is touched."""

import fcntl
import json
import os
import subprocess
import sys

import pytest

from selftaught.api import improve
from selftaught.jobs import checkpoints
from selftaught.parts import BadInput
from selftaught.run.folder import RunFolder
from selftaught.run.place import LOCK, hold

SMALL = ("--model", "scripted", "--tasks", "sums:level=2", "--held-out-count", "8", "--no-forecast", "--plan.tasks", "2", "--steps", "1")
COMMANDS = {
    "improve": ("improve", "ttrl", *SMALL, "--no-gate"),
    "gate": ("gate", "scripted", "scripted", "--tasks", "sums:level=2", "--held-out-count", "8"),
    "compare": ("compare", "ttrl", "--model", "scripted", "--no-controls", "--seeds", "1"),
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def nothing_is_opened(monkeypatch):
    def opened(*given, **named):
        raise AssertionError("a model was opened, or a run started")

    monkeypatch.setattr("selftaught.jobs.session.open_model", opened)
    monkeypatch.setattr(checkpoints, "open_model", opened)
    monkeypatch.setattr("selftaught.compare.sweep.Wanted.start", opened)


def everything(place):
    return {str(path): path.read_bytes() if path.is_file() else os.path.lexists(path) for path in sorted(place.rglob("*"))}


def of_users(place):
    (place / "generations" / "thesis").mkdir(parents=True)
    for name in ("generations/thesis/data.txt", "journal.bin", "report.html", "held_out.jsonl", "sides.json", "log.txt"):
        (place / name).write_text("mine")
    return place


PLACES = {
    "of the user": lambda t: of_users(t / "mine"),
    "one file": lambda t: ((t / "d").mkdir(), (t / "d" / "held_out.jsonl").write_text("mine"), t / "d")[-1],
    "a file": lambda t: ((t / "f").write_text("mine"), t / "f")[-1],
    "below a file": lambda t: ((t / "f").write_text("mine"), t / "f" / "run")[-1],
    "a link to nothing": lambda t: ((t / "l").symlink_to(t / "gone"), t / "l")[-1],
    "a link to a file": lambda t: ((t / "f").write_text("mine"), (t / "l").symlink_to(t / "f"), t / "l")[-1],
    "a link to itself": lambda t: ((t / "l").symlink_to(t / "l"), t / "l" / "run")[-1],
    "too long": lambda t: t / ("x" * 300),
    "too long, below what is not there": lambda t: t / "new" / ("x" * 300),
    "unwritable": lambda t: "/proc/selftaught/run",
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("place", PLACES)
def test_a_place_that_cannot_be_is_refused_in_one_line_and_not_touched(command, place, cli, folder, nothing_is_opened):
    out = PLACES[place](folder)
    before = everything(folder)
    code, said, err = cli(*COMMANDS[command], "--out", out)
    assert code == 2 and not said and len(err.splitlines()) == 1 and str(out) in err and "give " in err, err
    assert everything(folder) == before


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="nothing is unwritable to root")
@pytest.mark.parametrize("command", COMMANDS)
def test_an_unwritable_folder_is_refused(command, cli, folder, nothing_is_opened):
    (folder / "closed").mkdir(mode=0o500)
    code, _, err = cli(*COMMANDS[command], "--out", "closed/run")
    assert code == 2 and "closed/run" in err and len(err.splitlines()) == 1


@pytest.mark.parametrize("write", ["nowhere/table.json", ".", "x" * 300])
def test_a_table_that_cannot_be_written_is_refused_too(write, cli, folder, nothing_is_opened):
    code, _, err = cli(*COMMANDS["compare"], "--out", "run", "--write", write)
    assert code == 2 and "--write" in err and len(err.splitlines()) == 1 and not list(folder.iterdir())


@pytest.mark.parametrize("command", COMMANDS)
def test_a_refusal_for_another_reason_leaves_no_folder(command, cli, folder):
    words = [
        {"sums:level=2": "none.jsonl"}.get(word, "ttlr" if (word, command) == ("ttrl", "compare") else word) for word in COMMANDS[command]
    ]
    assert cli(*words, "--out", "deep/er/run")[0] == 2 and not list(folder.iterdir())


def test_python_is_refused_too(folder):
    before = everything(of_users(folder / "mine"))
    with pytest.raises(BadInput, match="mine holds generations"):
        improve("ttrl", model="scripted", out="mine")
    assert everything(folder / "mine") == before


def test_an_empty_folder_and_what_was_left_before_a_run_began_are_taken(cli, folder):
    (folder / "empty").mkdir()
    (folder / "begun").mkdir()
    for name in (LOCK, "run.json.part", "journal.bin", "log.txt"):
        (folder / "begun" / name).write_text("")
    for out in ("empty", "begun"):
        assert cli(*COMMANDS["improve"], "--out", out)[0] == 0 and (folder / out / "result.json").exists()


def test_generations_of_others_are_neither_deleted_nor_in_the_way(folder):
    def step(numbers):
        home = folder / "run" / "generations"
        (home / "note.txt").write_text("mine")
        (home / "thesis").mkdir(exist_ok=True)

    job = {"model": "scripted", "tasks": ("sums:level=2",), "held_out_count": 8, "gate": False, "forecast": False}
    improve("ttrl", out="run", steps=3, watch=step, options={"plan.tasks": 2, "every": 1}, **job)
    left = {path.name for path in (folder / "run" / "generations").iterdir()}
    pointed = json.loads((folder / "run" / "latest.json").read_text())
    assert pointed.pop("version") and left == {"note.txt", "thesis", *pointed.values()} and "00003" in pointed.values()


def test_a_gate_tells_its_verdict_before_it_writes(cli, folder, monkeypatch):
    from selftaught.jobs import gate

    def refused(path, value):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(gate, "write_json", refused)
    code, out, err = cli(*COMMANDS["gate"], "--out", "verdict")
    assert code == 2 and "at the stated sampler" in out and "verdict/sides.json: No space left" in err and len(err.splitlines()) < 9
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    assert cli(*COMMANDS["gate"], "--out", "verdict")[0] == 0, "what was left of a verdict is written over"
    assert (folder / "verdict" / "result.json").exists()


@pytest.mark.parametrize("words", [(*COMMANDS["gate"], "--out", "run"), ("improve", "--resume", "--out", "run")])
def test_the_second_process_is_told_who_holds_the_folder(words, cli, folder):
    improve("ttrl", model="scripted", tasks=("sums:level=2",), steps=1, gate=False, forecast=False, out="run", options={"plan.tasks": 2})
    if words[0] == "gate":
        for path in (folder / "run").iterdir():
            path.unlink() if path.is_file() else None
        (folder / "run" / "generations").rename(folder / "elsewhere")
    before = everything(folder)
    code = f"import fcntl, sys; f = open('run/{LOCK}', 'w'); fcntl.flock(f, fcntl.LOCK_EX); print('process 77 on moon', file=f, flush=True)"
    other = subprocess.Popen([sys.executable, "-c", f"{code}; print('held', flush=True); sys.stdin.read()"], stdin=-1, stdout=-1, text=True)
    assert other.stdout.readline() == "held\n"
    refused = cli(*words)
    assert refused[0] == 2 and "run: process 77 on moon" in refused[2] and len(refused[2].splitlines()) == 1
    other.kill()
    other.communicate()
    left = everything(folder)
    assert {name for name in left if LOCK not in name} == {name for name in before if LOCK not in name}
    assert cli(*words)[0] == 0, "the lock died with its holder"


def test_a_folder_is_held_until_it_is_let_go(folder):
    held = hold(folder / "a" / "b")
    with pytest.raises(BadInput, match=f"process {os.getpid()} on "):
        hold(folder / "a" / "b")
    held.release()
    held.release()
    assert not list(folder.iterdir()), "what was made for nothing is gone"
    with open(folder / "x", "w") as free:
        fcntl.flock(free, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_run_in_a_folder_that_was_there_stays_when_it_is_refused(folder):
    (folder / "run").mkdir()
    held = hold(folder / "run")
    run = RunFolder(folder / "run", held=held)
    run.discard()
    assert (folder / "run").is_dir() and not list((folder / "run").iterdir())


@pytest.mark.parametrize("made", [False, True])
def test_the_same_line_starts_a_run_and_goes_on_with_it(made, cli, folder):
    if made:
        (folder / "run").mkdir()
    words = ("improve", "ttrl", *SMALL, "--no-gate", "--resume", "--out", "run")
    assert cli(*words)[0] == 0
    first = (folder / "run" / "run.json").read_bytes()
    assert cli(*words)[0] == 0 and (folder / "run" / "run.json").read_bytes() == first
    assert cli("improve", "--resume", "--out", "run")[0] == 0
    for more in (("--seed", "3"), ("--plan.n", "2"), ("--no-alarms",)):
        code, _, err = cli(*words, *more)
        assert code == 2 and more[0] in err and len(err.splitlines()) == 1, err
