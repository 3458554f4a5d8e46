"""Files that are whole or as they were, logs whose last line may be torn, and one line that names the file when one is neither."""

import errno
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from selftaught.parts import BadInput
from selftaught.shown import reason

FULL = (errno.ENOSPC, errno.EDQUOT)
# What is left where a write of a library failed for want of room: less than the block it wanted.
HARDLY = 1 << 20


# Of every file that is written here, and of each line of a log. What names none is of an old run, and is read.
SCHEMA = 3


class OtherVersion(BadInput):
    """A file was written by a version of selftaught whose files this one does not read."""


class NotWritten(BadInput):
    """A file could not be written; what was there before is still there."""


def put(descriptor: int, data: bytes) -> None:
    """Write all of the bytes; every byte a run keeps passes through here, but for a model's own files."""
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def write_whole(path: Path, data: bytes) -> None:
    """Write a file whole or not at all: aside, onto the disk, then in the place of the old one. Raises NotWritten."""
    part = path.with_name(path.name + ".part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        try:
            put(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(part, path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise not_written(path, error) from error


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write an object and its version as a JSON file, whole or not at all. Raises NotWritten."""
    write_whole(path, (json.dumps({"version": SCHEMA, **value}, indent=1, default=float) + "\n").encode())


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a JSON-lines file whole or not at all. Raises NotWritten."""
    write_whole(path, b"".join(map(line_of, rows)))


def line_of(row: Mapping[str, Any]) -> bytes:
    """A row and its version as a line."""
    return (json.dumps({"version": SCHEMA, **row}, default=float) + "\n").encode()


def append_line(path: Path, row: Mapping[str, Any]) -> None:
    """One line more in a JSON-lines file, or none. Raises NotWritten."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            append(descriptor, line_of(row))
        finally:
            os.close(descriptor)
    except OSError as error:
        raise not_written(path, error) from error


def append(descriptor: int, data: bytes) -> None:
    """Add bytes to the end of an open file; what fits of them on a full disk is taken back."""
    end = os.fstat(descriptor).st_size
    try:
        put(descriptor, data)
    except OSError:
        with suppress(OSError):
            os.ftruncate(descriptor, end)
        raise


def sync(path: Path) -> None:
    """Wait until a file is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def keep_lines(path: Path, wanted: Callable[[Any], bool]) -> None:
    """Drop the rows of a JSON-lines file that are not wanted, and a last line that was not written whole.

    Raises:
        BadInput: another line is damaged.
    """
    data = path.read_bytes() if path.exists() else b""
    kept, lines = [], data.split(b"\n")
    for number, line in enumerate(lines[:-1], 1):
        try:
            if wanted(parsed(line, path)):
                kept.append(line + b"\n")
        except OtherVersion:
            raise
        except (ValueError, KeyError, TypeError):
            if number < len(lines) - 1:
                raise BadInput(f"{path}, line {number} is damaged: delete the line, and go on") from None
    if b"".join(kept) != data:
        write_whole(path, b"".join(kept))


def parsed(data: bytes, path: Path, oldest: int = 0) -> Any:
    """What a JSON file or a line of a log holds, without its version.

    Raises:
        OtherVersion: it is newer than what this version reads, or older than `oldest`.
        ValueError: it is no JSON, or nested too deep.
    """
    try:
        value = json.loads(data)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    version = value.pop("version", None) if isinstance(value, dict) else None
    if isinstance(version, int) and version > SCHEMA:
        why = f"{path} was written by a newer selftaught (its files are of version {version}, and {SCHEMA} is read)"
        raise OtherVersion(f"{why}: upgrade selftaught, or start a new run with another --out")
    if oldest and (not isinstance(version, int) or version < oldest):
        raise OtherVersion(f"{path} was written by another version of selftaught ({version}): start a new run with another --out")
    return value


def read_json(path: Path, remedy: str, of: Callable[[Any], Any] = lambda value: value, oldest: int = 0) -> Any:
    """What a JSON file holds, without its version, made into something by `of`.

    Raises:
        BadInput: one line with the file and the remedy: it is missing, damaged, not what `of` can read, or of a version that is
            newer than this one's or older than `oldest`.
    """
    try:
        return of(parsed(path.read_bytes(), path, oldest))
    except OtherVersion:
        raise
    except FileNotFoundError:
        raise BadInput(f"{path} is missing: {remedy}") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadInput(f"{path} is damaged ({reason(error)}): {remedy}") from None


def not_written(path: Path, error: BaseException) -> NotWritten:
    """What is said of a file that could not be written."""
    remedy = "make room there" if full(error, path.parent) else "make it writable"
    return NotWritten(f"{path} could not be written ({getattr(error, 'strerror', None) or reason(error)}): {remedy}")


def full(error: BaseException, place: Path) -> bool:
    """Whether an error came of a full disk or a spent quota; libraries that write by themselves do not all say so."""
    if getattr(error, "errno", None) in FULL or any(word in str(error) for word in ("No space left", "os error 28", "code: 28")):
        return True
    with suppress(OSError):
        there = next(folder for folder in (place, *place.parents) if folder.exists())
        return not isinstance(error, OSError) and shutil.disk_usage(there).free < HARDLY
    return False


@contextmanager
def told_when_full(place: Path, remedy: str) -> Iterator[None]:
    """What could not be written inside becomes one line that ends with the remedy. Raises BadInput."""
    try:
        yield
    except NotWritten as error:
        raise BadInput(f"{error}, then {remedy}") from error
    except OSError as error:
        if not full(error, place):
            raise
        raise BadInput(f"{error.filename or place}: {error.strerror}: make room there, then {remedy}") from error
