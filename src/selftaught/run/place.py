"""A folder to write into: checked before anything is spent, and held by one process at a time."""

import os
import platform
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from selftaught.parts import BadInput

LOCK = ".selftaught.lock"
# What a comparison puts into the folder of a run before it starts the run.
BEFORE = frozenset({LOCK, "asked.json", "asked.json.part", "log.txt"})


def names_in(path: Path) -> frozenset[str]:
    """Names of what lies in a folder, none where there is no folder yet; touches nothing.

    Raises:
        BadInput: a folder cannot be there: it is a file, lies below one, is a link to nothing or has too long a name.
    """
    try:
        about = path.stat()
        if stat.S_ISDIR(about.st_mode):
            return frozenset(os.listdir(path))
    except FileNotFoundError:
        if path.is_symlink():
            raise BadInput(f"{path} is a link to nothing: delete the link, or give another --out") from None
        return frozenset()
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} cannot be a folder ({getattr(error, 'strerror', error)}): give another --out") from None
    raise BadInput(f"{path} is no folder: give one that is new or empty as --out")


def refuse_foreign(path: Path, what: str, begun: frozenset[str] = frozenset()) -> None:
    """Refuse a folder that holds anything else than what was left by a process of ours that wrote no more than `begun`.

    Raises:
        BadInput: also for what `names_in` refuses.
    """
    names = names_in(path)
    foreign = names - BEFORE - (begun if LOCK in names else frozenset())
    if foreign:
        raise BadInput(f"{path} holds {min(foreign)}, and no {what} of ours: give a new or an empty folder as --out")


@dataclass
class Held:
    """A folder that no other process writes to, until this one lets go of it or ends.

    Attributes:
        path: the folder.
        descriptor: of the open lock; None where the system has no locks.
        made: folders that were made for it, the innermost first.
    """

    path: Path
    descriptor: int | None
    made: tuple[Path, ...] = ()

    def release(self) -> None:
        """Let go; folders that were made for nothing are gone again."""
        if self.descriptor is None:
            return
        with suppress(OSError):
            if set(os.listdir(self.path)) <= {LOCK}:
                (self.path / LOCK).unlink(missing_ok=True)
                for folder in self.made:
                    folder.rmdir()
        os.close(self.descriptor)
        self.descriptor = None


def hold(path: Path) -> Held:
    """Make a folder and lock it; the lock is the system's, and goes with the process however it ends.

    Raises:
        BadInput: the folder cannot be written to, or another process holds it.
    """
    made = tuple(folder for folder in (path, *path.parents) if not os.path.exists(folder))
    held = Held(path, None, made)
    try:
        path.mkdir(parents=True, exist_ok=True)
        while True:
            held.descriptor = os.open(path / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
            if not lock(held.descriptor):
                who = os.pread(held.descriptor, 200, 0).decode(errors="replace").strip() or "another process"
                os.close(held.descriptor)
                held.descriptor = None
                raise BadInput(f"{path}: {who}, or what it started, is still at work here: wait for it, or end it")
            # Whoever had the lock may have taken the file away with it.
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(held.descriptor), os.stat(path / LOCK)):
                    break
            os.close(held.descriptor)
        os.ftruncate(held.descriptor, 0)
        os.pwrite(held.descriptor, f"process {os.getpid()} on {platform.node()}\n".encode(), 0)
    except (OSError, ValueError) as error:
        if isinstance(error, BadInput):
            raise
        unmake(held)
        raise BadInput(f"{path} cannot be written to ({getattr(error, 'strerror', error)}): give another --out") from None
    return held


def unmake(held: Held) -> None:
    """Take back what was made of a folder that could not be held."""
    held.release()
    for folder in held.made:
        with suppress(OSError):
            folder.rmdir()


def lock(descriptor: int) -> bool:
    """Lock an open file; False when another has. Where there are no locks nothing is locked, and that is no reason to stop."""
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):
        return True
    return True


@contextmanager
def holding(path: Path, check: Callable[[], None] = lambda: None) -> Iterator[Held]:
    """Hold a folder, after what `check` has to say against it, for as long as the block lasts."""
    check()
    held = hold(path)
    try:
        yield held
    finally:
        held.release()


def check_file(path: Path, option: str) -> None:
    """Refuse a file that could not be written later, before anything is spent; touches nothing. Raises BadInput."""
    beside = path.parent
    try:
        fine = not (os.path.lexists(path) and not path.is_file()) and beside.is_dir() and os.access(beside, os.W_OK)
    except (OSError, ValueError):
        fine = False
    if not fine or len(os.fsencode(path.name)) > 250:
        raise BadInput(f"{path} cannot be written: give a file in a folder that is there as {option}")
