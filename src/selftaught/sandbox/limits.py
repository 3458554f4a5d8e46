"""Limits of one call behind the walls, and what came of it."""

import math
from dataclasses import dataclass
from typing import Any

# A program's own folder: a name that no path to show has.
ROOM = "/room"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one call may use; each is held by the kernel or by a process outside of the call's reach. It may make no process.

    Attributes:
        seconds: of processor time.
        wall: seconds by the clock, as a multiple of `seconds`: a busy machine is no reason to fail.
        memory: bytes beyond what a ready process uses.
        files: bytes that it may write into its empty folder, `/room`, which is gone afterwards.
        output: bytes that it may print.
        value: bytes of the value it gives, as JSON.
    """

    seconds: float = 2.0
    wall: float = 8.0
    memory: int = 256 << 20
    files: int = 1 << 20
    output: int = 1 << 16
    value: int = 1 << 16

    def __post_init__(self) -> None:
        if not (0 < self.seconds < math.inf and 1 <= self.wall < math.inf):
            raise ValueError(f"{self}: seconds must be above 0 and wall at least 1")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a call.

    Attributes:
        value: what the program gave, made of JSON's kinds; None when `why` is not empty.
        why: "" when it gave a value; "error" (it raised), "timeout", "memory", "output" (it printed or gave too much),
            "exit" (it ended without a value), "tamper" (it reached for what is outside), "start" (there was no process for it).
        note: one line on it: the error's kind, or what it reached for.
        output: what it printed.
    """

    value: Any = None
    why: str = ""
    note: str = ""
    output: str = ""
