"""Sums by number of terms and digits, worked with running totals."""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from selftaught.parts import part
from selftaught.tasks.family import Facts, Family, Say, exactly, integers, listed, unlisted


@part
@dataclass(frozen=True, kw_only=True)
class Sums(Family):
    """Add `terms` numbers of up to `digits` digits.

    Attributes:
        terms: how many numbers (2 or more).
        digits: digits of the largest number (1 or more).
        rest: digits of all terms but the first, where they are to have others; 0 gives them as many.
    """

    ladder = (
        dict(terms=2, digits=1), dict(terms=3, digits=1), dict(terms=2, digits=2), dict(terms=3, digits=2),
        dict(terms=4, digits=2), dict(terms=5, digits=2), dict(terms=6, digits=2), dict(terms=8, digits=2),
        dict(terms=4, digits=3), dict(terms=6, digits=3), dict(terms=8, digits=3), dict(terms=8, digits=4),
    )  # fmt: skip
    wordings = ("Add {terms}.", "What is {terms}?", "Find the sum {terms}.", "{terms} = ?")
    plain = (
        "What is {said}?", "What do you get when you add {listed}?", "What is the sum of {listed}?",
        "Tom has {first} books and buys {more}. How many books does he have now?",
        "There are {first} birds in a tree. Then come {more}. How many birds are there in all?",
    )  # fmt: skip
    limits = dict(terms=(2, 20), digits=(1, 12), rest=(0, 12))
    numeric = True
    terms: int = 4
    digits: int = 2
    rest: int = 0

    def draw(self, rng: random.Random) -> Facts:
        tops = [10**self.digits, *[10 ** (self.rest or self.digits)] * (self.terms - 1)]
        return tuple(rng.randrange(top // 10 if top > 10 else 0, top) for top in tops)

    def show(self, facts: Facts) -> dict[str, str]:
        more = [f"{facts[1]} more", *(f"then {term} more" for term in facts[2:])]
        pieces = {"said": " plus ".join(map(str, facts)), "listed": listed(facts), "first": str(facts[0]), "more": ", ".join(more)}
        return pieces | {"terms": "+".join(map(str, facts))}

    def parse(self, pieces: Mapping[str, str]) -> Facts:
        if "first" in pieces:
            return int(pieces["first"]), *integers(pieces["more"].removesuffix(" more"), " more, then ")
        if "listed" in pieces:
            return tuple(map(int, unlisted(pieces["listed"])))
        return integers(pieces["said"], " plus ") if "said" in pieces else integers(pieces["terms"], "+")

    def vary(self, facts: Facts, rng: random.Random) -> Facts:
        return tuple(rng.sample(facts, len(facts)))

    def identity(self, facts: Facts) -> Facts:
        return tuple(sorted(facts))

    def work(self, facts: Facts, say: Say = exactly) -> tuple[str, str]:
        totals = [facts[0]]
        for term in facts[1:]:
            totals.append(say(totals[-1] + term))
        return " ".join(map(str, totals[1:])), str(totals[-1])
