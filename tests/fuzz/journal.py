"""A journal whose bytes are anything: what is whole is read, the rest counts as not logged, and the file can be gone on with."""

import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np
from fuzzing import fuzz, instrumented

with instrumented():
    from selftaught.run.journal import Journal, decode, encode, waves
    from selftaught.types import Tokens

TOKENS = Tokens(ids=np.arange(3, dtype=np.int32), sampled=np.ones(3, bool), logprobs=np.zeros(3, np.float32))
FOLDER = tempfile.TemporaryDirectory()


def logged() -> bytes:
    """A journal of two waves."""
    path = Path(FOLDER.name) / "seed.bin"
    held = Journal(path)
    held.append("sample", ["a"], [[TOKENS, "text"]])
    held.append("score", ["b"], [{"logprobs": np.zeros((2, 2))}])
    held.close()
    return path.read_bytes()


DATA = encode({"kind": "sample", "keys": ["a"], "replies": [[TOKENS, "old", np.zeros(3)]]}) + b"\n"
SEEDS = [b"\0" + logged(), b"\0" + f"{'0' * 16} {len(DATA):12d}\n".encode() + DATA, b"\1" + DATA, b"\1" + encode([TOKENS] * 2)]


def journal(data: bytes) -> None:
    """Opened, listed, replayed and added to; of a record alone nothing but a value or ValueError."""
    if data[:1] == b"\1":
        with suppress(ValueError):
            decode(data[1:])
        return
    path = Path(FOLDER.name) / "journal.bin"
    path.write_bytes(data[1:])
    held = Journal(path)
    with suppress(ValueError):
        list(waves(path))
    for kind, keys in (("sample", ["a"]), ("score", ["b"])):
        replies = held.replay(kind, keys)
        assert replies is None or isinstance(replies, list)
    held.append("sample", ["new"], [["reply"]])
    held.close()
    again = Journal(path)
    assert again.replay("sample", ["new"]) == [["reply"]]
    again.close()


if __name__ == "__main__":
    fuzz(journal, SEEDS)
