"""The few calls to the Linux kernel that build walls, which Python has no names for; importable everywhere, callable on Linux.

Each raises OSError where the kernel refuses, and NotImplementedError on other systems and processors.
"""

import ctypes
import os
import platform
import sys
from functools import lru_cache

NEW_TIME, NEW_MOUNT, NEW_CGROUP, NEW_UTS = 0x80, 0x20000, 0x02000000, 0x04000000
NEW_IPC, NEW_USER, NEW_PID, NEW_NET = 0x08000000, 0x10000000, 0x20000000, 0x40000000
READ_ONLY, NO_SETUID, NO_DEVICES, NO_PROGRAMS = 1, 2, 4, 8
BIND, RECURSIVE, PRIVATE, DETACH = 4096, 16384, 1 << 18, 2
# prctl
DEATH_SIGNAL, DUMPABLE, SECCOMP, NO_NEW_PRIVILEGES = 1, 4, 22, 38
# Numbers of calls that differ between processors; those from 424 on are the same everywhere.
CAPSET = {"x86_64": 126, "aarch64": 91}
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
MOUNT_SETATTR, LANDLOCK = 442, 444
HERE, ALL_BELOW = -100, 0x8000
CAPABILITIES = 0x20080522


class Attributes(ctypes.Structure):
    """What `mount_setattr` takes."""

    _fields_ = [(name, ctypes.c_uint64) for name in ("on", "off", "propagation", "user")]


@lru_cache(maxsize=1)
def machine() -> str:
    """The processor, as the kernel's tables name it; raises NotImplementedError where there is no table for it."""
    name = {"AMD64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())
    if not sys.platform.startswith("linux") or name not in CAPSET or sys.maxsize < 1 << 32:
        raise NotImplementedError(f"no walls are known for {sys.platform} on {platform.machine()}")
    return name


@lru_cache(maxsize=1)
def library() -> ctypes.CDLL:
    """The C library of this process."""
    return ctypes.CDLL(None, use_errno=True)


def checked(result: int, what: str) -> int:
    """The result of a call; raises OSError where it failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def call(number: int, *args: object) -> int:
    """A call by number."""
    machine()
    words = [ctypes.c_long(arg) if isinstance(arg, int) else arg for arg in args]
    return checked(int(library().syscall(ctypes.c_long(number), *words)), f"call {number}")


def unshare(flags: int) -> None:
    """Leave some namespaces for new ones."""
    machine()
    checked(library().unshare(flags), "unshare")


def setns(descriptor: int, flag: int) -> None:
    """Enter a namespace."""
    checked(library().setns(descriptor, flag), "setns")


def mount(source: str, target: str, kind: str | None = None, flags: int = 0, data: str | None = None) -> None:
    """Mount a file system."""
    texts = [text.encode() if text is not None else None for text in (source, target, kind, data)]
    checked(library().mount(texts[0], texts[1], texts[2], ctypes.c_ulong(flags), texts[3]), f"mount {target}")


def unmount(target: str) -> None:
    """Take a file system out of sight."""
    checked(library().umount2(target.encode(), DETACH), f"unmount {target}")


def freeze(target: str, deep: bool = True) -> None:
    """Make a mount read-only, without devices and set-user-id programs; `deep` for those below it too."""
    wanted = Attributes(READ_ONLY | NO_SETUID | NO_DEVICES, 0, 0, 0)
    path = ctypes.c_char_p(target.encode())
    call(MOUNT_SETATTR, HERE, path, ALL_BELOW if deep else 0, ctypes.byref(wanted), ctypes.sizeof(wanted))


def pivot(root: str) -> None:
    """Make a mounted folder the root, and nothing else reachable."""
    os.chdir(root)
    call(PIVOT_ROOT[machine()], ctypes.c_char_p(b"."), ctypes.c_char_p(b"."))
    unmount(".")
    os.chdir("/")


def control(option: int, *args: object) -> None:
    """Change how the kernel treats this process (`prctl`)."""
    machine()
    words = [ctypes.c_ulong(arg) if isinstance(arg, int) else arg for arg in (*args, 0, 0, 0, 0)][:4]
    checked(library().prctl(option, *words), f"prctl {option}")


def powerless() -> None:
    """Give up every capability, and the way to new ones."""
    head = (ctypes.c_uint32 * 2)(CAPABILITIES, 0)
    none = (ctypes.c_uint32 * 6)()
    control(NO_NEW_PRIVILEGES, 1)
    call(CAPSET[machine()], head, none)
