"""What an answer that a checker runs as code may not do, and how an attempt at it is noticed.

An audit hook sees processes, sockets, files, environment, signals to others, frames, the garbage collector and code that
names them; `snapshot` and `changed` see a checker that was patched. This stops what a policy stumbles on or is paid
towards, not an expert: code in the same process can, with effort, reach its memory. It cannot stop an answer whose
value claims to equal everything either: a checker that trusts `==` on what it ran is mended in the checker.
"""

import builtins
import contextlib
import os
import sys
from collections.abc import Callable, Iterator, MutableMapping
from types import CodeType, FrameType
from typing import Any

# What nothing may do here; compiling and evaluating an answer is how such checkers work.
FORBIDDEN = (
    "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "subprocess.Popen", "pty.spawn", "os.kill",
    "socket.", "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.chmod", "os.chown", "os.link", "os.symlink", "os.truncate",
    "shutil.", "ctypes.dlopen", "urllib.",
)  # fmt: skip
# What code of an answer may not do either; libraries and the import system may.
PRIVATE = (
    "sys._getframe", "sys._current_frames", "sys.settrace", "sys.setprofile", "sys.addaudithook", "gc.get_", "os.putenv", "os.unsetenv",
    "os.listdir", "os.scandir", "os.chdir", "mmap.", "code.__new__", "marshal.loads", "signal.pthread_kill", "_thread.start_new_thread",
    "object.__setattr__",
)  # fmt: skip
FRAMES = ("tb_frame", "gi_frame", "cr_frame", "ag_frame")
# Names that lead out of an answer's own values.
LEADING_OUT = {
    *FRAMES, "f_back", "f_locals", "f_globals", "_getframe", "_exit",
    "__subclasses__", "__globals__", "__builtins__", "__closure__", "__code__",
}  # fmt: skip
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
STDLIB = os.path.dirname(os.__file__) + os.sep
LIBRARIES = tuple(os.path.realpath(path) + os.sep for path in (sys.prefix, sys.base_prefix, os.path.dirname(__file__) + "/../.."))
DESCRIPTORS = (classmethod, staticmethod, property)
# A class that was made at run time, and can be changed.
HEAP_TYPE = 1 << 9
Held = dict[tuple[str, ...], tuple[Any, ...]]
getframe = sys._getframe


def guard(event: str, args: tuple[Any, ...]) -> None:
    """Audit hook: raise PermissionError on processes, sockets and writing to files."""
    if event.startswith(FORBIDDEN) or (event == "open" and isinstance(args[2], int) and args[2] & WRITING):
        raise PermissionError(f"a checker may not {event}")


class Guard:
    """The audit hook of a checker process, which cannot be removed once added.

    Attributes:
        mode: "off"; "plain", where `guard` refuses; "strict", where the code of an answer is watched too.
        tampered: the first thing that the code of an answer was refused, "" for none.
    """

    def __init__(self) -> None:
        self.mode, self.tampered, self._busy = "off", "", False

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if self.mode == "off" or self._busy:
            return
        self._busy = True
        try:
            frame = getframe(1)
            if self.mode == "strict" and meddles(event, args, frame):
                self.tampered = self.tampered or event
                raise PermissionError(f"an answer may not {event}")
            guard(event, args)
        except PermissionError:
            if self.mode == "strict" and any(is_answer(code) for code in codes(frame)):
                self.tampered = self.tampered or event
            raise
        finally:
            self._busy = False

    def touch(self, name: str) -> None:
        """Note that the environment was looked at, when the code of an answer did it."""
        if self.mode == "strict" and by_answer(getframe(1)):
            self.tampered = self.tampered or f"environment {name}"


def codes(frame: FrameType | None) -> Iterator[CodeType]:
    """The code of a frame and of those that called it, innermost first."""
    while frame is not None:
        yield frame.f_code
        frame = frame.f_back


def is_answer(code: CodeType) -> bool:
    """Whether code came from a text that was run, not from a file: `<string>` and the like."""
    return code.co_filename.startswith("<") and not code.co_filename.startswith("<frozen")


def by_answer(frame: FrameType) -> bool:
    """Whether the code of an answer asked for it, by itself or through the standard library."""
    for code in codes(frame):
        name = code.co_filename
        if not name.startswith("<frozen") and name != __file__ and not (name.startswith(STDLIB) and "site-packages" not in name):
            return is_answer(code)
    return False


