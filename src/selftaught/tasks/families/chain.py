"""A chain of operations on one number, modulo a small base, worked value by value."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

from selftaught.parts import part
from selftaught.tasks.family import Facts, Family, Say, exactly

SAID = {"+": "add ", "-": "subtract ", "*": "multiply by "}


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
    plain = (
        "Start with {start} and {said}. What is the remainder when the result is divided by {base}?",
        "Take the number {start}, then {said}. Divide the result by {base}. What is the remainder?",
        "What remainder is left after division by {base} when you start with {start} and {said}?",
        "Begin at {start} and {said}. What is the result modulo {base}?",
    )  # fmt: skip
    limits = dict(steps=(1, 20), base=(2, 10_000))
    numeric = True
    steps: int = 3
    base: int = 50

    def draw(self, rng: random.Random) -> Facts:
        steps = tuple(rng.choice("+-*") + str(rng.randrange(2, 10)) for _ in range(self.steps))
        return rng.randrange(self.base), steps, self.base

    def show(self, facts: Facts) -> dict[str, str]:
        return {
            "start": str(facts[0]),
            "steps": " ".join(facts[1]),
            "base": str(facts[2]),
            "said": ", then ".join(SAID[s[0]] + s[1:] for s in facts[1]),
        }

    def parse(self, pieces: Mapping[str, str]) -> Facts:
        said = pieces["said"].split(", then ") if "said" in pieces else []
        spoken = (sign + step.removeprefix(word) for step in said for sign, word in SAID.items() if step.startswith(word))
        steps = tuple(spoken) if said else tuple(pieces["steps"].split(" "))
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
