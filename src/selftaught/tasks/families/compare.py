"""The largest or smallest of some numbers: a rule finds it in the prompt."""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from selftaught.parts import part
from selftaught.tasks.family import Facts, Family, Say, exactly, listed, unlisted


@part
@dataclass(frozen=True, kw_only=True)
class Compare(Family):
    """Say which of `count` different numbers of up to `digits` digits is the largest, or the smallest.

    Attributes:
        count: how many numbers.
        digits: digits of the largest.
    """

    ladder = tuple(dict(count=c, digits=d) for c, d in ((2, 1), (2, 2), (2, 3), (3, 2), (3, 3), (4, 3), (5, 3), (8, 4)))
    wordings = (
        "Which number is {which}: {listed}?", "Which of the numbers {listed} is {which}?", "Out of {listed}, which number is {which}?",
        "Look at the numbers {listed}. Which one is {which}?",
    )  # fmt: skip
    limits = dict(count=(2, 10), digits=(1, 9))
    signal = "rule"
    numeric = True
    count: int = 2
    digits: int = 2

    def draw(self, rng: random.Random) -> Facts:
        return rng.choice(("largest", "smallest")), tuple(rng.sample(range(10**self.digits), self.count))

    def show(self, facts: Facts) -> dict[str, str]:
        which, numbers = facts
        which = {"largest": "larger", "smallest": "smaller"}[which] if len(numbers) == 2 else f"the {which}"
        return {"which": which, "listed": listed(numbers, "or")}

    def parse(self, pieces: Mapping[str, str]) -> Facts:
        numbers = tuple(map(int, unlisted(pieces["listed"], "or")))
        names = ("larger", "smaller") if len(numbers) == 2 else ("the largest", "the smallest")
        return ("largest", "smallest")[names.index(pieces["which"])], numbers

    def vary(self, facts: Facts, rng: random.Random) -> Facts:
        return facts[0], tuple(rng.sample(facts[1], len(facts[1])))

    def identity(self, facts: Facts) -> Facts:
        return facts[0], tuple(sorted(facts[1]))

    def work(self, facts: Facts, say: Say = exactly) -> tuple[str, str]:
        return "", str(max(facts[1]) if facts[0] == "largest" else min(facts[1]))

    def check(self, facts: Facts, answer: str) -> bool:
        return answer.strip() == self.work(facts)[1]

    def spoil(self, facts: Facts, rng: random.Random) -> tuple[str, str]:
        return "", rng.choice([str(number) for number in facts[1] if str(number) != self.work(facts)[1]])
