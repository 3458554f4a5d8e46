"""Four-by-four sudoku with a growing number of blanks: a rule checks it from the prompt."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

from selftaught.parts import part
from selftaught.tasks.family import Facts, Family, Say, exactly

UNITS = [[r * 4 + c for c in range(4)] for r in range(4)]
UNITS += [[r * 4 + c for r in range(4)] for c in range(4)]
UNITS += [[(b // 2 * 2 + i // 2) * 4 + b % 2 * 2 + i % 2 for i in range(4)] for b in range(4)]
PEERS = [sorted({j for unit in UNITS if i in unit for j in unit if j != i}) for i in range(16)]
# The digits that are free beside those a set of bits says are taken.
FREE = [[digit for bit, digit in enumerate("1234") if not taken >> bit & 1] for taken in range(16)]


def fill(grid: list[str], rng: random.Random | None) -> list[str] | None:
    """The first completion of a grid ("_" is blank), digits tried in random or rising order."""
    taken = [0] * 16
    for cell, digit in enumerate(grid):
        if digit != "_":
            take(taken, cell, digit)
    return completed(grid, taken, rng)


def completed(grid: list[str], taken: list[int], rng: random.Random | None) -> list[str] | None:
    """`fill`, given what is taken around each cell: the first of the blanks with the fewest free digits comes first."""
    blanks = [cell for cell in range(16) if grid[cell] == "_"]
    if not blanks:
        return grid
    cell = min(blanks, key=lambda i: len(FREE[taken[i]]))
    free = FREE[taken[cell]]
    for digit in rng.sample(free, len(free)) if rng else free:
        around = taken.copy()
        take(around, cell, digit)
        if done := completed([*grid[:cell], digit, *grid[cell + 1 :]], around, rng):
            return done
    return None


def take(taken: list[int], cell: int, digit: str) -> None:
    """Note a digit at all cells that may not repeat it."""
    for peer in PEERS[cell]:
        taken[peer] |= 1 << int(digit) - 1


@part
@dataclass(frozen=True, kw_only=True)
class Sudoku(Family):
    """Fill a 4x4 sudoku with `blanks` empty cells; any completion that keeps the clues is right.

    Attributes:
        blanks: how many of the 16 cells are empty.
    """

    ladder = tuple(dict(blanks=b) for b in (1, 2, 3, 4, 5, 6, 7, 8, 10, 12))
    wordings = ("Fill in {grid}.", "Complete the grid {grid}.")
    plain = (
        "Fill in the blanks of this 4x4 sudoku: {grid}. Every row, column and 2x2 box holds 1, 2, 3 and 4.",
        "Complete the 4x4 sudoku {grid}, in which every row, column and 2x2 box holds 1 to 4.",
        "Replace every _ in {grid} by 1, 2, 3 or 4 so that no row, column or 2x2 box repeats a number.",
        "What is the solution of the 4x4 sudoku {grid}?",
    )  # fmt: skip
    limits = dict(blanks=(1, 16))
    signal = "rule"
    blanks: int = 4

    def draw(self, rng: random.Random) -> Facts:
        grid = fill(["_"] * 16, rng) or []
        for cell in rng.sample(range(16), self.blanks):
            grid[cell] = "_"
        return ("".join(grid),)

    def show(self, facts: Facts) -> dict[str, str]:
        return {"grid": " ".join(facts[0][i : i + 4] for i in range(0, 16, 4))}

    def parse(self, pieces: Mapping[str, str]) -> Facts:
        grid = pieces["grid"].replace(" ", "")
        if not re.fullmatch("[1-4_]{16}", grid):
            raise ValueError("not a grid")
        return (grid,)

    def work(self, facts: Facts, say: Say = exactly) -> tuple[str, str]:
        done = "".join(fill([*facts[0]], None) or facts[0])
        return "", " ".join(done[i : i + 4] for i in range(0, 16, 4))

    def check(self, facts: Facts, answer: str) -> bool:
        grid = answer.replace(" ", "")
        kept = len(grid) == 16 and all(clue in ("_", cell) for clue, cell in zip(facts[0], grid, strict=True))
        return kept and all({grid[i] for i in unit} == set("1234") for unit in UNITS)

    def spoil(self, facts: Facts, rng: random.Random) -> tuple[str, str]:
        answer = self.work(facts)[1]
        blanks = [i for i, cell in enumerate(self.show(facts)["grid"]) if cell == "_"]
        cell = rng.choice(blanks)
        wrong = rng.choice([d for d in "1234" if d != answer[cell]])
        return "", answer[:cell] + wrong + answer[cell + 1 :]
