"""One call in a fork of its own, for checkers that run the answer as code: what it breaks ends with it.

The fork has no files but its reply's, an empty folder, no environment, hard limits and the strict guard. Its reply must
be the one line with the call's token; anything else, and a fork that ends itself without a reply, counts as tampering.
"""

import io
import os
import secrets
import select
import signal
import sys
import time
from functools import lru_cache
from typing import Any, NamedTuple

from selftaught.stages import TaskSource
from selftaught.tasks.checker_guard import Guard, Held, NoEnvironment, changed, confine, snapshot
from selftaught.types import Task

# No answer to anything. Its grade before and after a call must be the same.
CANARY = "?canary?"
LONGEST = 200
LEANED_ON = ("math", "operator", "re", "json", "fractions", "decimal", "itertools", "functools", "collections", "numpy", "sympy")
# By the clock, as a multiple of the limit in processor time; the parent's patience is a little longer.
WAIT = 8.0
# The signal of a spent processor-time limit; its default action ends the process, whatever it is doing.
OVERDRAWN = int(getattr(signal, "SIGPROF", 0))


class Limits(NamedTuple):
    """seconds of processor time; memory in bytes beyond what is used; an empty folder."""

    seconds: float
    memory: int
    folder: str


def executes(source: TaskSource) -> bool:
    """Whether a source's checker runs answers as code; one that is unsafe and does not say is taken to."""
    return hasattr(os, "fork") and bool(getattr(source, "executes", getattr(source, "unsafe", False)))


def clock(seconds: float) -> None:
    """End this process after that much processor time, 0 for never; a handler in Python would wait for native code to end."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, seconds)


class Mute(io.TextIOBase):
    """Standard output that keeps nothing but whether something was written."""

    written = False

    def write(self, text: str) -> int:
        self.written = True
        return len(text)


def grade(source: TaskSource, task: Task, answer: str, entry: Any) -> tuple[float, str]:
    """(grade, kind of failure) by the checker, here; kinds are "" none, error, memory, print."""
    out = Mute()
    sys.stdout = sys.stderr = out
    try:
        return float(source.check(task, answer, entry)), "print" if out.written else ""
    except MemoryError:
        return float("nan"), "memory"
    # SystemExit and KeyboardInterrupt too: an answer may raise anything.
    except BaseException:
        return float("nan"), "error"


def graders(source: TaskSource) -> tuple[str, ...]:
    """Modules whose code grades this source: its own, those it names as `graded_by`, and these here."""
    return "builtins", __name__, snapshot.__module__, *getattr(source, "graded_by", ()), type(source).__module__


@lru_cache(maxsize=64)
def held(source: TaskSource) -> Held:
    """The checker's code as it is in this process, where no answer ever runs."""
    return snapshot(graders(source), LEANED_ON)


def forked(source: TaskSource, task: Task, answer: str, entry: Any, limits: Limits, guard: Guard) -> tuple[float, str]:
    """(grade, kind of failure) of one call; kinds are "" none, tamper (grade 0), error, memory, print, timeout, exit."""
    mode, guard.mode = guard.mode, "off"
    # Grading it here also loads what the checker loads late, once for all forks.
    canary, token = grade(source, task, CANARY, entry), secrets.token_hex(8)
    before = held(source)
    reads, writes = os.pipe()
    process = os.fork()
    if not process:
        # An answer may put other functions in the place of these.
        leave, write = os._exit, os.write
        try:
            alone(limits, guard, writes)
            said, kind = watched(source, task, answer, entry, limits, guard, before, canary)
            write(writes, f"{token} {said!r} {kind}\n".encode())
        finally:
            leave(1)
    os.close(writes)
    try:
        line, status = received(reads, process, time.monotonic() + WAIT * limits.seconds)
    finally:
        os.close(reads)
        guard.mode = mode
    return understood(line, token, status)


def alone(limits: Limits, guard: Guard, reply: int) -> None:
    """Leave this process with nothing but its reply."""
    os.closerange(3, reply)
    os.closerange(reply + 1, 1 << 16)
    os.chdir(limits.folder)
    os.environ.clear()
    os.environ = NoEnvironment(guard.touch)  # type: ignore[assignment]  # noqa: B003
    confine(limits.memory, alone=True, seconds=limits.seconds)


def watched(
    source: TaskSource, task: Task, answer: str, entry: Any, limits: Limits, guard: Guard, before: Held, canary: tuple[float, str]
) -> tuple[float, str]:
    """Grade under the strict guard; then nothing may be tampered with, and the canary may not have become worth more."""
    differs, modules = changed, graders(source)
    guard.mode = "strict"
    clock(limits.seconds)
    graded = grade(source, task, answer, entry)
    clock(limits.seconds)
    after = grade(source, task, CANARY, entry) if graded[0] > 0 else canary
    guard.mode = "off"
    if guard.tampered or repr(after) != repr(canary) or differs(before, modules, LEANED_ON):
        return 0.0, "tamper"
    return graded


def received(reads: int, process: int, until: float) -> tuple[bytes, int]:
    """(what came, wait status) of a fork, which is ended when it takes longer."""
    said = b""
    while (left := until - time.monotonic()) > 0 and len(said) <= LONGEST and select.select([reads], [], [], left)[0]:
        if not (piece := os.read(reads, LONGEST)):
            break
        said += piece
    while time.monotonic() < until and len(said) <= LONGEST:
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            return said, status
        time.sleep(0.0005)
    os.kill(process, signal.SIGKILL)
    return said, os.waitpid(process, 0)[1]


def understood(line: bytes, token: str, status: int) -> tuple[float, str]:
    """(grade, kind of failure) that a fork's reply and end amount to."""
    match line.decode(errors="replace").split(" "):
        case [said, value, kind] if said == token and kind.endswith("\n") and kind.count("\n") == 1:
            return float(value), kind[:-1]
    if not line and os.WIFSIGNALED(status):
        return float("nan"), "timeout" if os.WTERMSIG(status) in (OVERDRAWN, signal.SIGKILL) else "exit"
    return 0.0, "tamper"
