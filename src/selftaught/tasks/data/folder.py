"""Folder: a user's own documents, as tasks that ask nothing and are there to be studied."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Self

from selftaught.parts import BadInput, build, parse_options, part
from selftaught.shown import reason
from selftaught.stages import TaskSource
from selftaught.tasks.text import make_task, text_fingerprint
from selftaught.types import Split, Task, content_hash

KINDS = (".txt", ".md")


@part
@dataclass(frozen=True, kw_only=True)
class Folder(TaskSource):
    """Texts of a folder in pieces: `docs:./manual`, `docs:./manual,size=1200`, or one file `docs:notes.md`.

    Every piece serves training; questions about them are held out by a source of their own (`--held-out questions.jsonl`).

    Attributes:
        data: a folder of .txt and .md files, or one of them.
        size: most characters of a piece, which ends between paragraphs or sentences where it can.
    """

    name: ClassVar[str] = "docs"
    data: str = ""
    size: int = 1200

    def __post_init__(self) -> None:
        if self.size < 1:
            raise BadInput(f"docs: size={self.size} must be at least 1 character")

    @classmethod
    def parse(cls, text: str) -> Self:
        """`docs:PATH` and its options as a source; raises BadInput where there is no text."""
        data, _, options = text.partition(":")[2].partition(",")
        made: Self = build(cls, {**parse_options(options), "data": data}, "docs")
        made.documents()
        return made

    def text(self) -> str:
        usual = type(self).__dataclass_fields__["size"].default
        return f"docs:{self.data}" + (f",size={self.size}" if self.size != usual else "")

    def documents(self) -> Sequence[str]:
        place = Path(self.data).expanduser()
        files = sorted(path for path in place.rglob("*") if path.suffix in KINDS) if place.is_dir() else [place]
        try:
            stamps = tuple((str(path), path.stat().st_mtime_ns) for path in files)
        except OSError:
            stamps = ()
        if not stamps:
            raise BadInput(f"docs:{self.data}: no {' or '.join(KINDS)} file is there: give a folder of texts, or one of them")
        return pieces_of(stamps, self.size)

    def draw(self, key: str, count: int, split: Split) -> list[Task]:
        if split != "train":
            return []
        pieces = self.documents()
        chosen = random.Random(content_hash(key, split)).sample(pieces, min(count, len(pieces)))
        return [make_task(piece, self.text(), split, None, "") for piece in chosen]

    def fingerprint(self, task: Task) -> str:
        return text_fingerprint(task.prompt)

    def check(self, task: Task, answer: str, entry: Mapping[str, Any] | None) -> float:
        return float("nan")


@lru_cache(maxsize=16)
def pieces_of(files: tuple[tuple[str, int], ...], size: int) -> tuple[str, ...]:
    """The different pieces of files, one after the other; the stamp beside a path makes a changed file another one."""
    found: dict[str, None] = {}
    for path, _ in files:
        try:
            text = Path(path).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(f"{path}: cannot be read ({reason(error)}): save it as UTF-8 text, or move it away") from None
        found |= dict.fromkeys(cut(text.strip(), size))
    if not found:
        raise BadInput(f"{files[0][0]}: there is no text in it: give texts with words")
    return tuple(found)


def cut(text: str, size: int) -> list[str]:
    """A text in pieces of at most so many characters, cut at the last paragraph, line, sentence or word that fits."""
    pieces = []
    while len(text) > size:
        ends = (text.rfind(mark, 1, size + 1) + len(mark.rstrip()) for mark in ("\n\n", "\n", ". ", " "))
        end = next((end for end in ends if end > size // 2), size)
        pieces.append(text[:end].strip())
        text = text[end:].strip()
    return [piece for piece in [*pieces, text] if piece]
