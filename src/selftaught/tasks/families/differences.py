"""Differences of two whole numbers, the smaller taken from the larger."""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from selftaught.parts import part
from selftaught.tasks.family import Facts, Family, Say, exactly, integers


@part
@dataclass(frozen=True, kw_only=True)
class Differences(Family):
    """Take a number of `by` digits from one of `digits` digits that is at least as large.

    Attributes:
        digits: digits of the number that is taken from.
        by: digits of the number that is taken away; at most `digits` of them are used.
    """

    ladder = tuple(dict(digits=d, by=b) for d, b in ((1, 1), (2, 1), (2, 2), (3, 1), (3, 2), (3, 3), (4, 3), (5, 5)))
    wordings = (
        "What is {said}?", "Subtract {less} from {more}. What do you get?", "What is the difference between {more} and {less}?",
        "There are {more} cars in a car park. {less} of them leave. How many cars are left?",
        "Anna has {more} coins and spends {less}. How many coins does she have left?",
    )  # fmt: skip
    limits = dict(digits=(1, 12), by=(1, 12))
    numeric = True
    digits: int = 2
    by: int = 1

    def draw(self, rng: random.Random) -> Facts:
        pair = [rng.randrange(10 ** (d - 1), 10**d) for d in (self.digits, min(self.by, self.digits))]
        return tuple(sorted(pair, reverse=True))

    def show(self, facts: Facts) -> dict[str, str]:
        more, less = map(str, facts)
        return {"said": f"{more} minus {less}", "more": more, "less": less}

    def parse(self, pieces: Mapping[str, str]) -> Facts:
        more, less = integers(pieces["said"], " minus ") if "said" in pieces else (int(pieces["more"]), int(pieces["less"]))
        return more, less

    def work(self, facts: Facts, say: Say = exactly) -> tuple[str, str]:
        return "", str(say(facts[0] - facts[1]))