def meddles(event: str, args: tuple[Any, ...], frame: FrameType) -> bool:
    """Whether an event is the code of an answer reaching for its grader."""
    importing = frame.f_code.co_filename.startswith("<frozen importlib")
    if event == "open":
        if not isinstance(args[0], (str, bytes)):
            return False
        inside = os.path.realpath(os.fsdecode(args[0])).startswith(LIBRARIES)
        return (by_answer(frame) and not importing) or (not inside and any(is_answer(code) for code in codes(frame)))
    if event == "exec":
        return isinstance(args[0], CodeType) and is_answer(args[0]) and bool(names(args[0]) & LEADING_OUT)
    if event == "compile":
        # Under a name of its own choosing, code would no longer look like an answer's.
        plain = str(args[1]).startswith("<") and not str(args[1]).startswith("<frozen")
        return args[1] is not None and not plain and not importing and by_answer(frame)
    if event == "object.__getattr__":
        return args[1] in FRAMES and by_answer(frame)
    if event == "import":
        return str(args[0]).partition(".")[0] in ("ctypes", "_ctypes", "_posixsubprocess", "_testcapi", "selftaught") and by_answer(frame)
    return event.startswith(PRIVATE) and not importing and by_answer(frame)


def names(code: CodeType) -> set[str]:
    """All names of attributes and globals in a piece of code and in those it holds."""
    inner = [names(const) for const in code.co_consts if isinstance(const, CodeType)]
    return set(code.co_names).union(*inner)


class NoEnvironment(MutableMapping[str, str]):
    """Stands in for `os.environ`: holds nothing, takes nothing, and reports who looks."""

    def __init__(self, touch: Callable[[str], None]) -> None:
        self._touch = touch

    def __getitem__(self, name: str) -> str:
        self._touch(name)
        raise KeyError(name)

    def __setitem__(self, name: str, value: str) -> None:
        self._touch(name)

    def __delitem__(self, name: str) -> None:
        self._touch(name)

    def __iter__(self) -> Iterator[str]:
        self._touch("*")
        return iter(())

    def __len__(self) -> int:
        return 0


def snapshot(modules: tuple[str, ...], leaned_on: tuple[str, ...] = ()) -> Held:
    """Every function, class and method of some modules, and what their code names of others; held, so that no id is reused."""
    held: Held = {}
    wanted: set[str] = set()
    for name in (*modules, *leaned_on):
        for key, value in list(getattr(sys.modules.get(name), "__dict__", {}).items()):
            if callable(value) and (name in modules or key in wanted):
                held[name, key] = value, getattr(value, "__code__", None), getattr(value, "__defaults__", None)
                if name in modules and isinstance(value, type) and value.__module__ == name and value.__flags__ & HEAP_TYPE:
                    methods = {word: made for word, made in vars(value).items() if callable(made) or isinstance(made, DESCRIPTORS)}
                    held |= {(name, key, word): (made, getattr(made, "__code__", None)) for word, made in methods.items()}
        if leaned_on and name == modules[-1]:
            wanted = set().union(*(names(code) for _, code, *_ in held.values() if isinstance(code, CodeType)))
    return held


def changed(before: Held, modules: tuple[str, ...], leaned_on: tuple[str, ...]) -> bool:
    """Whether something of an earlier snapshot is another by now or gone, or a new name of a module hides a builtin."""
    after = snapshot(modules, leaned_on)
    for key, was in before.items():
        now = after.get(key, ())
        if len(was) != len(now) or any(a is not b for a, b in zip(was, now, strict=True)):
            return True
    return any(len(key) == 2 and hasattr(builtins, key[1]) for key in after.keys() - before.keys())


def confine(memory: int, alone: bool = False, seconds: float = 0) -> None:
    """Limit memory beyond what is used now to `memory` bytes and forbid writing files; `alone` also processes and open files."""
    try:
        import resource
    except ImportError:
        return
    limits = [(resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0)]
    with contextlib.suppress(OSError, ValueError), open("/proc/self/statm", encoding="ascii") as file:
        limits.append((resource.RLIMIT_AS, int(file.read().split()[0]) * resource.getpagesize() + memory))
    limits += [(resource.RLIMIT_NPROC, 0), (resource.RLIMIT_NOFILE, 64), (resource.RLIMIT_CPU, int(seconds) + 2)] if alone else []
    for kind, most in limits:
        with contextlib.suppress(OSError, ValueError):
            hard = resource.getrlimit(kind)[1]
            least = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(kind, (least, least))
