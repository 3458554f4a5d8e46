"""Checkers that hang, throw, print, grow or end their process are contained, counted, and do not stop the others."""

import pytest

from selftaught.sandbox import found
from selftaught.seals import GoldReader
from selftaught.tasks import source
from selftaught.tasks.grading.checkers import CheckerPool
from selftaught.tasks.source import parse_source
from selftaught.types import Task

# A checker as bad as a test wants it: the child finds this source by its file, see `bad`.
BAD = """
import os, sys, time
from dataclasses import dataclass
from selftaught.stages import TaskSource
from selftaught.tasks import source

@dataclass(frozen=True, kw_only=True)
class Bad(TaskSource):
    def text(self): return "bad"
    def draw(self, key, count, split): return []
    def fingerprint(self, task): return task.text
    def check(self, task, answer, entry):
        if answer == "hang":
            while True: pass
        if answer == "sleep": time.sleep(100)
        if answer == "power": return 9 ** 9 ** 9 ** 9
        if answer == "throw": raise RuntimeError("no")
        if answer == "exit": os._exit(0)
        if answer == "quit": sys.exit(3)
        if answer == "grow": return len("x" * (4 << 30))
        if answer == "print":
            print("0.5"); os.write(1, b"junk"); sys.__stdout__ and sys.__stdout__.write("junk")
        if answer == "shell": os.system("touch " + entry["file"])
        if answer == "write": open(entry["file"], "w")
        if answer == "kill": os.kill(os.getppid(), 0)
        if answer == "socket": __import__("socket").socket()
        if answer == "fork": os.fork() or os._exit(0)
        if answer == "read": return float(len(sys.stdin.read()))
        if answer == "torch": return float("torch" in sys.modules)
        return float(answer == entry["answer"])

real = source.parse_source
source.parse_source = lambda text: Bad() if text == "bad" else real(text)
"""

READER = GoldReader("audit", lambda: None)


@pytest.fixture
def bad(tmp_path, monkeypatch):
    """Puts the bad source where children find it: a `sitecustomize` of their own."""
    (tmp_path / "sitecustomize.py").write_text(BAD, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(source, "parse_source", source.parse_source)
    exec(BAD, {"__name__": "bad"})
    with CheckerPool(workers=2, limit=0.6, memory=256 << 20) as pool:
        yield pool


def test_bad_checkers_are_contained_and_counted(bad, tmp_path, capfd):
    task = Task(id="x", prompt="?", source="bad", checker="gold")
    entry = {"answer": "7", "file": str(tmp_path / "made")}
    answers = ["7", "hang", "7", "throw", "print", "8", "exit", "7", "quit", "grow", "power", "shell", "write", "read", "torch", "7"]
    grades = dict(zip(answers, bad.grade([("bad", task, answer, entry) for answer in answers]), strict=True))
    failed = {answer for answer, grade in grades.items() if grade != grade}
    assert failed == {"hang", "throw", "exit", "quit", "grow", "power", "write"}
    assert grades["7"] == 1 and {grades[answer] for answer in ("8", "print", "read", "torch", "shell")} == {0}
    assert bad.failures == {"timeout": 2, "exit": 1, "error": 3, "memory": 1, "print": 1}
    assert not (tmp_path / "made").exists()
    assert capfd.readouterr() == ("", "")
    assert bad.grade([("bad", task, "7", entry)] * 3) == [1, 1, 1] and bad.grade([]) == []


def test_checker_that_sleeps_is_ended_by_the_clock(bad):
    bad.limit = 0.3
    task = Task(id="x", prompt="?", source="bad", checker="gold")
    assert bad.grade([("bad", task, "sleep", {})]) != [0] and bad.failures == {"timeout": 1}


def test_children_are_reused_and_end(bad):
    task = Task(id="x", prompt="?", source="bad", checker="gold")
    bad.grade([("bad", task, "7", {"answer": "7"})] * 4)
    before = {child.process.pid for child in bad._children}
    bad.grade([("bad", task, "7", {"answer": "7"})] * 40)
    children = list(bad._children)
    assert {child.process.pid for child in children} == before and len(before) <= 2
    bad.close()
    assert all(child.process.returncode is not None for child in children)


def test_equal_grades_run_in_the_pool_too():
    source = parse_source("sums:level=2")
    tasks = source.draw("k", 3, "train")
    with CheckerPool(workers=1) as pool:
        calls = [(source.text(), t, t.sealed.open(READER)["answer"], t.sealed.open(READER)) for t in tasks]
        assert pool.grade(calls) == [1, 1, 1] and pool.failures == {}


@pytest.mark.skipif(found()[0] == "none", reason="this machine has no walls")
def test_checkers_reach_nothing_but_files_to_read(bad):
    task = Task(id="x", prompt="?", source="bad", checker="gold")
    assert all(grade != grade for grade in bad.grade([("bad", task, answer, {}) for answer in ("kill", "socket", "fork")]))
    assert bad.failures == {"error": 3}
