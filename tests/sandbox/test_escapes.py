"""Programs that try to get out, use too much or pay themselves are held, and each attempt is noted."""

import os
import socket
import subprocess
import sys
import threading

import pytest
from reaching import REACHING
from using import USING

from selftaught.sandbox import Limits, Outcome, Sandbox, found

pytestmark = pytest.mark.skipif(found()[0] == "none", reason="this machine has no walls")
SECRET = "31337-is-the-answer"
HONEST = "import os, collections\nprint('hello')\ndef main(d):\n    return [d + 1, os.listdir('/room')]"
TRIED = {f"{group}: {name}": attempt for group, attempts in (REACHING | USING).items() for name, attempt in attempts.items()}
SMALL = Limits(seconds=0.4, wall=2, memory=128 << 20, output=1 << 14, value=1 << 14)


def program(body):
    return "def main(d):\n" + "".join(f"    {line}\n" for line in body.split("\n"))


@pytest.fixture(scope="module")
def outside(tmp_path_factory):
    """What a program must not reach: a file with the secret, a process, a port, and the environment."""
    folder = tmp_path_factory.mktemp("outside")
    (folder / "secret").write_text(SECRET)
    other = subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE)
    patch = pytest.MonkeyPatch()
    patch.setenv("SECRET", SECRET)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield {"folder": folder, "other": other, "server": server}
    patch.undo()
    other.communicate(b"\n")


@pytest.fixture(scope="module")
def box(outside):
    with Sandbox(workers=1) as made:
        yield made


@pytest.mark.parametrize("name", TRIED)
def test_an_attempt_is_held_and_noted(name, box, outside):
    kinds, body = TRIED[name]
    told = {
        "file": str(outside["folder"] / "secret"), "folder": str(outside["folder"]), "pid": outside["other"].pid,
        "port": outside["server"].getsockname()[1],
    }  # fmt: skip
    outcome = box.run(program(body), told, SMALL)
    assert outcome.why in kinds and outcome.value is None, outcome
    assert SECRET not in repr(outcome)
    assert [file.name for file in outside["folder"].iterdir()] == ["secret"] and (outside["folder"] / "secret").read_text() == SECRET
    assert outside["other"].poll() is None
    with pytest.raises(BlockingIOError):
        outside["server"].accept()
    assert box.run(HONEST, 1, SMALL) == Outcome(value=[2, []], output="hello\n")


def test_there_are_enough_attempts():
    assert len(TRIED) >= 80 and len(REACHING | USING) >= 14


def test_a_program_that_spins_times_out_nobody_else(outside):
    with Sandbox(workers=2) as box:
        box.run(HONEST, 1)
        spins = threading.Thread(target=box.run, args=(program("while True: pass"), None, Limits(seconds=1, wall=4)))
        spins.start()
        outcomes = [box.run(HONEST, n, Limits(seconds=1)) for n in range(20)]
        spins.join()
    assert [outcome.value for outcome in outcomes] == [[n + 1, []] for n in range(20)]


def test_nothing_is_left_of_a_program(box):
    """Neither processes nor folders on this side, nor files on the other."""
    box.run(program("open('left', 'w').write('x')\nreturn 1"), None, SMALL)
    assert box.run(HONEST, 1, SMALL).value == [2, []]
    (one,) = box._boxes
    root, process = one.folder, one.process.pid
    assert os.path.isdir(root)
    box.close()
    assert not os.path.exists(root) and not os.path.exists(f"/proc/{process}")
