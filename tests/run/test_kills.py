"""A run killed between any two touches of its folder, inside any write, or by a full disk at any write, ends as an untouched one."""

import ctypes
import json
import os
import sys

import pytest

from forks import forked
from models.local_models import make_folder
from selftaught.api import improve
from selftaught.cli import main
from selftaught.parts import BadInput
from selftaught.run import files

JOB = {"model": "scripted", "tasks": ("sums:level=2",), "steps": 2, "held_out_count": 8}
OPTIONS = {"plan.tasks": 2, "plan.n": 4, "optimizer.lr": 1.0, "every": 1}
PLAIN = JOB | {"gate": False, "forecast": False}
KILLED = 9
TOUCHES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "shutil.rmtree"}
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a process of its own")
put = files.put


def start(folder, job, **more):
    """The line that a scheduler gives again and again."""
    return improve("ttrl", out=folder, resume=True, options=OPTIONS, **job, **more)


def result_of(folder):
    result = json.loads((folder / "result.json").read_text())
    logs = [[json.loads(line) for line in (folder / name).read_text().splitlines()] for name in ("steps.jsonl", "attempts.jsonl")]
    names = sorted(path.name for path in (folder / "generations").iterdir())
    timed = {"seconds", "wall_seconds", "cpu_seconds", "run", "reuse"}
    numbers = [{key: value for key, value in row.items() if key != "seconds"} for row in logs[0]]
    return {key: value for key, value in result.items() if key not in timed}, numbers, logs[1], names


def ended(work):
    """Exit code of a process of its own that does the work."""
    return os.waitstatus_to_exitcode(os.waitpid(forked(work), 0)[1])


