"""Words spelled backwards: a rule turns the word of the prompt around."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

from selftaught.parts import part
from selftaught.tasks.english import of_length
from selftaught.tasks.family import Facts, Family, Say, exactly


@part
@dataclass(frozen=True, kw_only=True)
class Backwards(Family):
    """Spell an English word of `length` letters backwards.

    Attributes:
        length: how many letters.
    """

    ladder = tuple(dict(length=n) for n in (2, 3, 4, 5, 6, 8))
    wordings = (
        "Spell the word {word} backwards.", "Write the word {word} in reverse.", "What is the word {word} spelled backwards?",
        "Reverse the letters of the word {word}.",
    )  # fmt: skip
    limits = dict(length=(2, 9))
    signal = "rule"
    reads = "text"
    length: int = 3

    def draw(self, rng: random.Random) -> Facts:
        return (rng.choice([word for word in of_length(self.length) if word != word[::-1]]),)

    def show(self, facts: Facts) -> dict[str, str]:
        return {"word": facts[0]}

    def parse(self, pieces: Mapping[str, str]) -> Facts:
        if not re.fullmatch("[a-z]{2,30}", pieces["word"]):
            raise ValueError("not a word")
        return (pieces["word"],)

    def work(self, facts: Facts, say: Say = exactly) -> tuple[str, str]:
        return "", facts[0][::-1]

    def check(self, facts: Facts, answer: str) -> bool:
        # The last word counts; its letters may stand apart, as in "t-a-c".
        apart = re.search(r"(?<!\w)\w(?:[-, ]{1,2}\w){1,30}\W*$", answer)
        last = re.findall(r"[A-Za-z]+", apart[0] if apart else answer)
        return bool(last) and "".join(last if apart else last[-1:]).lower() == facts[0][::-1]

    def spoil(self, facts: Facts, rng: random.Random) -> tuple[str, str]:
        right = facts[0][::-1]
        return "", right + right[-1] if rng.random() < 0.5 else right[:-1]
