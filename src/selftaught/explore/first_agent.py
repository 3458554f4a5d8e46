"""The program that the first agent of an archive is: how a model is asked, which of its replies counts, and its own successor.

It runs behind the walls of the sandbox as `main(data)`, where `data["do"]` is ask, answer or write; it sees prompts, replies
and its own text, and no grade. All of it is its own to change: a successor may hold other constants (those of `write` and of
the grammar among them), another `worth`, or lack a statement, and must still be able to write one.
"""

import ast
import random
import re
from typing import Any

SAMPLES = 4
HEAT = 1.0
# How many changes a successor has, and how likely each kind is.
CHANGES = 2
CONSTANT, EXPRESSION, DROP = 4, 4, 1
# What `worth` can be grown from.
TEXTS = ["reply", "result(reply)", "steps(reply)"]
NUMBERS = [
    "len(TEXT)", "-len(TEXT)", "wrong(TEXT)", "-wrong(TEXT)", "TEXT.count(' ')", "number(TEXT)", "-number(TEXT)", "bool(TEXT)",
    "sum(TEXT == other for other in replies)", "sum(result(reply) == result(other) for other in replies)", "TEXT in prompt",
]  # fmt: skip


def result(reply: str) -> str:
    """What stands behind the mark."""
    return reply.rpartition("####")[2].strip()


def steps(reply: str) -> str:
    """What stands before it."""
    return reply.rpartition("####")[0].strip()


def number(text: str) -> int:
    """The last whole number of a text, 0 without one."""
    return int(("0", *re.findall(r"-?\d{1,9}", text))[-1])


def wrong(text: str) -> int:
    """How many sums and products in a text do not come out."""
    found = re.findall(r"(?<![\d*+-])(\d{1,6})([-+*])(\d{1,6})=(-?\d{1,12})(?!\d)", text)
    return sum({"+": int(a) + int(b), "-": int(a) - int(b), "*": int(a) * int(b)}[sign] != int(c) for a, sign, b, c in found)


def ask(prompt: str) -> dict[str, Any]:
    """What the model is asked: a prompt, how many replies, and how hot."""
    return {"prompt": prompt, "n": SAMPLES, "temperature": HEAT}


def worth(prompt: str, reply: str, replies: list[str]) -> float:
    """How much a reply is worth; the first of the best counts."""
    return 0


def answer(prompt: str, replies: list[str]) -> str:
    """The reply that counts."""
    return max(replies, key=lambda reply: worth(prompt, reply, replies))


def grown(rng: random.Random, old: str) -> str:
    """An expression in the place of an old one: a new one, or both together."""
    new = rng.choice(NUMBERS).replace("TEXT", rng.choice(TEXTS))
    return rng.choice([new, new, f"({old}, {new})" if old.startswith("(") else f"({old}) + ({new})", f"({new}) * 100 + ({old})"])


def other(rng: random.Random, value: float) -> float:
    """Another constant near an old one: whole ones by 1 or by a factor of 2, others by a few tenths, none below 0."""
    if isinstance(value, int):
        return rng.choice([value + 1, value * 2, value // 2])
    return round(max(0.0, value + rng.choice([-0.5, -0.3, -0.1, 0.1, 0.3])), 2)


def write(source: str, seed: int) -> str:
    """A successor: this program with a few changes."""
    rng, tree = random.Random(seed), ast.parse(source)
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    for _ in range(CHANGES):
        kind = rng.choices(["constant", "expression", "drop"], [CONSTANT, EXPRESSION, DROP])[0]
        if kind == "constant":
            values = [node for node in tree.body if isinstance(node, ast.Assign)]
            leaves: list[Any] = [leaf for node in values for leaf in ast.walk(node.value) if isinstance(leaf, ast.Constant)]
            leaf = rng.choice([leaf for leaf in leaves if isinstance(leaf.value, (int, float))])
            leaf.value = other(rng, leaf.value)
        elif kind == "expression":
            body = next(node for node in functions if node.name == "worth").body
            back: Any = next(node for node in body if isinstance(node, ast.Return))
            back.value = ast.parse(grown(rng, ast.unparse(back.value)), mode="eval").body
        else:
            body = rng.choice(functions).body
            del body[rng.randrange(len(body))]
            body[:] = body or [ast.Pass()]
    return ast.unparse(tree)


def main(data: dict[str, Any]) -> object:
    """What the program is asked to do."""
    if data["do"] == "ask":
        return ask(data["prompt"])
    if data["do"] == "answer":
        return answer(data["prompt"], data["replies"])
    return write(data["source"], data["seed"])
