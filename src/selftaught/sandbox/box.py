"""Sandbox: runs programs that nobody trusts behind walls of the kernel."""

import atexit
import json
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import asdict
from functools import lru_cache
from queue import SimpleQueue
from typing import Any

from selftaught.parts import BadInput
from selftaught.sandbox import walls
from selftaught.sandbox.limits import ROOM, Limits, Outcome
from selftaught.sandbox.process import HOME, START_LIMIT, Process
from selftaught.sandbox.zygote import HEADER, Plan

KINDS = {"bubblewrap": "bubblewrap", "own": "namespaces of its own", "none": "no walls"}
# Seconds that a keeper may take beyond what its program may.
PATIENCE = 5.0
# A reply as JSON: every byte of a value or of output may be written as six.
WIDER = 6
SLACK = 1 << 12
# Bytes of a program's folder in bubblewrap, which cannot give each program its own.
SPACE = 16 << 20


def bubblewrap(plan: Plan) -> list[str]:
    """The command that puts up bubblewrap's walls around another; empty for other kinds."""
    if plan.kind != "bubblewrap":
        return []
    command = [
        shutil.which("bwrap") or "bwrap",
        "--unshare-all",
        "--as-pid-1",
        "--size",
        str(SPACE),
        "--tmpfs",
        ROOM,
        "--proc",
        "/proc",
    ]
    for path in dict.fromkeys((*walls.shown(plan.readable), sys.prefix, sys.base_prefix, HOME)):
        command += ["--ro-bind-try", path, path]
    return [*command, "--dev-bind", os.devnull, os.devnull]


class Box(Process):
    """One zygote."""

    def __init__(self, plan: Plan) -> None:
        super().__init__("selftaught.sandbox.zygote", json.dumps(plan), before=bubblewrap(plan), kept=("LANG",), folder=plan.root)
        line, _ = self.exchange(b"", START_LIMIT, SLACK)
        said = json.loads(line) if line.endswith(b"\n") else {"refused": "it ended at once"}
        if "refused" in said:
            self.close()
            raise OSError(said["refused"])

    def run(self, program: str, data: Any, limits: Limits) -> Outcome:
        """See `Sandbox.run`; the zygote is closed when it did not answer."""
        head, body = json.dumps(asdict(limits)).encode(), json.dumps([program, data]).encode()
        longest = WIDER * (limits.value + limits.output) + SLACK
        line, late = self.exchange(HEADER.pack(len(head), len(body)) + head + body, limits.seconds * limits.wall + PATIENCE, longest)
        try:
            return Outcome(**json.loads(line))
        except (ValueError, TypeError, RecursionError):
            self.close()
            return Outcome(why="timeout" if late else "exit", note="its keeper did not answer")


def plan_for(kind: str, readable: Sequence[str] = (), preload: Sequence[str] = ()) -> Plan:
    """A plan with a folder of its own."""
    return Plan(kind, tempfile.mkdtemp(prefix="selftaught-"), list(readable), list(preload))


@lru_cache(maxsize=1)
def found() -> tuple[str, str]:
    """(kind of walls that this machine gives, why not more); found out by trying, once a process."""
    reasons = []
    for kind in ("bubblewrap", "own"):
        if kind == "bubblewrap" and shutil.which("bwrap") is None:
            reasons.append("bubblewrap is not installed")
            continue
        try:
            box = Box(plan_for(kind))
        except OSError as error:
            reasons.append(f"{KINDS[kind]}: {error}")
            continue
        outcome = box.run("def main(data):\n    return data", 7, Limits())
        box.close()
        if outcome.value == 7:
            return kind, "; ".join(reasons)
        reasons.append(f"{KINDS[kind]}: {outcome.why} {outcome.note}")
    return "none", "; ".join(reasons)


def walls_for(unsafe: bool = False) -> str:
    """The kind of walls that programs get here; raises BadInput where there are none and `unsafe` is not said."""
    kind, why = found()
    if kind == "none" and not unsafe:
        raise BadInput(f"code of a model is not run here, for nothing can hold it ({why}): install bubblewrap, or say --unsafe-checkers")
    return kind


class Sandbox:
    """Runs programs, each in a fork of its own that sees nothing of this machine; used from any number of threads.

    Attributes:
        kind: the walls: bubblewrap, own (namespaces of its own) or none, which only `unsafe` allows.
    """

    def __init__(self, workers: int = 2, readable: Sequence[str] = (), preload: Sequence[str] = (), unsafe: bool = False) -> None:
        """Nothing is started before the first program.

        Args:
            workers: programs at a time.
            readable: paths that programs may read beside the standard library.
            preload: modules that are loaded before the walls go up, which programs may use.
            unsafe: go on without walls where this machine has none.

        Raises BadInput where this machine has no walls and `unsafe` is not said.
        """
        self.kind = walls_for(unsafe)
        self._readable, self._preload = tuple(readable), tuple(preload)
        self._free = threading.Semaphore(workers)
        self._idle: SimpleQueue[Box] = SimpleQueue()
        self._boxes: set[Box] = set()
        self._lock = threading.Lock()

    def run(self, program: str, data: Any = None, limits: Limits = Limits()) -> Outcome:  # noqa: B008
        """What a program gives for some data.

        Args:
            program: the text of a module with a function `main(data)`, or `module:function` of a preloaded one.
            data: made of JSON's kinds; all that the program is told.
            limits: what it may use.
        """
        with self._free:
            try:
                box = self._take()
            except OSError as error:
                return Outcome(why="start", note=str(error))
            try:
                outcome = box.run(program, data, limits)
            except BaseException:
                # Ctrl-C: what it says later would be taken for the next program's.
                box.close()
                raise
            finally:
                if box.ended:
                    box.close()
                    with self._lock:
                        self._boxes.discard(box)
                else:
                    self._idle.put(box)
        return outcome

    def _take(self) -> Box:
        with self._lock:
            if not self._idle.empty():
                return self._idle.get()
            atexit.register(self.close)
            box = Box(plan_for(self.kind, self._readable, self._preload))
            self._boxes.add(box)
            return box

    def close(self) -> None:
        """End every process; a later program starts new ones."""
        atexit.unregister(self.close)
        with self._lock:
            for box in self._boxes:
                box.close()
            self._boxes.clear()
            self._idle = SimpleQueue()

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()
