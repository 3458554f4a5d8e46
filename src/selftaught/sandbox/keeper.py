"""Watches one program from outside of its reach: ends it at its limits, and understands what it said."""

import contextlib
import json
import os
import select
import signal
import time
from typing import Any

from selftaught.sandbox.limits import Limits

# Seconds between looks at the processor time of a program that is near its limit.
GLANCE = 0.02
# Bytes beside a value: what it reached for, each told once and again.
TOLD = 1 << 16


def processor(process: int) -> float:
    """Seconds of processor time that a process has used."""
    try:
        return time.clock_gettime((~process << 3) | 2)
    except OSError:
        return 0.0


def watched(process: int) -> list[int]:
    """A descriptor that can be read once a process has ended; none where the system has no such."""
    try:
        return [os.pidfd_open(process)]
    except (AttributeError, OSError):
        return []


class Kept:
    """One program while it runs.

    Attributes:
        said: what came on its reply stream; printed: what it printed; why: which limit it was ended at, "" for none.
    """

    def __init__(self, process: int, reply: int, output: int, limits: Limits) -> None:
        self.process, self.limits, self.why = process, limits, ""
        self.said, self.printed = bytearray(), bytearray()
        self._streams = {reply: (self.said, limits.value + TOLD), output: (self.printed, limits.output)}

    def wait(self) -> int:
        """Wait status of the program, which is ended when it passes a limit."""
        until = time.monotonic() + self.limits.seconds * self.limits.wall
        ended = watched(self.process)
        try:
            while True:
                spare = self.limits.seconds - processor(self.process)
                left = until - time.monotonic()
                if (spare <= 0 or left <= 0) and not self.why:
                    self.end("timeout")
                wait = max(GLANCE, min(spare, left)) if ended else GLANCE
                ready = select.select([*ended, *self._streams], [], [], wait)[0]
                for stream in [one for one in ready if one not in ended]:
                    self.take(stream)
                gone, status = os.waitpid(self.process, os.WNOHANG) if not ended or ended[0] in ready else (0, 0)
                if gone:
                    while self._streams:
                        self.take(next(iter(self._streams)))
                    return status
        finally:
            for descriptor in ended:
                os.close(descriptor)

    def take(self, stream: int) -> None:
        """Read what a stream holds now; more than the limit ends the program and is thrown away."""
        held, most = self._streams[stream]
        piece = os.read(stream, 1 << 16)
        held += piece[: max(0, most - len(held))]
        if not piece:
            del self._streams[stream]
            os.close(stream)
        elif len(held) >= most and not self.why:
            self.end("output")

    def end(self, why: str) -> None:
        """Kill the program, and with it everything that it has started: it is process 1 where it lives."""
        self.why = why
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process, signal.SIGKILL)


def understood(said: bytes, status: int, token: str, why: str) -> dict[str, Any]:
    """What a reply stream, the way a program ended and the limit it was ended at amount to, as an `Outcome`'s fields."""
    lines = said.split(b"\n")
    reached = [line[2:].decode(errors="replace") for line in lines if line.startswith(b"! ")]
    rest = [line for line in lines if line and not line.startswith(b"! ")]
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGSYS:
        return {"why": "tamper", "note": "a call to the kernel that is refused" + (f" ({reached[-1]})" if reached else "")}
    if reached:
        return {"why": "tamper", "note": reached[0]}
    if why:
        return {"why": why}
    match [line.split(b" ", 1) for line in rest]:
        case [[mark, text]] if mark == token.encode() and os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0:
            return dict(json.loads(text))
        case []:
            how = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"code {os.WEXITSTATUS(status)}"
            return {"why": "exit", "note": how}
    return {"why": "tamper", "note": "a reply that is not its own"}
