"""The walls, put up from inside by a process that then stays behind them; and what of them this machine can give."""

import contextlib
import os
import sysconfig
from collections.abc import Mapping, Sequence

from selftaught.sandbox import calls, kernel, paths
from selftaught.sandbox.limits import ROOM, Limits

NOBODY = 65534
# Where shared libraries are, beside the standard library.
LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64")
HIDDEN = ("site-packages", "dist-packages")
THREADS = 8


def standard() -> list[str]:
    """Folders of the standard library and of the interpreter's own shared library."""
    found = {sysconfig.get_path("stdlib"), sysconfig.get_config_var("DESTSHARED"), sysconfig.get_config_var("LIBDIR")}
    return sorted(os.path.realpath(path) for path in found if path and os.path.isdir(path))


def shown(readable: Sequence[str] = ()) -> list[str]:
    """Every path that a program may read, none inside another."""
    made: list[str] = []
    for path in sorted({*LIBRARIES, *standard(), *map(os.path.realpath, readable)}):
        if os.path.exists(path) and not any(path.startswith(f"{other}/") for other in made if not os.path.islink(other)):
            made.append(path)
    return made


def hidden(visible: Sequence[str]) -> list[str]:
    """Folders of installed packages below what may be read; what a run has installed is none of a program's business."""
    under = [os.path.join(path, name) for path in standard() for name in HIDDEN] + [f"/usr/lib/python3/{name}" for name in HIDDEN]
    return [path for path in under if os.path.isdir(path) and path not in visible]


def separate() -> None:
    """Leave this machine's users, mounts, processes, network and messages for new ones; the next fork is process 1 there.

    Raises OSError or NotImplementedError where the kernel does not let this process do so.
    """
    user, group = os.getuid(), os.getgid()
    kernel.unshare(kernel.NEW_USER | kernel.NEW_MOUNT | kernel.NEW_PID | kernel.NEW_NET | kernel.NEW_IPC | kernel.NEW_UTS)
    identify(user, group)


def identify(user: int, group: int) -> None:
    """Be nobody in the new namespaces; what this user may do outside of them ends with the powers that `alone` gives up."""
    with contextlib.suppress(OSError):
        write("/proc/self/setgroups", "deny")
    for name, number in (("uid_map", user), ("gid_map", group)):
        write(f"/proc/self/{name}", f"{NOBODY} {number} 1")


def write(path: str, text: str) -> None:
    """Write a file of the kernel's, in one piece as it asks for."""
    with open(path, "wb", buffering=0) as file:
        file.write(text.encode())


def build(root: str, readable: Sequence[str]) -> None:
    """Make a root of the visible paths, an empty `/room` and `/dev/null`, all read-only, and move there.

    Args:
        root: an empty folder to build it in.
        readable: paths to show beside the standard library.
    """
    kernel.mount("none", "/", None, kernel.RECURSIVE | kernel.PRIVATE)
    kernel.mount("none", root, "tmpfs", kernel.NO_SETUID | kernel.NO_DEVICES, "mode=755,size=1m")
    visible = shown(readable)
    for path in (*visible, "/dev/null"):
        inside = root + path
        os.makedirs(os.path.dirname(inside), exist_ok=True)
        if os.path.islink(path):
            os.symlink(os.readlink(path), inside)
            continue
        if os.path.isdir(path):
            os.makedirs(inside, exist_ok=True)
        else:
            open(inside, "x").close()
        kernel.mount(path, inside, None, kernel.BIND | kernel.RECURSIVE)
        if path != "/dev/null":
            kernel.freeze(inside)
    for path in hidden(visible):
        kernel.mount("none", root + path, "tmpfs", 0, "mode=555,size=4k")
    os.makedirs(root + ROOM, exist_ok=True)
    kernel.freeze(root, deep=False)
    kernel.pivot(root)


def empty(files: int) -> None:
    """Put an empty folder of so many bytes at `/room`, over or in the place of what is there."""
    while os.path.ismount(ROOM):
        kernel.unmount(ROOM)
    kernel.mount("none", ROOM, "tmpfs", kernel.NO_SETUID | kernel.NO_DEVICES | kernel.NO_PROGRAMS, f"mode=777,nr_inodes=256,size={files}")


def alone(limits: Limits, used: int, visible: Sequence[str]) -> None:
    """What a fork does before it runs a program: gives up its powers, and puts up limits, Landlock (where there is one) and seccomp.

    Args:
        limits: of the program.
        used: bytes of memory that a ready process uses.
        visible: paths that it may read.

    Raises OSError where one of them could not be put up.
    """
    os.chdir(ROOM)
    kernel.control(kernel.DUMPABLE, 0)
    kernel.powerless()
    restrict(limits, used)
    limit({"NOFILE": 64, "CPU": int(limits.seconds) + 2, "NPROC": THREADS, "MEMLOCK": 0})
    if paths.version():
        paths.fence(visible, (ROOM,))
    calls.shut(noted=True)


def settle(limits: Limits, used: int) -> None:
    """What a process of this package does before it reads what a model wrote: it may read files and end, and little else.

    As far as this machine can: nothing is executed there, so a missing wall is no reason to refuse.
    """
    restrict(limits, used)
    with contextlib.suppress(OSError, NotImplementedError):
        kernel.control(kernel.NO_NEW_PRIVILEGES, 1)
        if paths.version():
            paths.fence(("/",), (os.devnull,))
        calls.shut(noted=False)


def pages() -> int:
    """Bytes of memory that this process has in use; 0 where that is not to be found out."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def restrict(limits: Limits, used: int) -> None:
    """Hard limits on memory and files."""
    limit({"FSIZE": limits.files, "CORE": 0, "MSGQUEUE": 0} | ({"AS": used + limits.memory} if used else {}))


def limit(wanted: Mapping[str, int]) -> None:
    """Hard limits of this process by the kernel's names for them, where this system has such."""
    try:
        import resource
    except ImportError:
        return
    for name, most in wanted.items():
        if (kind := getattr(resource, f"RLIMIT_{name}", None)) is not None:
            hard = resource.getrlimit(kind)[1]
            least = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(kind, (least, least))
