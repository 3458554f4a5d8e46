"""Landlock: which files a process and its descendants may read and write, by the kernel, whoever they are."""

import ctypes
import os
from collections.abc import Sequence

from selftaught.sandbox.kernel import LANDLOCK, call

RUN, WRITE, READ, LIST = 1, 2, 4, 8
# What each version of it can hold back: files, then network by port, then signals and abstract sockets.
FILES = {1: 0x1FFF, 2: 0x3FFF, 3: 0x7FFF, 4: 0x7FFF, 5: 0xFFFF}
NETWORK, SCOPES = 3, 3
# Rights that a file has; the others are those of a folder.
OF_A_FILE = RUN | WRITE | READ | 1 << 14


class Beneath(ctypes.Structure):
    """A rule on a path."""

    _pack_ = 1
    _fields_ = [("rights", ctypes.c_uint64), ("parent", ctypes.c_int32)]


def version() -> int:
    """Which Landlock the kernel has; 0 for none."""
    try:
        return call(LANDLOCK, ctypes.c_void_p(None), 0, 1)
    except (OSError, NotImplementedError):
        return 0


def fence(readable: Sequence[str], writable: Sequence[str] = ()) -> None:
    """Hold this process to reading some paths and writing others, without network and signals to others, for good.

    Raises OSError where the kernel cannot; `no_new_privs` must be set. Paths that do not exist are left out.
    """
    found = version()
    everything = FILES[min(found, 5)] if found else 0
    rights = (ctypes.c_uint64 * 3)(everything, NETWORK if found >= 4 else 0, SCOPES if found >= 6 else 0)
    rules = call(LANDLOCK, ctypes.byref(rights), 8 if found < 4 else 16 if found < 6 else 24, 0)
    try:
        for path in (*readable, *writable):
            permit(rules, path, everything if path in writable else RUN | READ | LIST)
        call(LANDLOCK + 2, rules, 0)
    finally:
        os.close(rules)


def permit(rules: int, path: str, rights: int) -> None:
    """Add a path and what is below it to a set of rules."""
    try:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        allowed = rights if os.path.isdir(path) else rights & OF_A_FILE
        call(LANDLOCK + 1, rules, 1, ctypes.byref(Beneath(allowed, parent)), 0)
    finally:
        os.close(parent)
