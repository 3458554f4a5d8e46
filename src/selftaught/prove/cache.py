"""Cached draws: what one model said to the same tasks at the same settings is not asked twice, in whichever run.

Entries are named by content (weights, tasks, sampler, noise, wording, format, the code that samples), so that nothing
has to be thrown away by hand. Attempts alone are kept: they are graded each time, by the answers and the checkers of
that time, and their reading is counted. A cache that cannot be read or written is no cache, and nothing else changes.
"""

import gzip
import hashlib
import os
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from selftaught.parts import record
from selftaught.prompts import PLAIN, new_tokens, wrapped
from selftaught.prove.sampling import RunSampler
from selftaught.run.files import SCHEMA
from selftaught.run.journal import decode, encode
from selftaught.types import Group, SamplerSettings, Task, content_hash

LARGEST = 4 << 30
# What decides an attempt beside the weights; a change of these files makes new entries.
CODE = ("format.py", "prompts.py", "types.py", "models/**/*.py", "run/requests.py")


def cache_folder() -> Path:
    """$SELFTAUGHT_CACHE, else selftaught/ in $XDG_CACHE_HOME or ~/.cache."""
    if own := os.environ.get("SELFTAUGHT_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "selftaught"


@dataclass(frozen=True, kw_only=True)
class CachedSampler(RunSampler):
    """A `RunSampler` that looks first whether these very attempts were drawn before.

    What drawing adds to the ledger a hit adds too, so that a result does not tell whether there was one.
    """

    async def draw(
        self, tasks: Sequence[Task], n: int, settings: SamplerSettings, weights: str, label: str, template: str = PLAIN
    ) -> list[Group]:
        """One group a task."""
        path = cache_folder() / "draws" / f"{self.key(tasks, n, settings, weights, template)}.gz"
        groups = load(path, tasks, self.digest(weights))
        if groups is None:
            groups = await super().draw(tasks, n, settings, weights, label, template)
            store(path, groups, self.digest(weights))
            return groups
        for group in groups:
            prompted = self.run.model.count(wrapped(group.task.messages, template))
            self.run.ledger.tokens("prompted", prompted, purpose="evaluate")
            self.run.ledger.tokens("sampled", sum(new_tokens(a, prompted) for a in group.attempts_G), purpose="evaluate")
        return groups

    def key(self, tasks: Sequence[Task], n: int, settings: SamplerSettings, weights: str, template: str) -> str:
        """Content hash of everything that decides the attempts."""
        asked = [self.digest(weights), [task.id for task in tasks], n, record(settings), self.seed, template]
        return content_hash(asked, record(self.run.format), version("selftaught"), code_mark())


@lru_cache(maxsize=1)
def code_mark() -> str:
    """Hash of the code that decides an attempt."""
    home = Path(__file__).parents[1]
    files = sorted(path for pattern in CODE for path in home.glob(pattern))
    return hashlib.blake2b(b"".join(path.read_bytes() for path in files), digest_size=8).hexdigest()


def load(path: Path, tasks: Sequence[Task], digest: str) -> list[Group] | None:
    """The groups of an entry, None when there is none or it does not hold exactly these tasks as these weights answered them."""
    try:
        with gzip.open(path, "rb") as file:
            schema, drawn_by, rows = decode(file.read())
        held = {task: tuple(attempts) for task, attempts in rows}
        os.utime(path)
        same = schema == SCHEMA and drawn_by == digest and len(held) == len(tasks)
        return [Group(key=task.id, task=task, attempts_G=held[task.id]) for task in tasks] if same else None
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError, AttributeError):
        return None


def store(path: Path, groups: Sequence[Group], digest: str) -> None:
    """Write an entry, and the digest of who was asked, whole or not at all; where the folder cannot be written nothing happens."""
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with gzip.open(part, "wb", compresslevel=1) as file:
            file.write(encode([SCHEMA, digest, [[group.task.id, group.attempts_G] for group in groups]]))
        os.replace(part, path)
        prune(path.parent)
    except OSError:
        with suppress(OSError):
            part.unlink()


def prune(folder: Path, most: int = LARGEST) -> None:
    """Delete the entries that were not used for longest until the rest fits into `most` bytes."""
    entries = sorted(((entry.stat(), entry.path) for entry in os.scandir(folder)), key=lambda e: -e[0].st_mtime)
    total = 0
    for about, path in entries:
        total += about.st_size
        if total > most:
            os.unlink(path)


def held_out_key(tasks: Sequence[Task]) -> str:
    """Content hash of a held-out set, whatever the order."""
    return content_hash(sorted(task.id for task in tasks))


def count_reuse(key: str, mark: str = "") -> int:
    """How many verdicts a held-out set has had, this one included; 1 where no count can be kept.

    Args:
        key: the set's `held_out_key`.
        mark: who asks; the same mark is counted once, so that a resumed run is one verdict. "" always counts.
    """
    path, line = cache_folder() / "verdicts" / key, (content_hash(mark) if mark else "-" * 16).encode() + b"\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        known = path.read_bytes().splitlines(keepends=True) if path.exists() else []
        if mark and line in known:
            return known.index(line) + 1
        # One write of one line at the end is whole even between processes, and where it ends is its number.
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(file, line)
            return os.lseek(file, 0, os.SEEK_CUR) // len(line)
        finally:
            os.close(file)
    except OSError:
        return 1


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `3rd`, `11th`, `14th`."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
