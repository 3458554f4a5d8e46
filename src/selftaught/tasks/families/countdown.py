"""Countdown: reach a target with given numbers. Hard to find, easy to check."""

import ast
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from selftaught.parts import part
from selftaught.tasks.family import Facts, Family, Say, exactly, integers, listed, unlisted

APPLY: dict[str, Callable[[int, int], int]] = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b}
OPS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*"}


def value(node: ast.AST, used: list[int]) -> int:
    """Value of an expression of whole numbers, +, - and *; raises ValueError on any other syntax."""
    if isinstance(node, ast.BinOp) and type(node.op) in OPS:
        return APPLY[OPS[type(node.op)]](value(node.left, used), value(node.right, used))
    if isinstance(node, ast.Constant) and type(node.value) is int:
        used.append(node.value)
        return node.value
    raise ValueError("not an expression")


@part
@dataclass(frozen=True, kw_only=True)
class Countdown(Family):
    """Write an expression that uses each of `count` numbers once and equals the target.

    Attributes:
        count: how many numbers.
        size: numbers lie below this.
        times: 1 allows products, 0 only sums and differences.
    """

    ladder = tuple(dict(count=c, size=s, times=t) for c, s, t in
                   ((2, 10, 0), (2, 10, 1), (3, 10, 0), (3, 10, 1), (3, 20, 1), (4, 10, 0),
                    (4, 10, 1), (4, 20, 1), (5, 10, 1), (6, 20, 1)))  # fmt: skip
    wordings = ("Make {target} from {numbers}.", "Use {numbers} to reach {target}.")
    plain = (
        "Use each of the numbers {listed} exactly once to write an expression that equals {target}.",
        "Write a calculation with the numbers {listed}, each used once, whose result is {target}.",
        "How can you get {target} from the numbers {listed}, using each of them once?",
        "Combine {listed} with plus, minus or times so that the result is {target}. Use each number once.",
    )  # fmt: skip
    limits = dict(count=(2, 7), size=(2, 100), times=(0, 1))
    signal = "rule"
    count: int = 3
    size: int = 10
    times: int = 1

    def draw(self, rng: random.Random) -> Facts:
        while True:
            numbers = [rng.randrange(1, self.size) for _ in range(self.count)]
            total = numbers[0]
            for n in numbers[1:]:
                total = APPLY[rng.choice("+-*" if self.times else "+-")](total, n)
            if 0 < total < 200:
                return tuple(rng.sample(numbers, len(numbers))), total

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

    def search(self, numbers: tuple[int, ...], target: int) -> list[tuple[str, int]] | None:
        """A chain of (operation, number) from 0 that ends at the target; None when there is none."""
        if not numbers:
            return [] if target == 0 else None
        for i, last in enumerate(numbers):
            rest = numbers[:i] + numbers[i + 1 :]
            if not rest:
                return [("+", last)] if last == target else None
            for op, before in (("+", target - last), ("-", target + last), ("*", target // last if target % last == 0 else None)):
                if before is not None and (found := self.search(rest, before)) is not None:
                    return [*found, (op, last)]
        return None

    def work(self, facts: Facts, say: Say = exactly) -> tuple[str, str]:
        plan = self.search(*facts) or [("+", n) for n in facts[0]]
        total, text, steps = plan[0][1], str(plan[0][1]), []
        for i, (op, n) in enumerate(plan[1:]):
            # Brackets only where the chain so far binds weaker than the next operation.
            text = f"({text}){op}{n}" if op == "*" and i and re.search(r"[-+]", text.rsplit(")", 1)[-1]) else f"{text}{op}{n}"
            steps.append(f"{total}{op}{n}={say(APPLY[op](total, n))}")
            total = APPLY[op](total, n)
        return " ".join(steps), text

    def check(self, facts: Facts, answer: str) -> bool:
        if not re.fullmatch(r"[-\d+*() ]{1,80}", answer):
            return False
        used: list[int] = []
        try:
            total = value(ast.parse(answer.strip(), mode="eval").body, used)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
        return total == facts[1] and sorted(used) == sorted(facts[0])

    def spoil(self, facts: Facts, rng: random.Random) -> tuple[str, str]:
        numbers = rng.sample(facts[0], len(facts[0]))
        total, text, steps = numbers[0], str(numbers[0]), []
        for n in numbers[1:]:
            op = rng.choice("+-")
            steps.append(f"{total}{op}{n}={APPLY[op](total, n)}")
            total, text = APPLY[op](total, n), f"{text}{op}{n}"
        return " ".join(steps), text if total != facts[1] else text + "+1"
