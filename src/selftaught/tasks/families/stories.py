"""Stories in which a number of things grows and shrinks: small word problems of several steps."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

from selftaught.parts import part
from selftaught.tasks.family import Facts, Family, Say, exactly

# What adds and what takes away in each story, around the number.
TELLS = {
    "books": ("buys {} more", "gives {} away"),
    "bus": ("{} people get on", "{} people get off"),
    "jar": ("{} are put in", "{} are taken out"),
    "farm": ("{} are born", "{} are sold"),
    "points": ("wins {} points", "loses {} points"),
}


@part
@dataclass(frozen=True, kw_only=True)
class Stories(Family):
    """Follow a number of things through `steps` gains and losses of at most `size`; it never falls below zero.

    Attributes:
        steps: how many gains and losses.
        size: the start and every change lie below this.
    """

    ladder = tuple(dict(steps=n, size=s) for n, s in ((1, 10), (1, 20), (2, 10), (2, 20), (3, 20), (3, 50), (4, 100), (6, 100)))
    wordings = (
        "Tom has {start} books. He {books}. How many books does Tom have now?",
        "A bus has {start} people on it. At the next stops {bus}. How many people are on the bus now?",
        "There are {start} sweets in a jar. First {jar}. How many sweets are in the jar now?",
        "A farm has {start} sheep. This year {farm}. How many sheep does the farm have in the end?",
        "Mia has {start} points in a game. She {points}. How many points does Mia have at the end?",
    )  # fmt: skip
    limits = dict(steps=(1, 12), size=(2, 10_000))
    numeric = True
    steps: int = 2
    size: int = 10

    def draw(self, rng: random.Random) -> Facts:
        start = total = rng.randrange(1, self.size)
        changes = []
        for _ in range(self.steps):
            most = min(total, self.size - 1)
            change = -rng.randrange(1, most + 1) if most and rng.random() < 0.5 else rng.randrange(1, self.size)
            changes.append(change)
            total += change
        return start, tuple(changes)

    def show(self, facts: Facts) -> dict[str, str]:
        told = {key: ", then ".join(tell[change < 0].format(abs(change)) for change in facts[1]) for key, tell in TELLS.items()}
        return {"start": str(facts[0]), **told}

    def parse(self, pieces: Mapping[str, str]) -> Facts:
        [(key, told)] = [(key, text) for key, text in pieces.items() if key != "start"]
        changes = []
        for text in told.split(", then "):
            found = [re.fullmatch(tell.replace("{}", r"(\d{1,9})"), text) for tell in TELLS[key]]
            changes += [sign * int(match[1]) for sign, match in zip((1, -1), found, strict=True) if match]
            if not any(found):
                raise ValueError("not a change")
        return int(pieces["start"]), tuple(changes)

    def work(self, facts: Facts, say: Say = exactly) -> tuple[str, str]:
        totals = [facts[0]]
        for change in facts[1]:
            totals.append(say(totals[-1] + change))
        return " ".join(map(str, totals[1:-1])), str(totals[-1])
