"""Letters of a word by their place: a rule looks them up in the prompt."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

from selftaught.parts import part
from selftaught.tasks.english import SHOWN
from selftaught.tasks.family import Facts, Family, Say, exactly

PLACES = {"first": 0, "last": -1, "second": 1, "third": 2, "last but one": -2}
# A letter that stands alone, but for the article and the pronoun.
ALONE = r"(?<![\w'])(?![aAI]\s\w)([A-Za-z])(?![\w'])"


@part
@dataclass(frozen=True, kw_only=True)
class Letters(Family):
    """Name the letter in one of the first `places` of: first, last, second, third, last but one.

    Attributes:
        places: how many of these are asked for.
        length: words have at least so many letters.
    """

    ladder = tuple(dict(places=p, length=n) for p, n in ((1, 3), (2, 3), (3, 3), (4, 4), (5, 5)))
    wordings = (
        "What is the {place} letter of the word {word}?", "Which letter comes {place} in the word {word}?",
        "Look at the word {word}. What is its {place} letter?", "In the word {word}, which letter is the {place} one?",
    )  # fmt: skip
    limits = dict(places=(1, 5), length=(3, 7))
    signal = "rule"
    reads = ALONE
    places: int = 2
    length: int = 3

    def draw(self, rng: random.Random) -> Facts:
        return rng.choice(list(PLACES)[: self.places]), rng.choice([word for word in SHOWN if len(word) >= self.length])

    def show(self, facts: Facts) -> dict[str, str]:
        return {"place": facts[0], "word": facts[1]}

    def parse(self, pieces: Mapping[str, str]) -> Facts:
        if pieces["place"] not in PLACES or not re.fullmatch("[a-z]{3,30}", pieces["word"]):
            raise ValueError("not a place in a word")
        return pieces["place"], pieces["word"]

    def work(self, facts: Facts, say: Say = exactly) -> tuple[str, str]:
        return "", facts[1][PLACES[facts[0]]]

    def check(self, facts: Facts, answer: str) -> bool:
        alone = re.findall(ALONE, answer)
        return bool(alone) and alone[-1].lower() == self.work(facts)[1]

    def spoil(self, facts: Facts, rng: random.Random) -> tuple[str, str]:
        right = self.work(facts)[1]
        return "", rng.choice([letter for letter in (*facts[1], "z", "q") if letter != right])
