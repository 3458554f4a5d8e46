"""BM25 against hand numbers and a naive twin, and what may be found for which task."""

import math
import random

import numpy as np
import pytest

from selftaught.parts import BadInput
from selftaught.tasks.source import parse_source
from selftaught.tools import Search
from selftaught.tools.search import Index, words
from selftaught.types import Task


def naive(documents, query, k1, b):
    """The formula, document by document."""
    said = [words(text) for text in documents]
    mean = sum(map(len, said)) / len(said)
    scores = []
    for mine in said:
        score = 0.0
        for word in sorted(set(words(query))):
            n, f = sum(word in other for other in said), mine.count(word)
            idf = math.log(1 + (len(said) - n + 0.5) / (n + 0.5))
            score += f and idf * f * (k1 + 1) / (f + k1 * (1 - b + b * len(mine) / mean))
        scores.append(score)
    return scores


def test_hand_numbers():
    """Three documents of two words: `cat` in one of them, idf ln(1 + 2.5 / 1.5); lengths are equal, so f = 1 gives idf."""
    index = Index(("a cat", "a dog", "The dog"))
    np.testing.assert_allclose(index.scores("CAT cat!", 1.2, 0.75), [math.log(1 + 2.5 / 1.5), 0, 0])
    assert index.best("dog", 5, 1.2, 0.75) == ["a dog", "The dog"] and index.best("dog", 1, 1.2, 0.75) == ["a dog"]
    assert index.best("cow", 5, 1.2, 0.75) == [] == Index(()).best("cow", 5, 1.2, 0.75)


def test_equals_the_naive_twin():
    rng = random.Random(0)
    documents = tuple(" ".join(rng.choices("abcdefgh", k=rng.randint(1, 9))) for _ in range(40))
    for k1, b in ((1.2, 0.75), (0.0, 0.0), (3.0, 1.0)):
        query = " ".join(rng.choices("abcdefghij", k=4))
        np.testing.assert_allclose(Index(documents).scores(query, k1, b), naive(documents, query, k1, b), atol=1e-12)


def test_a_training_task_finds_nothing_that_is_held_out():
    source = parse_source("pages:people=20,world=5")
    apart = set(source.library("held-out")) - set(source.library("train"))
    assert len(apart) == 20 and set(source.library("train")) < set(source.library("held-out"))
    for page in apart:
        who = page.split()[0]
        train, judge = (
            Search().call(who, Task(id="t", prompt="", source=source.text(), split=split)).text for split in ("train", "held-out")
        )
        assert train == "nothing found" and who in judge


def test_bad_input_is_one_line():
    with pytest.raises(BadInput, match="has no documents: give --tasks corpus:FOLDER"):
        Search().call("x", Task(id="t", prompt="", source="sums"))
    with pytest.raises(BadInput, match="k1=-1"):
        Search(k1=-1.0)
