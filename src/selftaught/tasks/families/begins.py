"""Words that begin with, end with or hold stated letters, in a stated number: a rule checks them from the prompt."""

import random
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from selftaught.parts import part
from selftaught.tasks.english import COUNTS, english, shortest_first, spelled, varied
from selftaught.tasks.family import Facts, Family, Say, exactly

PLACES = ("begin with", "end with", "contain")
ENOUGH = 60  # words at least that have letters which are asked for


def fits(word: str, place: str, letters: str) -> bool:
    """Whether a word has the letters where they are wanted."""
    return {"begin with": word.startswith(letters), "end with": word.endswith(letters), "contain": letters in word}[place]


@lru_cache(maxsize=8)
def offered(place: str, count: int) -> list[str]:
    """Runs of `count` letters that at least `ENOUGH` longer words begin with, or end with, sorted."""
    runs = Counter(word[-count:] if place == "end with" else word[:count] for word in english() if len(word) > 3)
    return sorted(run for run, words in runs.items() if words >= ENOUGH)


@part
@dataclass(frozen=True, kw_only=True)
class Begins(Family):
    """Write `least` to `most` different English words that begin with one or two letters, end with them or hold them.

    Attributes:
        least: fewest words that are asked for.
        most: most words.
        letters: most letters that are given.
        places: 1 asks for beginnings, 2 also for ends, 3 also for letters anywhere.
    """

    ladder = tuple(dict(least=a, most=b, letters=n, places=p) for a, b, n, p in
                   ((2, 3, 1, 1), (2, 2, 2, 1), (2, 4, 2, 1), (2, 4, 2, 3), (3, 6, 2, 3), (6, 12, 2, 3)))  # fmt: skip
    wordings = (
        "Write exactly {count} words that {wanted}.", "Give me {count} different words that all {wanted}.",
        "List {count} words. Each of them must {wanted}.", "Name {count} words that {wanted}, and nothing else.",
    )  # fmt: skip
    limits = dict(least=(2, 12), most=(2, 12), letters=(1, 2), places=(1, 3))
    signal = "rule"
    reads = "text"
    least: int = 2
    most: int = 4
    letters: int = 2
    places: int = 1

    def draw(self, rng: random.Random) -> Facts:
        place = rng.choice(PLACES[: self.places])
        letters = rng.choice([run for n in range(1, self.letters + 1) for run in offered(place, n)])
        return rng.randint(self.least, max(self.least, self.most)), place, letters

    def show(self, facts: Facts) -> dict[str, str]:
        return {"count": COUNTS[facts[0]], "wanted": f"{facts[1]} the letter{'s' * (len(facts[2]) > 1)} {facts[2]}"}

    def parse(self, pieces: Mapping[str, str]) -> Facts:
        wanted = re.fullmatch(f"({'|'.join(PLACES)}) the letters? ([a-z]{{1,2}})", pieces["wanted"])
        if not wanted or COUNTS.index(pieces["count"]) < 2:
            raise ValueError("not a request for words")
        return COUNTS.index(pieces["count"]), wanted[1], wanted[2]

    def work(self, facts: Facts, say: Say = exactly) -> tuple[str, str]:
        return "", ", ".join(islice((word for word in shortest_first() if fits(word, *facts[1:])), facts[0]))

    def check(self, facts: Facts, answer: str) -> bool:
        words = spelled(answer)
        return len(words) == facts[0] and varied(words) and all(len(word) > 1 and fits(word, *facts[1:]) for word in words)

    def spoil(self, facts: Facts, rng: random.Random) -> tuple[str, str]:
        right = self.work(facts)[1].split(", ")
        return "", ", ".join(right[:-1] if rng.random() < 0.5 else [*right[:-1], right[0]])
