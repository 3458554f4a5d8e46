"""Sorting numbers: one answer, and a rule that checks it from the prompt."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

from selftaught.parts import part
from selftaught.tasks.family import Facts, Family, Say, exactly, integers, listed, unlisted


@part
@dataclass(frozen=True, kw_only=True)
class Sort(Family):
    """Sort `count` numbers of up to `digits` digits, smallest first.

    Attributes:
        count: how many numbers.
        digits: digits of the largest.
    """

    ladder = tuple(dict(count=c, digits=d) for c, d in
                   ((2, 2), (3, 2), (4, 2), (5, 2), (6, 2), (8, 2), (10, 2), (8, 3), (12, 3), (16, 3)))  # fmt: skip
    wordings = ("Sort {numbers}.", "Put in order, smallest first: {numbers}.")
    plain = (
        "Sort these numbers from smallest to largest: {commas}.", "Write the numbers {listed} in order, smallest first.",
        "Put these numbers in increasing order: {commas}.", "What is the order of {listed} from smallest to largest?",
    )  # fmt: skip
    limits = dict(count=(2, 40), digits=(1, 8))
    signal = "rule"
    count: int = 5
    digits: int = 2

    def draw(self, rng: random.Random) -> Facts:
        return tuple(rng.randrange(10**self.digits) for _ in range(self.count))

    def show(self, facts: Facts) -> dict[str, str]:
        return {"numbers": " ".join(map(str, facts)), "commas": ", ".join(map(str, facts)), "listed": listed(facts)}

    def parse(self, pieces: Mapping[str, str]) -> Facts:
        if "listed" in pieces:
            return tuple(map(int, unlisted(pieces["listed"])))
        return integers(pieces["commas"], ", ") if "commas" in pieces else integers(pieces["numbers"], " ")

    def vary(self, facts: Facts, rng: random.Random) -> Facts:
        return tuple(rng.sample(facts, len(facts)))

    def identity(self, facts: Facts) -> Facts:
        return tuple(sorted(facts))

    def work(self, facts: Facts, say: Say = exactly) -> tuple[str, str]:
        return "", " ".join(map(str, sorted(facts)))

    def check(self, facts: Facts, answer: str) -> bool:
        return re.split(r"[,\s]+", answer.strip()) == [str(n) for n in sorted(facts)]

    def spoil(self, facts: Facts, rng: random.Random) -> tuple[str, str]:
        right = sorted(facts)
        i = rng.randrange(len(right) - 1)
        wrong = [*right]
        if rng.random() < 0.5 and right[i] != right[i + 1]:
            wrong[i], wrong[i + 1] = wrong[i + 1], wrong[i]
        else:
            wrong[i] += rng.choice((-10, -1, 1, 10))
        return "", " ".join(map(str, wrong))
