"""Worked solutions for the reasoning-gym families sprout learns, parsed from their real prompts."""

import math
import random
import re
from collections.abc import Callable

from selftaught.tasks.families.products import Products


def chain_sum(question: str) -> str:
    """Running totals from left to right."""
    terms = re.findall(r"([-+]?) ?(\d+)", question)
    totals, total = [], 0
    for sign, digits in terms:
        total += -int(digits) if sign == "-" else int(digits)
        totals.append(total)
    return f"{' '.join(map(str, totals[1:]))} #### {total}"


def products(question: str) -> str:
    """One partial product a digit, as in the own family."""
    first, second = map(int, re.findall(r"\d+", question))
    steps, answer = Products().work((first, second))
    return f"{steps} #### {answer}".strip()


def euclid(first: int, second: int) -> tuple[str, int]:
    """Remainders until zero: (steps, greatest common divisor)."""
    a, b, steps = max(first, second), min(first, second), []
    while b:
        steps.append(f"{a}%{b}={a % b}")
        a, b = b, a % b
    return " ".join(steps), a


def gcd(question: str) -> str:
    """Euclid's remainders."""
    steps, answer = euclid(*map(int, re.findall(r"\d+", question)))
    return f"{steps} #### {answer}"


def lcm(question: str) -> str:
    """Euclid's remainders, then one division and one product."""
    first, second = map(int, re.findall(r"\d+", question))
    steps, common = euclid(first, second)
    return f"{steps} {first}/{common}={first // common} *{second} #### {math.lcm(first, second)}"


WORKED: dict[str, tuple[Callable[[str], str], tuple[dict[str, int], ...]]] = {
    "chain_sum": (
        chain_sum,
        tuple(dict(min_terms=2, max_terms=t, min_digits=1, max_digits=d) for t, d in ((3, 1), (4, 2), (5, 2), (4, 3))),
    ),
    "products": (products, tuple(dict(min_digits=1, max_digits=d) for d in (1, 2, 3))),
    "gcd": (gcd, tuple(dict(max_value=v) for v in (20, 60, 200))),
    "lcm": (lcm, tuple(dict(max_value=v) for v in (12, 30, 60))),
}


def draws(name: str, rng: random.Random, count: int) -> list[tuple[str, str]]:
    """`count` pairs (question, worked solution) of one family, easier settings more often."""
    import reasoning_gym

    work, settings = WORKED[name]
    setting = rng.choices(settings, weights=[0.7**i for i in range(len(settings))])[0]
    dataset = reasoning_gym.create_dataset(name, size=count, seed=rng.getrandbits(40), **setting)
    return [(item["question"].strip(), work(item["question"])) for item in dataset]
