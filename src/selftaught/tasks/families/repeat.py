"""A word a stated number of times: a rule counts it."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

from selftaught.parts import part
from selftaught.tasks.english import COUNTS, SHOWN
from selftaught.tasks.family import Facts, Family, Say, exactly


@part
@dataclass(frozen=True, kw_only=True)
class Repeat(Family):
    """Write a word `least` to `most` times and nothing else.

    Attributes:
        least: fewest times.
        most: most times.
    """

    ladder = tuple(dict(least=low, most=high) for low, high in ((2, 3), (2, 5), (4, 7), (6, 9), (8, 12)))
    wordings = (
        "Write the word {word} {count} times.", "Repeat the word {word} exactly {count} times.",
        "Say {word} {count} times and nothing else.", "Reply with the word {word}, {count} times in a row.",
    )  # fmt: skip
    limits = dict(least=(2, 12), most=(2, 12))
    signal = "rule"
    reads = "text"
    least: int = 2
    most: int = 5

    def draw(self, rng: random.Random) -> Facts:
        return rng.randint(self.least, max(self.least, self.most)), rng.choice(SHOWN)

    def show(self, facts: Facts) -> dict[str, str]:
        return {"count": COUNTS[facts[0]], "word": facts[1]}

    def parse(self, pieces: Mapping[str, str]) -> Facts:
        if not re.fullmatch("[a-z]{2,30}", pieces["word"]):
            raise ValueError("not a word")
        return COUNTS.index(pieces["count"]), pieces["word"]

    def work(self, facts: Facts, say: Say = exactly) -> tuple[str, str]:
        return "", " ".join([facts[1]] * facts[0])

    def check(self, facts: Facts, answer: str) -> bool:
        return re.findall(r"\w+", answer.lower()) == [facts[1]] * facts[0]

    def spoil(self, facts: Facts, rng: random.Random) -> tuple[str, str]:
        return "", " ".join([facts[1]] * (facts[0] + rng.choice((-1, 1))))
