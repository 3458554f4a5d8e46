"""What every source shares: task ids, text fingerprints, and the place of a prompt among the splits."""

import re
import unicodedata
from collections.abc import Mapping, Set
from functools import lru_cache
from typing import Any

from selftaught.tasks.question import asks, question
from selftaught.types import Message, Sealed, Split, Task, content_hash

WORD = re.compile(r"\w+")
# Where in [0, 1) of a content hash each split lives, for data that all splits share and for data of its own.
BLOCKS: Mapping[Split, tuple[float, float]] = {"held-out": (0, 0.2), "development": (0.2, 0.3), "audit": (0.3, 0.4), "train": (0.4, 1)}
WHOLE: Mapping[Split, tuple[float, float]] = {"held-out": (0, 0.6), "development": (0.6, 0.8), "audit": (0.8, 1), "train": (0, 1)}


def words(text: str, shared: Set[str] = frozenset()) -> str:
    """A text without case, spacing, signs and the shared words: what procedural families are told apart by."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(word for word in WORD.findall(folded.replace("_", " ")) if word not in shared)


# A task is looked at by every source that might hold it too.
@lru_cache(maxsize=1024)
def text_fingerprint(prompt: str | tuple[Message, ...]) -> str:
    """Equal for prompts that ask the same, whatever their shape and spelling (see `asked`); spacing alone where none has words."""
    text = question(prompt)
    return content_hash(asks(text) or " ".join(text.split()))


def make_task(
    prompt: str | tuple[Message, ...], source: str, split: Split, entry: Mapping[str, Any] | None = None, checker: str = "equal",
    numeric: bool = False, reads: str = "",
) -> Task:  # fmt: skip
    """A task out of data; without an entry nobody but a rule, which decides from the prompt, can grade it."""
    sealed = None if entry is None else Sealed(entry)
    graded = checker if sealed or checker == "rule" else ""
    return Task(
        id=content_hash(prompt, None, source), prompt=prompt, sealed=sealed, checker=graded, numeric=numeric, reads=reads,
        source=source, split=split,
    )  # fmt: skip


def place(fingerprint: str) -> float:
    """A number in [0, 1) that depends on what a prompt asks alone; it says which split the prompt lives in."""
    return int(fingerprint, 16) / 2**64
