"""A sentence with a stated first and last word: a rule looks at both ends."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

from selftaught.parts import part
from selftaught.tasks.english import SHOWN, one_sentence, spelled, varied
from selftaught.tasks.family import Facts, Family, Say, exactly

FIRSTS = ("the", "my", "we", "when", "every", "after", "our", "they", "he", "she", "this", "there", "in", "one", "if", "some")
EXAMPLE = "people by that small old bridge often see a big green and quiet"


@part
@dataclass(frozen=True, kw_only=True)
class Framed(Family):
    """Write one sentence of `least` to 20 English words whose first and last words are given.

    The rule knows the words and their ends; whether they make sense it cannot tell.

    Attributes:
        least: fewest words.
        firsts: how many first words are in use.
    """

    ladder = tuple(dict(least=n, firsts=f) for n, f in ((4, 2), (4, 4), (4, 16), (8, 16)))
    wordings = (
        "Write a sentence of at least {least} words that begins with the word {first} and ends with the word {last}.",
        "Make a sentence. Its first word must be {first}, its last word must be {last}, and it needs {least} words or more.",
        "Write one sentence with {last} as the last word and {first} as the first word. Use at least {least} words.",
        "Reply with a sentence that starts with {first} and ends with {last} and has no fewer than {least} words.",
    )
    limits = dict(least=(4, 12), firsts=(1, 16))
    signal = "rule"
    reads = "text"
    least: int = 4
    firsts: int = 16

    def draw(self, rng: random.Random) -> Facts:
        return self.least, rng.choice(FIRSTS[: self.firsts]), rng.choice(SHOWN)

    def show(self, facts: Facts) -> dict[str, str]:
        return {"least": str(facts[0]), "first": facts[1].capitalize(), "last": facts[2]}

    def parse(self, pieces: Mapping[str, str]) -> Facts:
        first, last = pieces["first"].lower(), pieces["last"]
        if not re.fullmatch("[a-z]{1,30}", first) or not re.fullmatch("[a-z]{2,30}", last) or int(pieces["least"]) > 18:
            raise ValueError("not two words")
        return int(pieces["least"]), first, last

    def work(self, facts: Facts, say: Say = exactly) -> tuple[str, str]:
        middle = EXAMPLE.split()[: max(facts[0] - 2, 2)]
        return "", " ".join([facts[1].capitalize(), *middle, facts[2]]) + "."

    def check(self, facts: Facts, answer: str) -> bool:
        words = spelled(answer)
        return one_sentence(answer) and facts[0] <= len(words) <= 20 and varied(words, most=2) and (words[0], words[-1]) == facts[1:]

    def spoil(self, facts: Facts, rng: random.Random) -> tuple[str, str]:
        right = self.work(facts)[1][:-1].split()
        return "", " ".join(right[:-1] if rng.random() < 0.5 else [*right[1:]]) + "."
