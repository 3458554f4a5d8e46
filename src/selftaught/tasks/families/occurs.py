"""How often a letter occurs in a word: a rule counts it in the prompt."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

from selftaught.parts import part
from selftaught.tasks.english import of_length
from selftaught.tasks.family import Facts, Family, Say, exactly


@part
@dataclass(frozen=True, kw_only=True)
class Occurs(Family):
    """Count a letter in an English word of `length` letters; it occurs once at least.

    Attributes:
        length: letters of the word.
    """

    ladder = tuple(dict(length=n) for n in (3, 4, 5, 7, 9))
    wordings = (
        "How many times does the letter {letter} occur in the word {word}?", "Count the letter {letter} in the word {word}.",
        "How often do you find the letter {letter} in the word {word}?", "In the word {word}, how many letters are {letter}?",
    )  # fmt: skip
    limits = dict(length=(3, 9))
    signal = "rule"
    numeric = True
    length: int = 5

    def draw(self, rng: random.Random) -> Facts:
        word = rng.choice(of_length(self.length))
        return rng.choice(word), word

    def show(self, facts: Facts) -> dict[str, str]:
        return {"letter": facts[0], "word": facts[1]}

    def parse(self, pieces: Mapping[str, str]) -> Facts:
        if not re.fullmatch("[a-z]", pieces["letter"]) or not re.fullmatch("[a-z]{2,30}", pieces["word"]):
            raise ValueError("not a letter and a word")
        return pieces["letter"], pieces["word"]

    def work(self, facts: Facts, say: Say = exactly) -> tuple[str, str]:
        return "", str(say(facts[1].count(facts[0])))

    def check(self, facts: Facts, answer: str) -> bool:
        return answer.strip() == self.work(facts)[1]
