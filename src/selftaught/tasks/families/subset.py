"""Subset sum: choose the numbers that add up to a target. Hard to find, easy to check."""

import random
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from selftaught.parts import part
from selftaught.tasks.family import Facts, Family, Say, exactly, integers, listed, unlisted


@part
@dataclass(frozen=True, kw_only=True)
class Subset(Family):
    """Choose some of `count` numbers below `size` that add up to the target.

    Attributes:
        count: how many numbers are offered.
        size: numbers lie below this.
    """

    ladder = tuple(dict(count=c, size=s) for c, s in
                   ((3, 10), (4, 10), (4, 20), (5, 20), (6, 20), (6, 50), (7, 50), (8, 50), (10, 50), (12, 100)))  # fmt: skip
    wordings = ("Choose from {numbers} to add up to {target}.", "Which of {numbers} sum to {target}?")
    plain = (
        "Which of the numbers {listed} add up to {target}?", "Choose some of the numbers {listed} so that they add up to {target}.",
        "From {listed}, pick numbers whose sum is {target}.", "Which numbers out of {listed} have the sum {target}?",
    )  # fmt: skip
    limits = dict(count=(2, 20), size=(2, 1000))
    signal = "rule"
    count: int = 5
    size: int = 20

    def draw(self, rng: random.Random) -> Facts:
        numbers = [rng.randrange(1, self.size) for _ in range(self.count)]
        return tuple(numbers), sum(rng.sample(numbers, rng.randrange(2, max(3, self.count))))

    def show(self, facts: Facts) -> dict[str, str]:
        return {"numbers": " ".join(map(str, facts[0])), "listed": listed(facts[0]), "target": str(facts[1])}

    def parse(self, pieces: Mapping[str, str]) -> Facts:
        if "listed" in pieces:
            return tuple(map(int, unlisted(pieces["listed"]))), int(pieces["target"])
        return integers(pieces["numbers"], " "), int(pieces["target"])

    def vary(self, facts: Facts, rng: random.Random) -> Facts:
        return tuple(rng.sample(facts[0], len(facts[0]))), facts[1]

    def identity(self, facts: Facts) -> Facts:
        return (tuple(sorted(facts[0])), facts[1])

    def work(self, facts: Facts, say: Say = exactly) -> tuple[str, str]:
        numbers, target = facts
        reach: dict[int, tuple[int, ...]] = {0: ()}
        for n in numbers:
            reach = {total + n: (*chosen, n) for total, chosen in reach.items()} | reach
        chosen = reach.get(target) or numbers[:2]
        total, steps = chosen[0], []
        for n in chosen[1:]:
            total = say(total + n)
            steps.append(f"+{n}={total}")
        return str(chosen[0]) + "".join(steps), " ".join(map(str, chosen))

    def check(self, facts: Facts, answer: str) -> bool:
        words = re.split(r"(?:[,\s]|and)+", answer.strip())
        if not words or len(words) > len(facts[0]) or not all(w.isdecimal() and len(w) < 9 for w in words):
            return False
        chosen = [int(w) for w in words]
        return sum(chosen) == facts[1] and not Counter(chosen) - Counter(facts[0])

    def spoil(self, facts: Facts, rng: random.Random) -> tuple[str, str]:
        numbers, target = facts
        chosen = rng.sample(numbers, rng.randrange(2, max(3, len(numbers))))
        if sum(chosen) == target:
            chosen = [*chosen[:-1], chosen[-1] + 1]
        return self.work((tuple(chosen), sum(chosen)))
