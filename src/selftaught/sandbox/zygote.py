"""A warm process behind the walls: forks for each program, so that none has to start an interpreter or meets another.

It never holds what a program is given: the fork reads that itself. Started as `python -m selftaught.sandbox.zygote`
with one argument, JSON of `Plan`.
"""

import contextlib
import gc
import importlib
import json
import os
import secrets
import shutil
import struct
import sys
from typing import Any, BinaryIO, NamedTuple

from selftaught.sandbox import kernel, walls
from selftaught.sandbox.keeper import Kept, understood
from selftaught.sandbox.limits import ROOM, Limits
from selftaught.sandbox.program import watched

HEADER = struct.Struct("<II")
REPLY = 3


class Plan(NamedTuple):
    """kind of walls (own, bubblewrap, none); an empty folder to build them in; paths to show; modules to load beforehand."""

    kind: str
    root: str
    readable: list[str]
    preload: list[str]


def whole(stream: int, count: int) -> bytes:
    """Exactly so many bytes of a stream, fewer where it ends."""
    held = b""
    while len(held) < count and (piece := os.read(stream, count - len(held))):
        held += piece
    return held


class Zygote:
    """The process that forks.

    Attributes:
        used: bytes of memory that it uses when ready; visible: paths that a program may read; room: bytes of `/room`, 0 for none.
    """

    def __init__(self, plan: Plan, calls: int, replies: BinaryIO) -> None:
        self.plan, self.calls, self.replies = plan, calls, replies
        for name in plan.preload:
            importlib.import_module(name)
        self.used = walls.pages()
        if plan.kind != "none" and not self.used:
            raise OSError("memory cannot be limited without /proc")
        self.home = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC) if plan.kind == "own" else -1
        if plan.kind == "own":
            walls.build(plan.root, plan.readable)
        # Nobody may look into this process by the files that the kernel keeps on it.
        with contextlib.suppress(OSError, NotImplementedError):
            kernel.control(kernel.DUMPABLE, 0)
        self.visible = [*walls.shown(plan.readable), os.devnull]
        self.room = 0
        # What the forks share is not copied for the sake of the collector's notes.
        gc.freeze()

    def serve(self) -> None:
        """Run one program after the other until the stream of calls ends."""
        self.say({"ready": os.getpid()})
        while len(sizes := whole(self.calls, HEADER.size)) == HEADER.size:
            head, body = HEADER.unpack(sizes)
            self.say(self.one(Limits(**json.loads(whole(self.calls, head))), body))

    def say(self, reply: dict[str, Any]) -> None:
        """One line to the process that asked."""
        self.replies.write(json.dumps(reply).encode() + b"\n")
        self.replies.flush()

    def one(self, limits: Limits, size: int) -> dict[str, Any]:
        """Run the program that comes next on the stream of calls; its outcome's fields."""
        token = secrets.token_hex(8)
        (reply, writes), (output, prints) = os.pipe(), os.pipe()
        self.sweep(limits.files)
        if self.home >= 0:
            # A process of its own numbering, so that its end is the end of all it has started.
            kernel.setns(self.home, kernel.NEW_PID)
            kernel.unshare(kernel.NEW_PID)
        process = os.fork()
        if not process:
            leave = os._exit
            try:
                self.inside(limits, size, token, writes, prints)
            finally:
                leave(1)
        os.close(writes)
        os.close(prints)
        kept = Kept(process, reply, output, limits)
        status = kept.wait()
        return understood(bytes(kept.said), status, token, kept.why) | {"output": kept.printed.decode(errors="replace")}

    def sweep(self, files: int) -> None:
        """Give the next program an empty folder: a new one where another size is asked for, or the last program left something."""
        if self.plan.kind == "own" and (self.room != files or os.listdir(ROOM)):
            walls.empty(files)
            self.room = files
        elif self.plan.kind == "bubblewrap" and os.listdir(ROOM):
            for name in os.listdir(ROOM):
                path = os.path.join(ROOM, name)
                shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)

    def inside(self, limits: Limits, size: int, token: str, writes: int, prints: int) -> None:
        """The fork: take the call, put up the last walls, run, reply and end."""
        leave, write, dumps, kind = os._exit, os.write, json.dumps, self.plan.kind
        os.setsid()
        program, data = json.loads(whole(self.calls, size))
        null = os.open(os.devnull, os.O_RDONLY)
        writes, prints = os.dup(writes), os.dup(prints)
        for stream, number in ((null, 0), (prints, 1), (prints, 2), (writes, REPLY)):
            os.dup2(stream, number)
        os.closerange(REPLY + 1, 1 << 16)
        sys.argv[:] = [""]
        os.environ.clear()
        if kind == "none":
            walls.restrict(limits, self.used)
        else:
            walls.alone(limits, self.used, self.visible)
        made = watched(program, data, limits.value, self.visible, lambda line: write(REPLY, line))
        sys.stdout.flush()
        sys.stderr.flush()
        write(REPLY, f"{token} {dumps(made)}\n".encode())
        leave(0)


def main() -> None:
    """Take the standard streams for calls and replies, put up the walls, and serve."""
    plan = Plan(*json.loads(sys.argv[1]))
    calls, replies = os.dup(0), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    try:
        if plan.kind == "own":
            walls.separate()
            if process := os.fork():
                # Stays outside only to end as the other ends.
                os.close(calls)
                replies.close()
                os._exit(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) & 255)
            kernel.control(kernel.DEATH_SIGNAL, 9)
        zygote = Zygote(plan, calls, replies)
    except (OSError, NotImplementedError, ImportError) as error:
        replies.write(json.dumps({"refused": str(error)[:200]}).encode() + b"\n")
        replies.flush()
        return
    zygote.serve()


if __name__ == "__main__":
    main()
