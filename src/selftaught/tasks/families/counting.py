"""Counting up or down between two numbers: a rule counts along."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

from selftaught.parts import part
from selftaught.tasks.family import Facts, Family, Say, exactly


@part
@dataclass(frozen=True, kw_only=True)
class Counting(Family):
    """Write the whole numbers from one to another, `length` at most, up or (with `down`) also down.

    Attributes:
        length: most numbers that are to be written; two at least.
        size: the numbers lie below this.
        down: 1 counts down in half of the questions.
    """

    ladder = tuple(dict(length=n, size=s, down=d) for n, s, d in
                   ((4, 50, 0), (6, 100, 0), (6, 50, 1), (8, 100, 1), (8, 1000, 1), (16, 1000, 1)))  # fmt: skip
    wordings = (
        "Count from {start} to {end}.", "Write all whole numbers from {start} to {end}.",
        "List the numbers from {start} to {end}, separated by commas.", "Start at {start} and count to {end}.",
    )  # fmt: skip
    limits = dict(length=(2, 40), size=(50, 100_000), down=(0, 1))
    signal = "rule"
    reads = "text"
    length: int = 6
    size: int = 100
    down: int = 0

    def draw(self, rng: random.Random) -> Facts:
        start = rng.randrange(self.size - self.length)
        ends = start, start + rng.randrange(1, self.length)
        return ends[::-1] if self.down and rng.random() < 0.5 else ends

    def show(self, facts: Facts) -> dict[str, str]:
        return {"start": str(facts[0]), "end": str(facts[1])}

    def parse(self, pieces: Mapping[str, str]) -> Facts:
        start, end = int(pieces["start"]), int(pieces["end"])
        if start == end or abs(start - end) > 40:
            raise ValueError("too far to count")
        return start, end

    def work(self, facts: Facts, say: Say = exactly) -> tuple[str, str]:
        step = 1 if facts[0] < facts[1] else -1
        return "", ", ".join(map(str, range(facts[0], facts[1] + step, step)))

    def check(self, facts: Facts, answer: str) -> bool:
        return bool(re.fullmatch(r"[\d,;\s.-]*", answer)) and re.findall(r"\d+", answer) == self.work(facts)[1].split(", ")

    def spoil(self, facts: Facts, rng: random.Random) -> tuple[str, str]:
        right = self.work(facts)[1].split(", ")
        return "", ", ".join(right[:-1] if rng.random() < 0.5 else [*right, str(facts[1] + 1)])