class Touches:
    """Counts what is done to a folder, and ends the process at one of them: before it, or half way through a write."""

    def __init__(self, folder, last):
        self.folder, self.last, self.count = str(folder), last, 0
        sys.addaudithook(self.hook)
        files.put = self.put

    def next(self):
        self.count += 1
        return self.count - 1 == self.last

    def hook(self, event, given):
        touches = event in TOUCHES or (event == "open" and isinstance(given[2], int) and given[2] & WRITES)
        if touches and str(given[0]).startswith(self.folder) and self.next():
            os._exit(KILLED)

    def put(self, descriptor, data):
        if self.next():
            os.write(descriptor, data[: len(data) // 2])
            os._exit(KILLED)
        put(descriptor, data)


def untouched(tmp_path, job):
    """(result, touches) of a run nobody disturbs."""
    folder = tmp_path / "whole"

    def work():
        touches = Touches(folder, None)
        start(folder, job)
        (tmp_path / "count").write_text(str(touches.count))

    assert ended(work) == 0
    return result_of(folder), int((tmp_path / "count").read_text())


def killed_and_resumed(tmp_path, job, first, every):
    whole, count = untouched(tmp_path, job)
    assert count > 60
    for last in range(first, count, every):
        folder = tmp_path / f"run-{last}"
        code = ended(lambda folder=folder, last=last: (Touches(folder, last), start(folder, job)))
        # Drawn from the cache, what the first run drew is not logged, and so there is less to be killed at.
        assert code == KILLED or (code == 0 and job.get("gate", True) and last > count / 2), last
        told = []
        start(folder, job, say=told.append)
        assert result_of(folder) == whole, last
        assert not any("damaged" in line or "missing" in line for line in told), (last, told)


def test_a_run_killed_at_a_tenth_of_its_touches(tmp_path):
    killed_and_resumed(tmp_path, PLAIN, 3, 10)


@pytest.mark.slow
@pytest.mark.parametrize("job", [PLAIN, JOB])
def test_a_run_killed_at_any_touch(tmp_path, job):
    killed_and_resumed(tmp_path, job, 0, 1)


@pytest.mark.slow
def test_a_resume_killed_at_any_touch(tmp_path):
    """And a resume that is killed in its turn."""
    whole, count = untouched(tmp_path, PLAIN)
    for last in range(0, count, 7):
        folder = tmp_path / f"run-{last}"
        assert ended(lambda folder=folder: (Touches(folder, 3 * count // 4), start(folder, PLAIN))) == KILLED
        assert ended(lambda folder=folder, last=last: (Touches(folder, last), start(folder, PLAIN))) in (0, KILLED)
        start(folder, PLAIN)
        assert result_of(folder) == whole, last


def full_at(tmp_path, monkeypatch, job, first, every):
    whole, _ = untouched(tmp_path, job)
    done, last = False, first
    while not done:
        folder, left = tmp_path / f"run-{last}", [last]

        def full(descriptor, data, left=left):
            left[0] -= 1
            if left[0] < 0:
                os.write(descriptor, data[: len(data) // 2])
                raise OSError(28, "No space left on device")
            put(descriptor, data)

        with monkeypatch.context() as patch:
            patch.setattr(files, "put", full)
            try:
                start(folder, job)
                done = True
            except BadInput as error:
                assert str(folder) in str(error) and f"make room there, then go on with --resume --out {folder}" in str(error)
                assert "\n" not in str(error)
        start(folder, job)
        assert result_of(folder) == whole, last
        last += every
    assert last > 25


def test_a_disk_that_is_full_at_a_tenth_of_the_writes(tmp_path, monkeypatch):
    full_at(tmp_path, monkeypatch, PLAIN, 0, 10)


@pytest.mark.slow
@pytest.mark.parametrize("job", [PLAIN, JOB])
def test_a_disk_that_is_full_at_any_write(tmp_path, monkeypatch, job):
    full_at(tmp_path, monkeypatch, job, 0, 1)


def small_disk(place, size):
    """Mount a file system of so many bytes for this process alone; False where that is not allowed."""
    libc, user, group = ctypes.CDLL(None, use_errno=True), os.getuid(), os.getgid()
    if not hasattr(libc, "unshare") or libc.unshare(0x10000000 | 0x00020000):
        return False
    try:
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
    except OSError:
        return False
    return not libc.mount(b"tmpfs", str(place).encode(), b"tmpfs", 0, f"size={size}".encode())


def resized(place, size):
    assert not ctypes.CDLL(None).mount(b"tmpfs", str(place).encode(), b"tmpfs", 32, f"size={size}".encode())


NOT_ALLOWED = 77


def filled_up(tmp_path, capfd, words, size, whole):
    """A run on a small disk refuses in one line, and goes on when there is room."""
    place = tmp_path / f"disk-{size}"
    place.mkdir()

    def run():
        code = 0
        try:
            main([*words, "--resume", "--out", str(place / "run")])
        except SystemExit as end:
            code = end.code or 0
        return code

    def work():
        if not small_disk(place, size):
            os._exit(NOT_ALLOWED)
        assert run() == 2
        resized(place, 1 << 28)
        assert run() == 0
        assert json.loads(json.dumps(result_of(place / "run"))) == json.loads(json.dumps(whole)), "another result"

    code = ended(work)
    if code == NOT_ALLOWED:
        pytest.skip("no file system can be mounted here")
    err = capfd.readouterr().err
    assert code == 0, err
    [line] = [line for line in err.splitlines() if line.startswith("selftaught: ")]
    assert str(place) in line and ("make room there" in line or "give another --out" in line) and "Traceback" not in err


WORDS = (
    "improve",
    "ttrl",
    "--model",
    "scripted",
    "--tasks",
    "sums:level=2",
    "--steps",
    "2",
    "--held-out-count",
    "8",
    "--no-gate",
    "--no-forecast",
)
SETTINGS = [word for name, value in OPTIONS.items() for word in (f"--{name}", str(value))]


@pytest.mark.parametrize("size", [4096 * n for n in (1, 8, 20)])
def test_a_small_disk(tmp_path, capfd, size):
    start(tmp_path / "whole", PLAIN)
    filled_up(tmp_path, capfd, [*WORDS, *SETTINGS], size, result_of(tmp_path / "whole"))


@pytest.mark.slow
@pytest.mark.parametrize("adapter", ["", "lora"])
@pytest.mark.parametrize("part", [0.2, 0.5, 0.8, 0.95])
def test_a_small_disk_and_a_real_model(tmp_path, capfd, adapter, part):
    words = ["improve", "sft-unfiltered", "--model", str(make_folder(tmp_path / "model", "llama", chat=False)), "--tasks", "sums:level=2"]
    words += ["--steps", "2", "--plan.tasks", "2", "--every", "1", "--max-tokens", "4", "--answer", "text", "--no-alarms", "--no-gate"]
    words += ["--no-forecast", *(["--adapter", adapter] if adapter else [])]

    def whole():
        with pytest.raises(SystemExit):
            main([*words, "--out", str(tmp_path / "whole")])

    assert ended(whole) == 0
    total = sum(path.stat().st_size for path in (tmp_path / "whole").rglob("*"))
    filled_up(tmp_path, capfd, words, int(part * total), result_of(tmp_path / "whole"))
