"""A chain of operations on one number, modulo a small base, worked value by value."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

from selftaught.parts import part
from selftaught.tasks.family import Facts, Family, Say, exactly


@part
@dataclass(frozen=True, kw_only=True)
class Chain(Family):
    """Start with a number, apply `steps` operations (+, -, * by one digit), each modulo `base`.

    Attributes:
        steps: how many operations.
        base: results are kept below this number.
    """

    ladder = tuple(dict(steps=s, base=b) for s, b in
                   ((1, 10), (2, 10), (3, 10), (2, 50), (3, 50), (4, 50), (5, 100), (7, 100), (9, 100), (12, 100)))  # fmt: skip
    wordings = ("Start with {start}: {steps} modulo {base}.", "Modulo {base}, take {start} and apply {steps}.")
    numeric = True
    steps: int = 3
    base: int = 50

    def draw(self, rng: random.Random) -> Facts:
        steps = tuple(rng.choice("+-*") + str(rng.randrange(2, 10)) for _ in range(self.steps))
        return rng.randrange(self.base), steps, self.base

    def show(self, facts: Facts) -> dict[str, str]:
        return {"start": str(facts[0]), "steps": " ".join(facts[1]), "base": str(facts[2])}

    def parse(self, pieces: Mapping[str, str]) -> Facts:
        steps = tuple(pieces["steps"].split(" "))
        if len(steps) > 50 or not all(re.fullmatch(r"[-+*]\d", step) for step in steps):
            raise ValueError("not a chain")
        if (base := int(pieces["base"])) < 1:
            raise ValueError("no base")
        return int(pieces["start"]), steps, base

    def work(self, facts: Facts, say: Say = exactly) -> tuple[str, str]:
        value, steps, base = facts
        seen = []
        for step in steps:
            by = int(step[1:])
            value = say({"+": value + by, "-": value - by, "*": value * by}[step[0]] % base)
            seen.append(value)
        return " ".join(map(str, seen)), str(value)
