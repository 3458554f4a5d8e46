r"""The journal: replies of model, checkers and environments, one record a wave, keyed by request.

A wave is logged whole or not at all (a torn last record is dropped), because the shape of a batch moves the last bits
of log-probabilities: a wave that was not logged is made again as a whole.

A record is a line `KEY#SIZE\n`, KEY the 16 hexadecimal digits that name the wave and SIZE the bytes of its data, a line of
twice 16 digits, the hash of that first line and of the data, and the data: what `encode` makes of {kind, keys, replies},
and a line feed. A record without hashes, `KEY SIZE\n` and the data, is read too. `waves` reads a file of them.
A record that is not what was written counts as not logged, and its wave is made again; that is said.
"""

import hashlib
import json
import math
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from selftaught import types
from selftaught.payload import Payload, payload_class
from selftaught.run.files import append, not_written
from selftaught.shown import reason
from selftaught.types import content_hash

KNOWN: dict[str, Any] = {cls.__name__: cls for cls in (types.Attempt, types.SamplerSettings)}
NAMES = {cls: tuple(f.name for f in fields(cls)) for cls in KNOWN.values()}
# A key, a space or #, twelve digits, a line feed; then, behind a #, two hashes and a line feed.
HEAD, HASHES = 30, 33
FIRST = re.compile(rb"[0-9a-f]{16}[ #] *[0-9]+\n")
# Types of ids, logprobs and sampled.
TOKENS = [np.dtype("<i4"), np.dtype("<f4"), np.dtype("?")]


def encode(value: Any) -> bytes:
    """A value as a line of JSON, and behind it the bytes of its arrays end to end, to which the JSON points.

    Knows dicts, lists, numbers, texts, arrays, payloads and the types that `KNOWN` names; sequences come back as lists,
    inside the types as tuples. Raises TypeError on anything else.
    """
    arrays: list[bytes] = []
    end = 0

    def put(*parts: NDArray[Any]) -> int:
        nonlocal end
        at = end
        arrays.extend(part.tobytes() for part in parts)
        end += sum(part.nbytes for part in parts)
        return at

    def known(value: Any) -> Any:
        kind = type(value)
        # Nearly all there is to log: one entry for its three arrays.
        if kind is types.Tokens and [a.dtype for a in (value.ids, value.logprobs, value.sampled)] == TOKENS:
            return {"@": "", "at": put(value.ids, value.logprobs, value.sampled), "items": len(value)}
        if kind in NAMES or isinstance(value, Payload):
            return {"@": kind.__name__} | {name: getattr(value, name) for name in NAMES.get(kind) or value.contents()}
        if kind is np.ndarray:
            return {"@": value.dtype.str, "at": put(value), "shape": value.shape}
        raise TypeError(f"a reply may not hold a {kind.__name__}")

    text = json.JSONEncoder(separators=(",", ":"), check_circular=False, default=known).encode(value)
    return b"".join((text.encode(), b"\n", *arrays))


def decode(data: bytes) -> Any:
    """The inverse of `encode`; every bit of an array comes back. Raises ValueError for what `encode` never makes."""
    text, _, arrays = data.partition(b"\n")

    # A copy: it can be written to, and does not hold the whole record in memory.
    def take(kind: Any, at: int, items: int) -> NDArray[Any]:
        return np.frombuffer(arrays, kind, items, at).copy()

    def known(value: dict[str, Any]) -> Any:
        kind = value.pop("@", None)
        if kind is None:
            return value
        if kind == "":
            at, n = value["at"], value["items"]
            ids, logprobs, sampled = (take(dtype, at + n * before, n) for dtype, before in zip(TOKENS, (0, 4, 8), strict=True))
            return types.Tokens(ids=ids, sampled=sampled, logprobs=logprobs)
        if kind == "Attempt":
            value["messages"] = [types.Message(*message) for message in value["messages"]]
        if cls := KNOWN.get(kind) or (kind.isidentifier() and payload_class(kind)):
            return cls(**{name: tuple(v) if isinstance(v, list) else v for name, v in value.items()})
        return take(kind, value["at"], math.prod(value["shape"])).reshape(value["shape"])

    try:
        return json.loads(text, object_hook=known)
    except (KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError, SyntaxError) as error:
        raise ValueError(f"no record ({type(error).__name__}: {reason(error)})") from error


