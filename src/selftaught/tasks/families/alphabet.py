"""Words in alphabetical order: a rule sorts those of the prompt."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

from selftaught.parts import part
from selftaught.tasks.english import SHOWN
from selftaught.tasks.family import Facts, Family, Say, exactly, listed, unlisted


@part
@dataclass(frozen=True, kw_only=True)
class Alphabet(Family):
    """Put `count` words in alphabetical order.

    Attributes:
        count: how many words.
    """

    ladder = tuple(dict(count=n) for n in (2, 3, 4, 5, 7, 10))
    wordings = (
        "Put the words {listed} in alphabetical order.", "Sort these words alphabetically: {listed}.",
        "Write the words {listed} in alphabetical order.", "What is the alphabetical order of the words {listed}?",
    )  # fmt: skip
    limits = dict(count=(2, 20))
    signal = "rule"
    reads = "text"
    count: int = 3

    def draw(self, rng: random.Random) -> Facts:
        return tuple(rng.sample(SHOWN, self.count))

    def show(self, facts: Facts) -> dict[str, str]:
        return {"listed": listed(facts)}

    def parse(self, pieces: Mapping[str, str]) -> Facts:
        words = tuple(unlisted(pieces["listed"]))
        if not all(re.fullmatch("[a-z]{2,30}", word) for word in words):
            raise ValueError("not a list of words")
        return words

    def vary(self, facts: Facts, rng: random.Random) -> Facts:
        return tuple(rng.sample(facts, len(facts)))

    def identity(self, facts: Facts) -> Facts:
        return tuple(sorted(facts))

    def work(self, facts: Facts, say: Say = exactly) -> tuple[str, str]:
        return "", ", ".join(sorted(facts))

    def check(self, facts: Facts, answer: str) -> bool:
        # The last words count; those before them may repeat the question.
        words = [word for word in re.findall("[a-z]+", answer.lower()) if word not in ("and", "then")]
        return words[-len(facts) :] == sorted(facts)

    def spoil(self, facts: Facts, rng: random.Random) -> tuple[str, str]:
        right = sorted(facts)
        i = rng.randrange(len(right) - 1)
        right[i], right[i + 1] = right[i + 1], right[i]
        return "", ", ".join(right)
