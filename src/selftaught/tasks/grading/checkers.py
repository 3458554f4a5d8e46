"""CheckerPool: runs checkers in child processes that can be killed, with limits on time and memory.

Some checkers never come back. A signal cannot stop those, a kill can. None of them runs an answer: a source whose grading
needs that has `program(task, answer)`, which gives (text of a module with `main(data)`, data). That runs in the sandbox,
where no right answer is, and what it gives, as JSON, is the answer that the source's `check` is asked about.
"""

import json
import math
import pickle
import secrets
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from queue import SimpleQueue
from typing import Any

from selftaught.parts import BadInput
from selftaught.sandbox import Limits, Sandbox, walls_for
from selftaught.sandbox.process import START_LIMIT, Process
from selftaught.stages import TaskSource
from selftaught.tasks.grading.checker_child import OVERDRAWN
from selftaught.types import Task

# By the clock, for a machine that is busy with other things; a checker's own limit is in processor time.
PATIENCE = 10.0
LONGEST_LINE = 200
Call = tuple[str, Task, str, Any]


class Child(Process):
    """One checker process, which runs the module of that name, and its two streams."""

    def __init__(self, limit: float, memory: int, module: str = "selftaught.tasks.grading.checker_child") -> None:
        super().__init__(module, str(limit), str(memory))
        self.limit = limit

    def ask(self, call: Any) -> tuple[float, str]:
        """(grade, kind of failure); the process is dead when the kind is timeout, start or exit."""
        token = secrets.token_hex(8)
        message = pickle.dumps((token, call))
        for wait, late in ((START_LIMIT, "start"), (PATIENCE * self.limit, "timeout")):
            line, fired = self.exchange(message, wait, LONGEST_LINE)
            message = b""
            try:
                said, kind, mark = json.loads(line)
                if fired or mark != token or (late == "start") != (said == "begin"):
                    raise ValueError("not what was asked for")
                if said != "begin":
                    return float(said), str(kind)
            # A checker may have written anything into the child's stream, or ended it.
            except (ValueError, TypeError):
                self.close(wait=0 if fired else 1)
                return float("nan"), late if fired else "timeout" if self.process.returncode == -OVERDRAWN else "exit"
        raise AssertionError("the second line is a grade or refused")


def executes(source: TaskSource) -> bool:
    """Whether a source's checker runs answers as code beside their gold; one that is unsafe and does not say is taken to."""
    return not hasattr(source, "program") and bool(getattr(source, "executes", getattr(source, "unsafe", False)))


def refuse_executing(sources: Sequence[TaskSource], unsafe_checkers: bool = False) -> None:
    """Raise BadInput for sources whose answers would run as code where nothing can hold them, unless that was asked for."""
    for source in sources:
        if executes(source) and not unsafe_checkers:
            raise BadInput(
                f"{source.text()}: its checker runs answers as code beside the right ones: give it `program(task, answer)`, "
                "which runs in the sandbox, or say --unsafe-checkers"
            )
        if hasattr(source, "program"):
            walls_for(unsafe_checkers)


class CheckerPool:
    """A few checker processes, started when first needed.

    Attributes:
        failures: how often a checker failed, by kind: timeout, memory, exit (it ended the process), error (it raised),
            print (its grade is kept), start (the process could not be made ready). An answer that is run in the sandbox
            fails by the same kinds, or by output (it printed too much) and tamper (it reached for what is outside), and
            is wrong then.
    """

    def __init__(self, workers: int = 2, limit: float = 2.0, memory: int = 512 << 20, unsafe_checkers: bool = False) -> None:
        """A pool.

        Args:
            workers: processes.
            limit: seconds of processor time a call; ten times that by the clock.
            memory: bytes beyond what a ready process uses.
            unsafe_checkers: also run answers where nothing can hold them, see `refuse_executing`.
        """
        self.workers, self.limit, self.memory, self.unsafe_checkers = workers, limit, memory, unsafe_checkers
        self._sandbox: Sandbox | None = None
        self.failures: dict[str, int] = {}
        self._idle: SimpleQueue[Child] = SimpleQueue()
        self._children: set[Child] = set()
        self._lock = threading.Lock()

    def grade(self, calls: Sequence[Call]) -> list[float]:
        """Grades in [0, 1] of (source text, task, canonical answer, opened entry), NaN where the checker failed."""
        return [grade for grade, _ in self.replies(calls)]

    def replies(self, calls: Sequence[Call]) -> list[tuple[float, str]]:
        """(grade, kind of failure) of each call, "" when all went well."""
        if not calls:
            return []
        with ThreadPoolExecutor(min(self.workers, len(calls))) as threads:
            return list(threads.map(self._one, calls))

    def _one(self, call: Call) -> tuple[float, str]:
        grade, kind = self._graded(call)
        if kind:
            with self._lock:
                self.failures[kind] = self.failures.get(kind, 0) + 1
        return grade, kind

    def _graded(self, call: Call) -> tuple[float, str]:
        from selftaught.tasks.source import parse_source

        text, task, answer, entry = call
        source = parse_source(text)
        if executes(source):
            refuse_executing([source], self.unsafe_checkers)
        program = getattr(source, "program", None)
        if program is not None:
            try:
                text_of, data = program(replace(task, sealed=None), answer)
            # as of a checker
            except Exception:
                return math.nan, "error"
            made = self._room().run(text_of, data, Limits(seconds=self.limit, memory=self.memory))
            if made.why:
                return math.nan if made.why == "start" else 0.0, made.why
            answer = json.dumps(made.value)
        child = self._take()
        grade, kind = child.ask((text, replace(task, sealed=None), answer, None if entry is None else dict(entry)))
        if child.ended:
            with self._lock:
                self._children.discard(child)
        else:
            self._idle.put(child)
        return grade, kind

    def _room(self) -> Sandbox:
        with self._lock:
            self._sandbox = self._sandbox or Sandbox(self.workers, unsafe=self.unsafe_checkers)
            return self._sandbox

    def _take(self) -> Child:
        with self._lock:
            if not self._idle.empty():
                return self._idle.get()
            child = Child(self.limit, self.memory)
            self._children.add(child)
            return child

    def close(self) -> None:
        """End every process; a later call starts new ones."""
        with self._lock:
            for child in self._children:
                child.close()
            self._children.clear()
            self._idle = SimpleQueue()
            if self._sandbox is not None:
                self._sandbox.close()
                self._sandbox = None

    def __enter__(self) -> "CheckerPool":
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()
