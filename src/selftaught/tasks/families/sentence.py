"""A sentence of a stated number of words that holds stated words: a rule counts and looks for them."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

from selftaught.parts import part
from selftaught.tasks.english import COUNTS, SHOWN, one_sentence, spelled, varied
from selftaught.tasks.family import Facts, Family, Say, exactly, listed, unlisted

REST = ["in", "a", "small", "old", "garden", "by", "our", "big", "green", "gate"]


@part
@dataclass(frozen=True, kw_only=True)
class Sentence(Family):
    """Write one sentence of exactly `least` to `most` English words, or up to `width` more, that holds `given` words.

    The rule counts words and knows them; whether they make sense it cannot tell.

    Attributes:
        least: fewest words of a sentence.
        most: most of these fewest words.
        width: how many more a sentence may have; 0 asks for an exact number.
        given: how many words it must hold, 1 to 3.
    """

    ladder = tuple(dict(least=a, most=b, width=w, given=g) for a, b, w, g in
                   ((4, 8, 4, 1), (4, 8, 2, 1), (4, 7, 0, 1), (6, 9, 0, 1), (6, 9, 2, 2), (8, 10, 0, 3)))  # fmt: skip
    # Written out as an answer, each of these is two sentences or longer than any that is asked for.
    wordings = (
        "Please write a sentence of {count} words that contains {given}.", "Use {given} in a sentence. It must have {count} words.",
        "Make a sentence that contains {given}. Its length must be {count} words.",
        "Reply with one sentence. It must have {count} words and contain {given}.",
    )  # fmt: skip
    limits = dict(least=(4, 12), most=(4, 12), width=(0, 8), given=(1, 3))
    signal = "rule"
    reads = "text"
    least: int = 4
    most: int = 7
    width: int = 0
    given: int = 1

    def draw(self, rng: random.Random) -> Facts:
        least = rng.randint(self.least, max(self.least, self.most))
        return least, min(least + self.width, 12), tuple(rng.sample(SHOWN, self.given))

    def show(self, facts: Facts) -> dict[str, str]:
        least, most, given = facts
        count = f"exactly {COUNTS[least]}" if least == most else f"{COUNTS[least]} to {COUNTS[most]}"
        return {"count": count, "given": f"the word{'s' * (len(given) > 1)} {listed(given)}"}

    def parse(self, pieces: Mapping[str, str]) -> Facts:
        words = tuple(unlisted(pieces["given"].removeprefix("the word").removeprefix("s").strip()))
        if not pieces["given"].startswith("the word") or not all(re.fullmatch("[a-z]{2,30}", word) for word in words):
            raise ValueError("not a list of words")
        first, _, last = pieces["count"].removeprefix("exactly ").partition(" to ")
        return COUNTS.index(first), COUNTS.index(last or first), words

    def identity(self, facts: Facts) -> Facts:
        return *facts[:2], tuple(sorted(facts[2]))

    def work(self, facts: Facts, say: Say = exactly) -> tuple[str, str]:
        given = (" and " if facts[0] >= 2 * len(facts[2]) else " ").join(facts[2]).split()
        return "", " ".join([*("I", "see", "the")[: facts[0] - len(given)], *given, *REST][: facts[0]]) + "."

    def check(self, facts: Facts, answer: str) -> bool:
        words = spelled(answer)
        return one_sentence(answer) and facts[0] <= len(words) <= facts[1] and varied(words, most=2) and set(facts[2]) <= set(words)

    def spoil(self, facts: Facts, rng: random.Random) -> tuple[str, str]:
        right = self.work(facts)[1][:-1].split()
        return "", " ".join(right[:-1] if rng.random() < 0.5 else right * 3) + "."
