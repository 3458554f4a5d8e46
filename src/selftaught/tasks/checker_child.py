"""What runs in a checker process: reads calls, grades them, and answers; it may be killed at any time."""

import io
import json
import os
import pickle
import signal
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

# What an answer that a checker runs as code may not do here; compiling and evaluating it is how those checkers work.
FORBIDDEN = (
    "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "subprocess.Popen", "pty.spawn", "os.kill",
    "socket.", "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.chmod", "os.chown", "os.link", "os.symlink", "os.truncate",
    "shutil.", "ctypes.dlopen", "urllib.",
)  # fmt: skip
# The signal of a spent processor-time limit; its default action ends the process, whatever it is doing.
OVERDRAWN = int(getattr(signal, "SIGPROF", 0))
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Mute(io.TextIOBase):
    """Standard output that keeps nothing but whether something was written."""

    written = False

    def write(self, text: str) -> int:
        self.written = True
        return len(text)


def guard(event: str, args: tuple[Any, ...]) -> None:
    """Audit hook: raise PermissionError on processes, sockets and writing to files."""
    if event.startswith(FORBIDDEN) or (event == "open" and isinstance(args[2], int) and args[2] & WRITING):
        raise PermissionError(f"a checker may not {event}")


def confine(memory: int) -> None:
    """Limit memory beyond what is used now to `memory` bytes, forbid writing files; where the system can."""
    try:
        import resource

        with open("/proc/self/statm", encoding="ascii") as file:
            used = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + memory, used + memory))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, OSError, ValueError):
        pass


def reply(call: tuple[str, Any, str, Any], begin: Callable[[], None]) -> tuple[float, str]:
    """(grade, kind of failure) of one call: kinds are "" none, error, memory, print."""
    from selftaught.tasks.source import parse_source

    text, task, answer, entry = call
    source = parse_source(text)
    prepare = getattr(source, "prepare", None)
    if prepare is not None:
        prepare()
    begin()
    out = Mute()
    sys.stdout = sys.stderr = out
    try:
        return float(source.check(task, answer, entry)), "print" if out.written else ""
    except MemoryError:
        return float("nan"), "memory"
    # SystemExit and KeyboardInterrupt too: an answer may raise anything.
    except BaseException:
        return float("nan"), "error"


def clock(seconds: float) -> None:
    """End this process after that much processor time, 0 for never; a handler in Python would wait for native code to end."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, seconds)


def serve(calls: BinaryIO, replies: BinaryIO, limit: float, memory: int) -> None:
    """Answer pickled calls until the stream ends: first that grading begins, then what came of it."""
    confined = False

    def send(said: float | str, kind: str) -> None:
        # Not a pickle: what a checker runs could write into this stream, and unpickling that would run it in the parent.
        replies.write(json.dumps([said, kind]).encode() + b"\n")
        replies.flush()

    while True:
        try:
            call = pickle.load(calls)
        except EOFError:
            return

        def begin() -> None:
            nonlocal confined
            if not confined:
                confine(memory)
                sys.addaudithook(guard)
                confined = True
            send("begin", "")
            clock(limit)

        graded = reply(call, begin)
        clock(0)
        send(*graded)


def main() -> None:
    """Take the standard streams for the calls and leave nothing there for a checker to touch."""
    sys.dont_write_bytecode = True
    calls, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    serve(calls, replies, float(sys.argv[1]), int(sys.argv[2]))


if __name__ == "__main__":
    main()
