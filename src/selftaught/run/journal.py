"""The journal: replies of model, checkers and environments, one line a wave, keyed by request.

A wave is logged whole or not at all (a torn last line is dropped), because the shape of a batch moves the last bits
of log-probabilities: a wave that was not logged is made again as a whole.
"""

import base64
import json
import os
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from selftaught import types
from selftaught.types import content_hash

KNOWN: dict[str, Any] = {cls.__name__: cls for cls in (types.Attempt, types.Tokens, types.Rows, types.SamplerSettings)}


def pack(value: Any) -> Any:
    """Replies as JSON; arrays keep every bit."""
    if isinstance(value, np.ndarray):
        return {"@": value.dtype.str, "shape": value.shape, "data": base64.b64encode(value.tobytes()).decode()}
    if isinstance(value, types.Message):
        return {"@": "Message", "role": value.role, "content": value.content}
    if is_dataclass(value) and not isinstance(value, type):
        return {"@": type(value).__name__} | {f.name: pack(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, dict):
        return {k: pack(v) for k, v in value.items()}
    return [pack(v) for v in value] if isinstance(value, (list, tuple)) else value


def unpack(value: Any) -> Any:
    """The inverse of `pack`; sequences inside dataclasses come back as tuples, others as lists."""
    if isinstance(value, list):
        return [unpack(v) for v in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("@")
    if kind is None:
        return {k: unpack(v) for k, v in value.items()}
    if kind == "Message":
        return types.Message(value["role"], value["content"])
    if kind in KNOWN:
        inner = {k: unpack(v) for k, v in value.items() if k != "@"}
        return KNOWN[kind](**{k: tuple(v) if isinstance(v, list) else v for k, v in inner.items()})
    return np.frombuffer(base64.b64decode(value["data"]), kind).reshape(value["shape"]).copy()


class Journal:
    """Append-only file of waves. Reading happens once, when a run is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offsets: dict[str, int] = {}
        end = 0
        if path.exists():
            with path.open("rb") as lines:
                for line in lines:
                    if not line.endswith(b"\n"):
                        break
                    self.offsets[line[:16].decode()] = end
                    end += len(line)
            os.truncate(path, end)
        self.file = path.open("ab")

    def key(self, kind: str, keys: list[str]) -> str:
        """Content hash of a wave."""
        return content_hash(kind, keys)

    def replay(self, kind: str, keys: list[str]) -> list[Any] | None:
        """The replies of a logged wave, None when it was never completed."""
        offset = self.offsets.get(self.key(kind, keys))
        if offset is None:
            return None
        with self.path.open("rb") as lines:
            lines.seek(offset)
            return [unpack(reply) for reply in json.loads(lines.readline()[17:])["replies"]]

    def append(self, kind: str, keys: list[str], replies: list[Any]) -> None:
        """Log a wave and flush it."""
        key = self.key(kind, keys)
        body = json.dumps({"kind": kind, "keys": keys, "replies": [pack(r) for r in replies]}, separators=(",", ":"))
        self.offsets[key] = self.file.tell()
        # The key stands before a tab, so that opening a journal parses no JSON.
        self.file.write(f"{key}\t{body}\n".encode())
        self.file.flush()

    def close(self) -> None:
        """Close the file; replay still works."""
        self.file.close()
