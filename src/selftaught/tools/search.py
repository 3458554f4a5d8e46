"""Search: the documents of a task's own source, best first."""

import math
import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from selftaught.interaction import Reply
from selftaught.parts import BadInput, part
from selftaught.stages import Tool
from selftaught.tasks.documents import Documents
from selftaught.tasks.source import parse_source
from selftaught.types import Floats, Split, Task

WORD = re.compile(r"\w+")
# Words of a query that count; a model can write very long ones.
LONGEST = 64


def words(text: str) -> list[str]:
    """What is looked for and found: words in lower case."""
    return WORD.findall(text.casefold())


class Index:
    """BM25 over D documents (Robertson and Zaragoza, The Probabilistic Relevance Framework, 2009).

        score(q, d) = sum over words w of q of idf(w) f (k1 + 1) / (f + k1 (1 - b + b |d| / mean |d|))
        idf(w) = ln(1 + (D - n(w) + 0.5) / (n(w) + 0.5))

    with f how often w stands in d, and n(w) how many documents hold it. Equal scores stand in the order of the documents.
    """

    def __init__(self, documents: tuple[str, ...]) -> None:
        counted = [Counter(words(text)) for text in documents]
        self.documents = documents
        lengths_D = np.array([counts.total() for counts in counted], np.float64)
        self.relative_D = lengths_D / max(1.0, lengths_D.mean() if len(lengths_D) else 1.0)
        self.found: dict[str, list[tuple[int, int]]] = {}
        for i, counts in enumerate(counted):
            for word, count in counts.items():
                self.found.setdefault(word, []).append((i, count))

    def scores(self, query: str, k1: float, b: float) -> Floats:
        """f64[D]; a word counts once, however often the query has it."""
        scores_D = np.zeros(len(self.documents), np.float64)
        for word in dict.fromkeys(words(query)[:LONGEST]):
            if held := self.found.get(word):
                index, count = np.array(held).T
                idf = math.log(1 + (len(self.documents) - len(held) + 0.5) / (len(held) + 0.5))
                scores_D[index] += idf * count * (k1 + 1) / (count + k1 * (1 - b + b * self.relative_D[index]))
        return scores_D  # type: ignore[return-value]

    def best(self, query: str, k: int, k1: float, b: float) -> list[str]:
        """At most k documents that hold a word of the query, best first."""
        scores_D = self.scores(query, k1, b)
        return [self.documents[i] for i in np.argsort(-scores_D, kind="stable")[:k] if scores_D[i] > 0]


@lru_cache(maxsize=16)
def index_of(source: str, split: Split) -> Index:
    """The index of what may be searched; raises BadInput for a source without documents."""
    found = parse_source(source)
    if not isinstance(found, Documents):
        raise BadInput(f"search: {source} has no documents: give --tasks corpus:FOLDER or pages:world=0")
    return Index(found.library(split))


@part
@dataclass(frozen=True, kw_only=True)
class Search(Tool):
    """The documents that fit some words best, by BM25; for a training task, none that is held out.

    Attributes:
        k: how many are shown, 1 to 100.
        k1: how soon a word's repetition stops counting, 0 to 100.
        b: how much long documents are marked down, 0 to 1.
    """

    about: ClassVar[str] = "documents that hold some words, as <call>search WORDS</call>"
    k: int = 2
    k1: float = 1.2
    b: float = 0.75

    def __post_init__(self) -> None:
        if not 1 <= self.k <= 100 or not 0 <= self.k1 <= 100 or not 0 <= self.b <= 1:
            raise BadInput(f"search: k={self.k} must be 1 to 100, k1={self.k1} 0 to 100, b={self.b} 0 to 1")

    def call(self, argument: str, task: Task) -> Reply:
        found = index_of(task.source, task.split).best(argument, self.k, self.k1, self.b)
        return Reply(text="\n".join(found) or "nothing found")
