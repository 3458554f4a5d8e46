r"""The journal: replies of model, checkers and environments, one record a wave, keyed by request.

A wave is logged whole or not at all (a torn last record is dropped), because the shape of a batch moves the last bits
of log-probabilities: a wave that was not logged is made again as a whole.

A record is a line `KEY SIZE\n`, KEY the 16 hexadecimal digits that name the wave and SIZE the bytes that follow, and
those bytes: what `encode` makes of {kind, keys, replies}, and a line feed. `waves` reads a file of them.
"""

import json
import math
import os
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from selftaught import types
from selftaught.types import content_hash

KNOWN: dict[str, Any] = {cls.__name__: cls for cls in (types.Attempt, types.Tokens, types.Rows, types.SamplerSettings)}
NAMES = {cls: tuple(f.name for f in fields(cls)) for cls in KNOWN.values()}
# A key, a space, twelve digits, a line feed.
HEAD = 30
# Types of ids, logprobs and sampled.
TOKENS = [np.dtype("<i4"), np.dtype("<f4"), np.dtype("?")]


def encode(value: Any) -> bytes:
    """A value as a line of JSON, and behind it the bytes of its arrays end to end, to which the JSON points.

    Knows dicts, lists, numbers, texts, arrays and the types that `KNOWN` names; sequences come back as lists, inside
    the types as tuples. Raises TypeError on anything else.
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
        if kind in NAMES:
            return {"@": kind.__name__} | {name: getattr(value, name) for name in NAMES[kind]}
        if kind is np.ndarray:
            return {"@": value.dtype.str, "at": put(value), "shape": value.shape}
        raise TypeError(f"a reply may not hold a {kind.__name__}")

    text = json.JSONEncoder(separators=(",", ":"), check_circular=False, default=known).encode(value)
    return b"".join((text.encode(), b"\n", *arrays))


def decode(data: bytes) -> Any:
    """The inverse of `encode`; every bit of an array comes back."""
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
        if kind in KNOWN:
            return KNOWN[kind](**{name: tuple(v) if isinstance(v, list) else v for name, v in value.items()})
        return take(kind, value["at"], math.prod(value["shape"])).reshape(value["shape"])

    return json.loads(text, object_hook=known)


def waves(path: Path) -> Iterator[dict[str, Any]]:
    """Every whole wave of a journal's file as {kind, keys, replies}, in the order they were logged."""
    with path.open("rb") as file:
        for _, at, size in list(records(file)):
            file.seek(at)
            yield decode(file.read(size))


def records(file: BinaryIO) -> Iterator[tuple[str, int, int]]:
    """(key, where its bytes begin, how many they are) of each whole record; what is in them is not read."""
    whole, at = os.fstat(file.fileno()).st_size, 0
    while True:
        file.seek(at)
        head = file.read(HEAD)
        if len(head) < HEAD or not head.endswith(b"\n"):
            return
        size = int(head[17:])
        at += HEAD + size
        if at > whole:
            return
        yield head[:16].decode(), at - size, size


class Journal:
    """Append-only file of waves. Reading happens once, when a run is opened.

    Attributes:
        offsets: where the record of each wave begins, and its size, by key.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offsets: dict[int, tuple[int, int]] = {}
        end = 0
        if path.exists():
            with path.open("rb") as file:
                for key, at, size in records(file):
                    self.offsets[int(key, 16)] = at, size
                    end = at + size
            os.truncate(path, end)
        self.file = path.open("ab")

    def key(self, kind: str, keys: list[str]) -> str:
        """Content hash of a wave."""
        return content_hash(kind, keys)

    def replay(self, kind: str, keys: list[str]) -> list[Any] | None:
        """The replies of a logged wave, None when it was never completed."""
        where = self.offsets.get(int(self.key(kind, keys), 16))
        if where is None:
            return None
        with self.path.open("rb") as file:
            file.seek(where[0])
            replies: list[Any] = decode(file.read(where[1]))["replies"]
            return replies

    def append(self, kind: str, keys: list[str], replies: list[Any]) -> None:
        """Log a wave and flush it."""
        key, data = self.key(kind, keys), encode({"kind": kind, "keys": keys, "replies": replies}) + b"\n"
        self.offsets[int(key, 16)] = self.file.tell() + HEAD, len(data)
        self.file.write(f"{key} {len(data):12d}\n".encode())
        self.file.write(data)
        self.file.flush()

    def close(self) -> None:
        """Close the file; replay still works."""
        self.file.close()
