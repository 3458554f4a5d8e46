"""A sentence of a stated number of words that holds stated words: a rule counts and looks for them."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

from selftaught.parts import part
from selftaught.tasks.english import COUNTS, SHOWN, spelled, varied
from selftaught.tasks.family import Facts, Family, Say, exactly, listed, unlisted

REST = ["in", "a", "small", "old", "garden", "by", "our", "big", "green", "gate"]


@part
@dataclass(frozen=True, kw_only=True)
class Sentence(Family):
    """Write one sentence of exactly `least` to `most` English words that holds `given` words.

    The rule counts words and knows them; whether they make sense it cannot tell.

    Attributes:
        least: fewest words of a sentence.
        most: most words.
        given: how many words it must hold, 1 to 3.
    """

    ladder = tuple(dict(least=a, most=b, given=g) for a, b, g in ((4, 5, 1), (4, 7, 1), (6, 9, 1), (6, 9, 2), (8, 10, 3)))
    wordings = (
        "Write a sentence of exactly {count} words that contains {given}.", "Use {given} in a sentence of exactly {count} words.",
        "Make a sentence that has exactly {count} words and contains {given}.",
        "Reply with one sentence. It must have exactly {count} words and contain {given}.",
    )  # fmt: skip
    # Longer, and a question written out again would be an answer to itself.
    limits = dict(least=(4, 10), most=(4, 10), given=(1, 3))
    signal = "rule"
    reads = "text"
    least: int = 4
    most: int = 7
    given: int = 1

    def draw(self, rng: random.Random) -> Facts:
        count = rng.randint(max(self.least, self.given + 4), max(self.least, self.most, self.given + 4))
        return count if self.given > 1 else rng.randint(self.least, max(self.least, self.most)), tuple(rng.sample(SHOWN, self.given))

    def show(self, facts: Facts) -> dict[str, str]:
        return {"count": COUNTS[facts[0]], "given": f"the word{'s' * (len(facts[1]) > 1)} {listed(facts[1])}"}

    def parse(self, pieces: Mapping[str, str]) -> Facts:
        words = tuple(unlisted(pieces["given"].removeprefix("the word").removeprefix("s").strip()))
        if not pieces["given"].startswith("the word") or not all(re.fullmatch("[a-z]{2,30}", word) for word in words):
            raise ValueError("not a list of words")
        return COUNTS.index(pieces["count"]), words

    def identity(self, facts: Facts) -> Facts:
        return facts[0], tuple(sorted(facts[1]))

    def work(self, facts: Facts, say: Say = exactly) -> tuple[str, str]:
        given = " and ".join(facts[1]).split()
        words = [*("I", "see", "the")[: max(facts[0] - len(given), 0)], *given]
        return "", " ".join([*words, *REST][: facts[0]]) + "."

    def check(self, facts: Facts, answer: str) -> bool:
        words = spelled(answer)
        one = not re.search(r"[.!?;:]+[\"']?\s+\S", answer)
        return one and len(words) == facts[0] and varied(words, most=2) and set(facts[1]) <= set(words)

    def spoil(self, facts: Facts, rng: random.Random) -> tuple[str, str]:
        right = self.work(facts)[1][:-1].split()
        return "", " ".join(right[:-1] if rng.random() < 0.5 else [*right, "today"]) + "."