class Record(NamedTuple):
    """Where a record's data lies in the file: its wave's key, the first byte, how many there are, and their hash ("" where unknown)."""

    key: str
    at: int
    size: int
    hash: str

    def read(self, file: BinaryIO) -> Any:
        """What was logged; raises ValueError where it is damaged."""
        file.seek(self.at)
        data = file.read(self.size)
        if self.hash and hash_of(data) != self.hash:
            raise ValueError("its bytes are not what was written")
        return decode(data)


def hash_of(data: bytes) -> str:
    """16 hexadecimal digits."""
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def waves(path: Path) -> Iterator[dict[str, Any]]:
    """Every whole wave of a journal's file as {kind, keys, replies}, in the order they were logged; ValueError for a damaged one."""
    with path.open("rb") as file:
        for record in list(records(file)[0]):
            yield record.read(file)


def records(file: BinaryIO) -> tuple[list[Record], int, bool]:
    """(whole records, where the last of them ends, whether what follows is damaged and not just torn); no data is read."""
    whole, end, found = os.fstat(file.fileno()).st_size, 0, list[Record]()
    while True:
        file.seek(end)
        first = file.read(HEAD)
        if len(first) < HEAD or not FIRST.fullmatch(first):
            return found, end, len(first) == HEAD
        hashed = first[16:17] == b"#"
        hashes = file.read(HASHES) if hashed else b""
        at, size = end + HEAD + len(hashes), int(first[17:])
        if hashed and len(hashes) == HASHES and (hashes[:16].decode("latin-1"), hashes[32:]) != (hash_of(first), b"\n"):
            return found, end, True
        if at + size > whole or len(hashes) != HASHES * hashed:
            return found, end, False
        found.append(Record(first[:16].decode(), at, size, hashes[16:32].decode("latin-1")))
        end = at + size


class Journal:
    """Append-only file of waves. What is in it is listed once, when a run is opened.

    Attributes:
        found: the record of each wave, by key.
        say: called with one line when a record is damaged.
    """

    def __init__(self, path: Path, say: Callable[[str], None] = lambda line: None) -> None:
        self.path, self.say = path, say
        self.found: dict[int, Record] = {}
        if path.exists():
            with path.open("rb") as file:
                listed, end, damaged = records(file)
            self.found = {int(record.key, 16): record for record in listed}
            if damaged:
                say(f"{path} is damaged at byte {end}: what was logged from there on is made again")
            os.truncate(path, end)
        # Unbuffered: what did not fit on a full disk is not tried again when the file is closed.
        self.file = path.open("ab", buffering=0)

    def key(self, kind: str, keys: list[str]) -> str:
        """Content hash of a wave."""
        return content_hash(kind, keys)

    def replay(self, kind: str, keys: list[str]) -> list[Any] | None:
        """The replies of a logged wave, None when it was never completed, or is damaged, which is said."""
        record = self.found.get(int(self.key(kind, keys), 16))
        if record is None:
            return None
        with self.path.open("rb") as file:
            try:
                replies: list[Any] = record.read(file)["replies"]
                if not isinstance(replies, list):
                    raise ValueError("it holds no replies")
            except (ValueError, KeyError, TypeError) as error:
                del self.found[int(record.key, 16)]
                self.say(f"{self.path} is damaged at byte {record.at} ({reason(error)}): these replies are made again")
                return None
            return replies

    def append(self, kind: str, keys: list[str], replies: list[Any]) -> None:
        """Log a wave. Raises NotWritten, and then nothing of it is logged."""
        key, data = self.key(kind, keys), encode({"kind": kind, "keys": keys, "replies": replies}) + b"\n"
        first = f"{key}#{len(data):12d}\n".encode()
        found = Record(key, self.file.tell() + HEAD + HASHES, len(data), hash_of(data))
        try:
            append(self.file.fileno(), b"".join((first, hash_of(first).encode(), found.hash.encode(), b"\n", data)))
        except OSError as error:
            raise not_written(self.path, error) from error
        self.file.seek(0, os.SEEK_END)
        self.found[int(key, 16)] = found

    def close(self) -> None:
        """Close the file; replay still works."""
        self.file.close()
