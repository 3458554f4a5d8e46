"""A source whose answers are run: the right answer is not where they run, an attempt at it is not paid, and it is counted."""

import math
from dataclasses import dataclass

import pytest

from selftaught.parts import BadInput
from selftaught.sandbox import box, found
from selftaught.tasks import source
from selftaught.tasks.grading import checkers
from selftaught.tasks.grading.checkers import CheckerPool, refuse_executing
from selftaught.tasks.own import Own
from selftaught.types import Task

walled = pytest.mark.skipif(found()[0] == "none", reason="this machine has no walls")
SECRET = "31337"
CHECKER = """
import json
from dataclasses import dataclass
from selftaught.stages import TaskSource
from selftaught.tasks import source

@dataclass(frozen=True, kw_only=True)
class Runs(TaskSource):
    def text(self): return "runs"
    def draw(self, key, count, split): return []
    def fingerprint(self, task): return task.text
    def program(self, task, answer): return answer, task.text
    def check(self, task, answer, entry): return float(json.loads(answer) == entry["answer"])

real = source.parse_source
source.parse_source = lambda text: Runs() if text == "runs" else real(text)
"""
HONEST = {
    "right": (f"def main(d): return '{SECRET}'", (1.0, "")),
    "wrong": ("def main(d): return '1'", (0.0, "")),
    "told": ("def main(d): return d + '1337'", (1.0, "")),
    "prints": (f"def main(d):\n  print('hello')\n  return '{SECRET}'", (1.0, "")),
    "raises": ("def main(d): return 1 / 0", (0.0, "error")),
    "is no program": ("7", (0.0, "error")),
    "spins": ("while True: pass", (0.0, "timeout")),
    "grows": ("x = 'x' * (4 << 30)", (0.0, "memory")),
    "ends": ("import os\nos._exit(0)", (0.0, "exit")),
    "floods": ("while True: print('x' * 999)", (0.0, "output")),
}
TAMPERS = {
    "reads a file": "def main(d): return open('/etc/hostname').read()",
    "reads the environment": "import os\ndef main(d): return os.environ.get('ANSWER')",
    "kills": "import os\nos.kill(os.getppid(), 9)",
    "starts": "import subprocess\nsubprocess.run(['true'])",
    "hides it": f"import os\ntry: os.system('true')\nexcept BaseException: pass\ndef main(d): return '{SECRET}'",
    "forges": "import os\nfor n in range(64):\n  try: os.write(n, b'[1.0, \"\"]\\n')\n  except OSError: pass",
    "reads frames": "import sys\nmain = lambda d: sys._getframe(3).f_locals['entry']['answer']",
}


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    """A pool that knows the source above on both sides."""
    folder = tmp_path_factory.mktemp("checker")
    (folder / "sitecustomize.py").write_text(CHECKER, encoding="utf-8")
    patch = pytest.MonkeyPatch()
    patch.setenv("PYTHONPATH", str(folder))
    patch.setattr(source, "parse_source", source.parse_source)
    exec(CHECKER, {"__name__": "runs"})
    with CheckerPool(workers=1, limit=0.6, memory=256 << 20) as made:
        yield made
    patch.undo()


def ask(pool, answer):
    task = Task(id="x", prompt="3", source="runs", checker="gold")
    return pool.replies([("runs", task, answer, {"answer": SECRET})])[0]


@walled
@pytest.mark.parametrize("name", TAMPERS)
def test_tampering_is_graded_zero_and_counted(name, pool):
    before = pool.failures.get("tamper", 0)
    assert ask(pool, TAMPERS[name]) == (0.0, "tamper")
    assert pool.failures["tamper"] == before + 1
    assert ask(pool, HONEST["right"][0]) == (1.0, "")


@walled
@pytest.mark.parametrize("name", HONEST)
def test_what_a_program_gives_is_graded(name, pool):
    answer, verdict = HONEST[name]
    assert ask(pool, answer) == verdict


@walled
def test_a_program_that_could_not_be_started_is_not_scored(pool, monkeypatch):
    def refuse(*_):
        raise OSError("no process")

    with CheckerPool(workers=1) as other:
        monkeypatch.setattr(box, "Box", refuse)
        grade, kind = ask(other, HONEST["right"][0])
        assert math.isnan(grade) and kind == "start" and other.failures == {"start": 1}


def test_without_walls_it_is_refused_in_one_line_unless_told_otherwise(pool, monkeypatch):
    monkeypatch.setattr(box, "found", lambda: ("none", "bubblewrap is not installed; namespaces of its own: not permitted"))
    with pytest.raises(BadInput, match="say --unsafe-checkers") as caught:
        refuse_executing([source.parse_source("runs")])
    assert "\n" not in str(caught.value) and "not permitted" in str(caught.value)
    with CheckerPool(workers=1, limit=0.6, memory=256 << 20) as refused, pytest.raises(BadInput):
        ask(refused, HONEST["right"][0])
    with CheckerPool(workers=1, limit=0.6, memory=256 << 20, unsafe_checkers=True) as unsafe:
        assert [ask(unsafe, HONEST[name][0]) for name in ("right", "wrong", "spins", "grows")] == [
            HONEST[name][1] for name in ("right", "wrong", "spins", "grows")
        ]


def test_a_checker_that_would_run_answers_beside_the_right_ones_is_refused():
    @dataclass(frozen=True, kw_only=True)
    class Runs(Own):
        executes = True

    refuse_executing([Own(family="sums"), source.parse_source("gym:chain_sum")])
    refuse_executing([Runs(family="sums")], unsafe_checkers=True)
    with pytest.raises(BadInput, match="say --unsafe-checkers") as caught:
        checkers.refuse_executing([Runs(family="sums")])
    assert "\n" not in str(caught.value)
