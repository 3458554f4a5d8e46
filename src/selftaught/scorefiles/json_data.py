"""JSON out of files and archives that strangers wrote, as data: sizes are limited, and every fault is one line."""

import json
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Self

from selftaught.parts import BadInput
from selftaught.scorefiles.fields import plain

MOST_BYTES = 4 * 2**30
# What is parsed in one piece needs about ten times its size in memory.
MOST_PIECE = 2**30
AGAIN = "copy it again, or convert it with `inspect log convert --to json --output-dir json FILE`"
ZSTD = 93
DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error)
KIND = "give rows of task, attempt and score, an inspect log, or lm-eval's samples_*.jsonl"


def records(path: Path) -> Iterator[tuple[str, Any]]:
    """(where, object) of each line, or of each item where the file is one JSON array, whatever its suffix says.

    A file that is one JSON object gives that one.

    Raises:
        BadInput: a file that is missing, too large, not UTF-8 or not JSON, with its line.
    """
    try:
        size = path.stat().st_size
        with path.open(encoding="utf-8-sig") as file:
            start = file.read(4096).lstrip()[:1]
            file.seek(0)
            if start == "[" or (start == "{" and path.suffix == ".json"):
                limited(path, size, MOST_PIECE)
                yield from whole(path, file)
                return
            limited(path, size, MOST_BYTES)
            for count, line in enumerate(file, 1):
                if line.strip():
                    where = f"{path}, line {count}"
                    yield where, parsed(line.strip(), where)
    except FileNotFoundError:
        raise BadInput(f"{path}: there is no such file: give the path of one") from None
    except UnicodeDecodeError:
        raise BadInput(f"{path}: not UTF-8 text: {KIND}") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror or type(error).__name__}): give a readable file") from None


def whole(path: Path, file: IO[str]) -> Iterator[tuple[str, Any]]:
    """A file that is one JSON value; one object a line all the same is told by its second line."""
    text = file.read()
    head, _, rest = text.strip().partition("\n")
    try:
        many = bool(rest) and isinstance(json.loads(head), dict)
    except (ValueError, RecursionError):
        many = False
    if many:
        for count, line in enumerate(text.split("\n"), 1):
            if line.strip():
                yield f"{path}, line {count}", parsed(line.strip(), f"{path}, line {count}")
        return
    content = parsed(text, str(path))
    if isinstance(content, list):
        yield from ((f"{path}, item {i}", item) for i, item in enumerate(content, 1))
    else:
        yield str(path), content


def limited(path: Path, size: int, most: int) -> None:
    """Refuse what is too large to read."""
    if size > most:
        raise BadInput(
            f"{path}: larger than the {most / 2**30:.1f} GiB that can be read: write task, attempt and score alone into a jsonl file"
        )


def parsed(text: str, where: str) -> Any:
    """JSON, or BadInput with the line."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise BadInput(f"{where}{f', line {error.lineno}' if error.lineno > 1 else ''}: not JSON ({error.msg}): {KIND}") from None
    except RecursionError:
        raise BadInput(f"{where}: not JSON that can be read (nested too deep): {KIND}") from None
    except ValueError:
        raise BadInput(f"{where}: not JSON that can be read (a number of thousands of digits): {KIND}") from None


class Archive:
    """Members of an .eval file, a zip whose members may be compressed by zstandard, which zipfile knows from Python 3.14.

    Of members with one name the last counts: a sample that was run again is appended.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.left = path, MOST_BYTES
        try:
            self.archive = zipfile.ZipFile(path)
        except FileNotFoundError:
            raise BadInput(f"{path}: there is no such file: give the path of one") from None
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise BadInput(f"{path}: not an inspect log, which is a zip archive ({plain(str(error))}): {AGAIN}") from None
        except OSError as error:
            raise BadInput(f"{path}: cannot be read ({error.strerror or type(error).__name__}): give a readable file") from None
        self.members = {info.filename: info for info in self.archive.infolist()}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.archive.close()

    def read(self, name: str) -> Any:
        """One member, parsed."""
        where, most = f"{self.path}, {plain(name)}", min(MOST_PIECE, self.left)
        try:
            with self._opened(self.members[name]) as file:
                data = file.read(most + 1)
            if len(data) <= most and zlib.crc32(data) != self.members[name].CRC:
                raise zipfile.BadZipFile("bad checksum")
            text = data[:most].decode("utf-8-sig")
        except (*DAMAGE, OSError, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
            raise BadInput(f"{where}: damaged or packed in an unknown way ({plain(str(error))}): {AGAIN}") from None
        limited(self.path, len(data), most)
        self.left -= len(data)
        return parsed(text, where)

    def _opened(self, info: zipfile.ZipInfo) -> Any:
        if info.compress_type != ZSTD:
            return self.archive.open(info)
        import pyarrow

        with self.path.open("rb") as file:
            file.seek(info.header_offset)
            header = file.read(30)
            if header[:4] != b"PK\x03\x04":
                raise zipfile.BadZipFile("a member is not where the directory says")
            file.seek(sum(struct.unpack("<HH", header[26:30])), 1)
            packed = file.read(info.compress_size)
        return pyarrow.CompressedInputStream(pyarrow.BufferReader(packed), "zstd")
