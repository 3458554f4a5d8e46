"""Products by number of digits, worked with one partial product a digit."""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from selftaught.parts import part
from selftaught.tasks.family import Facts, Family, Say, exactly, integers


@part
@dataclass(frozen=True, kw_only=True)
class Products(Family):
    """Multiply a number of `digits` digits by one of `by` digits.

    Attributes:
        digits: digits of the first factor.
        by: digits of the second factor.
    """

    ladder = (
        dict(digits=1, by=1), dict(digits=2, by=1), dict(digits=3, by=1), dict(digits=4, by=1),
        dict(digits=2, by=2), dict(digits=3, by=2), dict(digits=4, by=2), dict(digits=3, by=3), dict(digits=5, by=3),
    )  # fmt: skip
    wordings = ("Multiply {product}.", "Find the product {product}.", "Work out {product}.")
    plain = (
        "What is {said}?", "What is {first} multiplied by {second}?", "Multiply {first} by {second}. What do you get?",
        "Each of {first} boxes holds {second} pens. How many pens are there in all?",
        "A ticket costs {first} dollars. How many dollars do {second} tickets cost?",
    )  # fmt: skip
    limits = dict(digits=(1, 12), by=(1, 12))
    numeric = True
    digits: int = 2
    by: int = 1

    def draw(self, rng: random.Random) -> Facts:
        return tuple(rng.randrange(10 ** (d - 1) if d > 1 else 2, 10**d) for d in (self.digits, self.by))

    def show(self, facts: Facts) -> dict[str, str]:
        first, second = map(str, facts)
        return {"product": f"{first}*{second}", "said": f"{first} times {second}", "first": first, "second": second}

    def parse(self, pieces: Mapping[str, str]) -> Facts:
        if "first" in pieces:
            return int(pieces["first"]), int(pieces["second"])
        first, second = integers(pieces["said"], " times ") if "said" in pieces else integers(pieces["product"], "*")
        return first, second

    def vary(self, facts: Facts, rng: random.Random) -> Facts:
        return facts[::-1] if len(str(facts[0])) == len(str(facts[1])) else facts

    def identity(self, facts: Facts) -> Facts:
        return tuple(sorted(facts))

    def work(self, facts: Facts, say: Say = exactly) -> tuple[str, str]:
        first, second = facts
        if first < 10 and second < 10:
            return "", str(say(first * second))
        parts = [(int(d) * 10**i, second) for i, d in enumerate(reversed(str(first))) if d != "0"]
        if second >= 10:
            parts = [(int(d) * 10**i, first) for i, d in enumerate(reversed(str(second))) if d != "0"]
        total, steps = 0, []
        for digit, factor in parts:
            value = say(digit * factor)
            total = say(total + value)
            steps.append(f"{digit}*{factor}={value}" + (f" {total}" if total != value else ""))
        return " ".join(steps), str(total)
