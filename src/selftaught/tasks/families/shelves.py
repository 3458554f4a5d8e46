"""Which shelf a customer's things go on: a rule that no question tells, and that whoever remembers earlier answers knows."""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from selftaught.parts import part
from selftaught.tasks.english import SHOWN
from selftaught.tasks.family import Facts, Family, Say, exactly
from selftaught.types import content_hash

NAMES = (
    "Ana Ben Cleo Dan Eva Finn Gita Hugo Iris Jonas Kira Leo Mona Nils Olga Paul Rosa Sam Tara Uwe Vera Walt Yara Zeno "
    "Alma Boris Clara Dirk Elsa Franz Greta Hans"
)
CUSTOMERS = tuple(NAMES.split())


@part
@dataclass(frozen=True, kw_only=True)
class Shelves(Family):
    """Name the shelf of a customer's parcel; each customer has one shelf for everything, which is hidden.

    No question can be answered from itself: without a memory one right answer in `shelves` is luck. Held-out questions are
    about the same customers and other things.

    Attributes:
        customers: how many there are (2 to 32).
        shelves: shelves are numbered from 1 to this (2 to 9).
        house: another number is another hidden rule.
    """

    ladder = tuple(dict(customers=c, shelves=s) for c, s in ((4, 4), (8, 8), (16, 8), (24, 8), (32, 9)))
    wordings = (
        "A {thing} came. Which shelf is for {customer}?", "Here is a {thing}. What is the shelf of {customer}?",
        "Where do I put a {thing} for {customer}?", "The {thing} has come. Which shelf belongs to {customer}?",
    )  # fmt: skip
    limits = dict(customers=(2, 32), shelves=(2, 9))
    numeric = True
    customers: int = 24
    shelves: int = 8
    house: int = 0

    def draw(self, rng: random.Random) -> Facts:
        return rng.choice(CUSTOMERS[: self.customers]), rng.choice(SHOWN)

    def show(self, facts: Facts) -> dict[str, str]:
        return {"customer": facts[0], "thing": facts[1]}

    def parse(self, pieces: Mapping[str, str]) -> Facts:
        if pieces["customer"] not in CUSTOMERS or pieces["thing"] not in SHOWN:
            raise ValueError("neither a customer nor a thing")
        return pieces["customer"], pieces["thing"]

    def work(self, facts: Facts, say: Say = exactly) -> tuple[str, str]:
        return "", str(say(1 + int(content_hash("shelves", self.house, facts[0]), 16) % self.shelves))
