"""What runs in a checker process: reads calls, grades them, and answers; it may be killed at any time.

It runs no text of a model (a source that needs that gives a `program`, see `checkers`), but reads such text, and may hang
or fail on it. Where the kernel can (Landlock, seccomp), it may read files, and neither write them nor reach anything else.
"""

import contextlib
import io
import json
import os
import pickle
import signal
import sys
from collections.abc import Callable
from typing import Any, BinaryIO, NamedTuple

from selftaught.sandbox import walls
from selftaught.sandbox.limits import Limits

# The signal of a spent processor-time limit; its default action ends the process, whatever it is doing.
OVERDRAWN = int(getattr(signal, "SIGPROF", 0))
Begin = Callable[[], None]
Reply = Callable[[Any, Begin, "Ready"], tuple[float, str]]


class Ready(NamedTuple):
    """seconds of processor time a call; memory in bytes beyond what a ready process uses."""

    seconds: float
    memory: int

    def confine(self) -> None:
        """Limit this process to what grading takes, once all is loaded."""
        global confined
        if not confined:
            confined = True
            walls.settle(Limits(memory=self.memory, files=0), walls.pages())


confined = False


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


def reply(call: tuple[str, Any, str, Any], begin: Begin, ready: Ready) -> tuple[float, str]:
    """(grade, kind of failure) of one call; kinds are "" none, error, memory, print (its grade is kept)."""
    from selftaught.tasks.source import parse_source

    text, task, answer, entry = call
    source = parse_source(text)
    prepare = getattr(source, "prepare", None)
    if prepare is not None:
        prepare()
    begin()
    ready.confine()
    out = Mute()
    sys.stdout = sys.stderr = out
    clock(ready.seconds)
    try:
        return float(source.check(task, answer, entry)), "print" if out.written else ""
    except MemoryError:
        return float("nan"), "memory"
    # SystemExit too: a checker may raise anything.
    except BaseException:
        return float("nan"), "error"
    finally:
        clock(0)


def serve(calls: BinaryIO, replies: BinaryIO, ready: Ready, answer: Reply = reply) -> None:
    """Answer pickled (token, call) until the stream ends: first that grading begins, then what came of it."""
    while True:
        try:
            token, call = pickle.load(calls)
        except EOFError:
            return

        def send(said: float | str, kind: str, token: str = token) -> None:
            # Not a pickle: a checker could write into this stream, and unpickling that would run it in the parent.
            replies.write(json.dumps([said, kind, token]).encode() + b"\n")
            replies.flush()

        def begin(send: Callable[[str, str], None] = send) -> None:
            send("begin", "")

        send(*answer(call, begin, ready))


def main(answer: Reply = reply) -> None:
    """Take the standard streams for the calls and leave nothing there for a checker to touch."""
    sys.dont_write_bytecode = True
    calls, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    with contextlib.suppress(BrokenPipeError):
        serve(calls, replies, Ready(float(sys.argv[1]), int(sys.argv[2])), answer)


if __name__ == "__main__":
    main()
