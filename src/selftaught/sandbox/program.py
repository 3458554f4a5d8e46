"""What a fork behind the walls does: runs one program, gives its value, and tells when it reaches for what is outside.

The telling is no wall: it notes what a program stumbles on or is paid towards, and a program can silence it. What it
would have reached is not there.
"""

import importlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from typing import Any

from selftaught.sandbox.limits import ROOM

NAME = "<program>"
FUNCTION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
STANDARD = (os.path.dirname(os.path.realpath(os.__file__)) + os.sep, os.path.dirname(os.__file__) + os.sep)
# Whoever asks for it.
OUTSIDE = (
    "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "subprocess.", "pty.", "socket.", "os.kill",
    "ctypes.dlopen", "signal.pthread_kill", "urllib.", "os.chroot", "os.link", "os.symlink", "os.mknod", "os.mkfifo", "fcntl.ioctl",
)  # fmt: skip
# When the program asks for it itself; the standard library may.
OWN = (
    "sys._getframe", "sys._current_frames", "sys.settrace", "sys.setprofile", "sys.addaudithook", "gc.get_", "os.putenv", "os.unsetenv",
    "code.__new__", "marshal.loads", "syslog.",
)  # fmt: skip
FRAMES = ("tb_frame", "gi_frame", "cr_frame", "ag_frame")
LISTING = ("open", "os.listdir", "os.scandir", "os.chdir", "os.truncate", "os.remove", "os.rename", "os.chmod", "os.chown")
getframe = sys._getframe


def reached(event: str, args: tuple[Any, ...], file: str, visible: Sequence[str]) -> str:
    """What an audited event of code in a file reaches for outside its own folder and what it may read; "" for nothing."""
    mine = not file.startswith((*STANDARD, "<frozen", __file__))
    if event in LISTING and args and isinstance(args[0], (str, bytes, os.PathLike)):
        path = os.path.realpath(os.fsdecode(args[0]))
        kept = path == ROOM or path.startswith(ROOM + os.sep) or path == os.devnull
        shown = any(path == one or path.startswith(one + os.sep) for one in visible)
        reading = event != "open" or not (isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        return "" if kept or (reading and (shown or not mine)) else f"{event} {path}"
    if event == "compile" and mine and str(args[1]).startswith((*STANDARD, "<frozen")):
        return "code that passes as the library's"
    if event == "object.__getattr__" and mine and args[1] in FRAMES:
        return str(args[1])
    if event.startswith(OUTSIDE) or (mine and event.startswith(OWN)):
        return event
    return ""


class Nothing(dict[str, str]):
    """Stands for the environment: empty, and tells who looks."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__()
        self._tell = tell

    def _look(self) -> None:
        frame: Any = getframe(2)
        while frame is not None and frame.f_code.co_filename in (os.__file__, "<frozen os>", __file__):
            frame = frame.f_back
        if frame is not None and not frame.f_code.co_filename.startswith((*STANDARD, "<frozen")):
            self._tell("environment")

    def __getitem__(self, name: str) -> str:
        self._look()
        raise KeyError(name)

    def get(self, name: str, default: Any = None) -> Any:
        self._look()
        return default

    def __iter__(self) -> Any:
        self._look()
        return iter(())

    def keys(self) -> Any:
        self._look()
        return {}.keys()

    def items(self) -> Any:
        self._look()
        return {}.items()


def perform(program: str, data: Any, most: int) -> dict[str, Any]:
    """{"value": ...} that a program gives for some data, or {"why": ..., "note": ...}.

    A program is the text of a module with a function `main(data)`, or `module:function` of one that was loaded beforehand.
    """
    try:
        if FUNCTION.fullmatch(program):
            module, _, name = program.partition(":")
            called = getattr(importlib.import_module(module), name)
        else:
            names: dict[str, Any] = {"__name__": "program", "__builtins__": __builtins__}
            exec(compile(program, NAME, "exec"), names)
            called = names["main"]
        value = json.dumps(called(data))
        return {"value": json.loads(value)} if len(value) <= most else {"why": "output", "note": "a value that is too long"}
    except MemoryError:
        return {"why": "memory", "note": "MemoryError"}
    # SystemExit and KeyboardInterrupt too: a program may raise anything.
    except BaseException as error:
        return {"why": "error", "note": type(error).__name__[:80]}


def watched(program: str, data: Any, most: int, visible: Sequence[str], say: Callable[[bytes], Any]) -> dict[str, Any]:
    """`perform`, with every reach outside told through `say` as a line `! what` when it happens."""
    busy = False

    def tell(what: str) -> None:
        say(b"! " + re.sub(r"[^ -~]", "?", what)[:80].encode() + b"\n")

    def hook(event: str, args: tuple[Any, ...]) -> None:
        nonlocal busy
        if not busy:
            busy = True
            try:
                if what := reached(event, args, getframe(1).f_code.co_filename, visible):
                    tell(what)
            # A path that leads nowhere is one that leads out.
            except (ValueError, OSError):
                tell(event)
            finally:
                busy = False

    # A temporary file is the program's own too.
    tempfile.tempdir = ROOM
    os.environ = Nothing(tell)  # type: ignore[assignment]  # noqa: B003
    os.environb = Nothing(tell)  # type: ignore[assignment]
    sys.addaudithook(hook)
    made = perform(program, data, most)
    busy = True
    return made
