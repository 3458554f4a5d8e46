"""Corpus: a folder of text files, searched as it is."""

import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Self

from selftaught.parts import BadInput, build, parse_options, part
from selftaught.shown import reason
from selftaught.tasks.documents import Documents
from selftaught.tasks.text import BLOCKS, place, text_fingerprint
from selftaught.types import Split, Task, content_hash

KINDS = (".txt", ".md", ".rst")
MOST_FILES, MOST_BYTES = 10_000, 50_000_000
# A word that asks for a document: not short, and found in few places.
TERM, FEW = re.compile(r"[^\W\d_]{4,}"), 3
SENTENCE = re.compile(r"(?<=[.!?])\s+")
SHORTEST, BLANK = 6, "____"
Held = Mapping[Split, tuple[str, ...]]


@part
@dataclass(frozen=True, kw_only=True)
class Corpus(Documents):
    """A folder's text files (txt, md, rst): `corpus:./docs`, or `corpus:./docs,words=80`.

    Files are read in the order of their paths and cut between paragraphs into documents of at most `words` words. What a
    file says decides which split all of it belongs to. A held-out question is a sentence with a rare word left out, which
    is its answer; in training a question is to be written for such a word. Nobody had to ask or answer anything.

    Attributes:
        folder: where the files are.
        words: most words of a document, 8 to 10,000.
    """

    name: ClassVar[str] = "corpus"
    folder: str = "."
    words: int = 120

    def __post_init__(self) -> None:
        if not 8 <= self.words <= 10_000:
            raise BadInput(f"corpus: words={self.words} must be 8 to 10000")

    @classmethod
    def parse(cls, text: str) -> Self:
        """`corpus:./docs` as a source; raises BadInput where nothing can be read there."""
        folder, _, options = text.partition(":")[2].partition(",")
        made: Self = build(cls, {**parse_options(options), "folder": folder}, "corpus")
        load(made.folder, made.words)
        return made

    def text(self) -> str:
        return f"corpus:{self.folder},words={self.words}"

    def library(self, split: Split) -> tuple[str, ...]:
        held = load(self.folder, self.words)
        return held["train"] if split == "train" else tuple(text for texts in held.values() for text in texts)

    def draw(self, key: str, count: int, split: Split) -> list[Task]:
        rng = random.Random(content_hash(key, split, self.text()))
        found = rare(self.folder, self.words, split)
        tasks = []
        for sentence, term in rng.sample(found, min(count, len(found))):
            blanked = re.sub(rf"\b{term}\b", BLANK, sentence, flags=re.IGNORECASE)
            question = f"Which word is left out: {blanked}"
            tasks.append(self.sought(term, split) if split == "train" else self.asked(question, term, split))
        return tasks


@lru_cache(maxsize=8)
def load(folder: str, words: int) -> Held:
    """The documents of each split.

    Raises:
        BadInput: no such folder, no text in it, more than can be searched, or a file that is not UTF-8.
    """
    home = Path(folder).expanduser()
    if not home.is_dir():
        raise BadInput(f"corpus:{folder}: there is no such folder: give one with {', '.join(KINDS)} files in it")
    files = sorted(path for path in home.rglob("*") if path.suffix.lower() in KINDS and path.is_file())
    size = sum(path.stat().st_size for path in files)
    if len(files) > MOST_FILES or size > MOST_BYTES:
        most = f"at most {MOST_FILES:,} files and {MOST_BYTES // 10**6} MB"
        raise BadInput(f"corpus:{folder}: {len(files):,} files of {size // 10**6} MB: give a folder of {most}")
    held: dict[Split, list[str]] = {split: [] for split in BLOCKS}
    for path in files:
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(f"{path}: cannot be read ({reason(error)}): save it as UTF-8, or take it out of the folder") from None
        at = place(text_fingerprint(text))
        held[next(split for split, (low, high) in BLOCKS.items() if low <= at < high)] += chunks(text, words)
    if empty := [split for split in ("train", "held-out") if not held[split]]:
        total = sum(map(len, held.values()))
        raise BadInput(f"corpus:{folder}: {len(files)} text files give {total} documents, none {' or '.join(empty)}: give more files")
    return {split: tuple(texts) for split, texts in held.items()}


def chunks(text: str, most: int) -> Iterator[str]:
    """Paragraphs joined, or cut, to at most so many words; those of one file alone."""
    kept: list[str] = []
    for paragraph in re.split(r"\n\s*\n", text):
        said = paragraph.split()
        if kept and len(kept) + len(said) > most:
            yield " ".join(kept)
            kept = []
        kept += said
        while len(kept) > most:
            yield " ".join(kept[:most])
            kept = kept[most:]
    if kept:
        yield " ".join(kept)


@lru_cache(maxsize=32)
def rare(folder: str, words: int, split: Split) -> list[tuple[str, str]]:
    """(sentence, term) of every sentence of a split with a term that few documents hold: the rarest, the first of equals."""
    held = load(folder, words)
    everywhere = Counter(term for texts in held.values() for text in texts for term in {t.casefold() for t in TERM.findall(text)})
    found: dict[str, str] = {}
    for text in held[split]:
        for sentence in SENTENCE.split(text):
            terms = [term for term in TERM.findall(sentence) if everywhere[term.casefold()] <= FEW]
            if terms and len(sentence.split()) >= SHORTEST:
                found[sentence] = min(terms, key=lambda term: everywhere[term.casefold()])
    return list(found.items())
