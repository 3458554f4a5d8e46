"""A sentence about a word in which a letter is forbidden: a rule looks for both."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

from selftaught.parts import part
from selftaught.tasks.english import SHOWN, one_sentence, spelled, varied
from selftaught.tasks.family import Facts, Family, Say, exactly

LETTERS = "bfgkmpwylcudhrnsiotae"
EXAMPLE = "this is my old big red dog cat sun fun good hot we look at all them you can see her now"


@part
@dataclass(frozen=True, kw_only=True)
class Without(Family):
    """Write one sentence of 4 to 20 English words with a given word and without one of the `letters` rarest letters.

    The rule knows the words and their letters; whether they make sense it cannot tell.

    Attributes:
        letters: how many letters may be forbidden, from rare to frequent.
        skip: how many of the rarest never are.
    """

    ladder = tuple(dict(letters=n, skip=s) for n, s in ((6, 0), (12, 4), (18, 10), (21, 16)))
    wordings = (
        "Write a sentence with the word {word} that does not use the letter {letter}.",
        "Use the word {word} in a sentence without the letter {letter}.",
        "Make a sentence that contains the word {word} but nowhere the letter {letter}.",
        "Reply with one sentence. It must contain the word {word} and must not contain the letter {letter}.",
    )
    limits = dict(letters=(1, 21), skip=(0, 20))
    signal = "rule"
    reads = "text"
    letters: int = 12
    skip: int = 0

    def draw(self, rng: random.Random) -> Facts:
        letter = rng.choice(LETTERS[min(self.skip, self.letters - 1) : self.letters])
        return letter, rng.choice([word for word in SHOWN if letter not in word])

    def show(self, facts: Facts) -> dict[str, str]:
        return {"letter": facts[0], "word": facts[1]}

    def parse(self, pieces: Mapping[str, str]) -> Facts:
        if not re.fullmatch("[a-z]", pieces["letter"]) or not re.fullmatch("[a-z]{2,30}", pieces["word"]):
            raise ValueError("not a word and a letter")
        return pieces["letter"], pieces["word"]

    def work(self, facts: Facts, say: Say = exactly) -> tuple[str, str]:
        rest = EXAMPLE.split()
        return "", " ".join([facts[1], *(word for word in rest if facts[0] not in word and word != facts[1])][:4]).capitalize() + "."

    def check(self, facts: Facts, answer: str) -> bool:
        words = spelled(answer)
        return (
            one_sentence(answer)
            and 4 <= len(words) <= 20
            and varied(words, most=2)
            and facts[1] in words
            and facts[0] not in "".join(words)
        )

    def spoil(self, facts: Facts, rng: random.Random) -> tuple[str, str]:
        right = self.work(facts)[1][:-1].split()
        extra = next(word for word in SHOWN if facts[0] in word)
        return "", " ".join(right[1:] if rng.random() < 0.5 else [*right, extra]) + "."
