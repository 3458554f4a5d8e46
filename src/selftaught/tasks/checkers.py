"""CheckerPool: runs checkers in child processes that can be killed, with limits on time and memory.

Some checkers run an answer as code, and some never come back. A signal cannot stop those, a kill can. Those that run
answers do so in a fork for each call (`checker_fork`), under a guard (`checker_guard`).
The children are plain subprocesses: multiprocessing would import a user's unguarded script again in each.
"""

import contextlib
import json
import os
import pickle
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import selftaught
from selftaught.tasks.checker_child import OVERDRAWN
from selftaught.types import Task

# By the clock, for a machine that is busy with other things; a checker's own limit is in processor time.
START_LIMIT = 300.0
PATIENCE = 10.0
LONGEST_LINE = 200
QUIET = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "PYTHONDONTWRITEBYTECODE")}
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "PYTHONPATH", "SYSTEMROOT", "TMPDIR", "TEMP", "VIRTUAL_ENV")
Call = tuple[str, Task, str, Any]


class Child:
    """One checker process, which runs the module of that name, and its two streams."""

    def __init__(self, limit: float, memory: int, module: str = "selftaught.tasks.checker_child") -> None:
        self.limit = limit
        home = str(Path(selftaught.__file__).parents[1])
        env = {name: os.environ[name] for name in KEPT if name in os.environ} | QUIET
        env["PYTHONPATH"] = os.pathsep.join(filter(None, (home, env.get("PYTHONPATH"))))
        self.folder = tempfile.mkdtemp(prefix="selftaught-")
        command = [sys.executable, "-W", "ignore", "-m", module, str(limit), str(memory), self.folder]
        # A session of its own, so that ending it ends whatever it has started.
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, start_new_session=True)

    def ask(self, call: Any) -> tuple[float, str]:
        """(grade, kind of failure); the process is dead when the kind is timeout, start or exit."""
        token = secrets.token_hex(8)
        message = pickle.dumps((token, call))
        for wait, late in ((START_LIMIT, "start"), (PATIENCE * self.limit, "timeout")):
            line, fired = self._exchange(message, wait)
            message = b""
            try:
                said, kind, mark = json.loads(line)
                if fired or mark != token or (late == "start") != (said == "begin"):
                    raise ValueError("not what was asked for")
                if said != "begin":
                    return float(said), str(kind)
            # What a checker ran may have written anything into the child's stream, or ended it.
            except (ValueError, TypeError):
                self.close(wait=0 if fired else 1)
                return float("nan"), late if fired else "timeout" if self.process.returncode == -OVERDRAWN else "exit"
        raise AssertionError("the second line is a grade or refused")

    def _exchange(self, message: bytes, wait: float) -> tuple[bytes, bool]:
        """Send a message and read a line; the process is killed when that takes longer than `wait` seconds."""
        late = threading.Event()

        def end() -> None:
            late.set()
            self.kill()

        assert self.process.stdin is not None and self.process.stdout is not None
        timer = threading.Timer(wait, end)
        timer.start()
        try:
            self.process.stdin.write(message)
            self.process.stdin.flush()
            line = self.process.stdout.readline(LONGEST_LINE)
        except OSError:
            line = b""
        finally:
            timer.cancel()
            timer.join()
        return line, late.is_set()

    def kill(self) -> None:
        """End the process and what it has started, at once."""
        if self.process.returncode is None:
            with contextlib.suppress(OSError):
                os.killpg(self.process.pid, signal.SIGKILL) if hasattr(os, "killpg") else self.process.kill()

    def close(self, wait: float = 0) -> None:
        """Kill the process, unless it ends by itself within `wait` seconds."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(wait)
        self.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
        for stream in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                stream.close()  # type: ignore[union-attr]


class CheckerPool:
    """A few checker processes, started when first needed.

    Attributes:
        failures: how often a checker failed, by kind: timeout, memory, exit (it ended the process), error (it raised),
            print (its grade is kept), tamper (an answer that was run reached for its grader: grade 0), start (the
            process could not be made ready).
    """

    def __init__(self, workers: int = 2, limit: float = 2.0, memory: int = 512 << 20) -> None:
        """Limits: processes, seconds of processor time a call (ten times that by the clock), bytes beyond what a ready process uses."""
        self.workers, self.limit, self.memory = workers, limit, memory
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
        text, task, answer, entry = call
        child = self._take()
        grade, kind = child.ask((text, replace(task, sealed=None), answer, None if entry is None else dict(entry)))
        with self._lock:
            if kind:
                self.failures[kind] = self.failures.get(kind, 0) + 1
            if child.process.returncode is not None:
                self._children.discard(child)
                return grade, kind
        self._idle.put(child)
        return grade, kind

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

    def __enter__(self) -> "CheckerPool":
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()
