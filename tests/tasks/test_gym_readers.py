"""Answers that reasoning-gym's checkers would run are read instead, to the same verdict; code in them is wrong."""

import random

import pytest

from selftaught.seals import GoldReader
from selftaught.tasks.gym import source as gym
from selftaught.tasks.gym.expressions import expression
from selftaught.tasks.gym.refusals import EXECUTES, REFUSALS
from selftaught.tasks.gym.source import READERS, Gym, build
from selftaught.tasks.source import parse_source

pytest.importorskip("reasoning_gym")
pytestmark = [pytest.mark.gym, pytest.mark.filterwarnings("ignore")]
READER = GoldReader("audit", lambda: None)
# Families, tasks of each by default, and in the slow test: over 10,000 answers there.
COUNTS = {
    "string_insertion": (12, 300),
    "spiral_matrix": (12, 300),
    "binary_matrix": (12, 300),
    "n_queens": (8, 250),
    "countdown": (6, 60),
    "puzzle24": (3, 30),
    "polynomial_multiplication": (6, 150),
    "simple_integration": (2, 20),
    "intermediate_integration": (2, 16),
}
LISTS = ("string_insertion", "spiral_matrix", "binary_matrix", "n_queens")


def rows_of(gold):
    return [line.split() for line in gold.split("\n")]


def as_numbers(rows):
    return [[int(cell) if cell.isdigit() else cell for cell in row] for row in rows]


def lists(family, gold):
    """Spellings of a right answer of a family of lists."""
    if family == "string_insertion":
        cells = list(gold)
        made = [repr(cells), repr(tuple(cells)), repr(gold), str(cells).replace("'", '"'), ", ".join(map(repr, cells)), repr([gold])]
    elif family == "spiral_matrix":
        cells = [int(cell) for cell in gold.split()]
        made = [str(cells), str(tuple(cells)), ", ".join(map(str, cells)), repr(gold.split()), str(cells).replace(" ", ""), repr(gold)]
    else:
        rows = as_numbers(rows_of(gold))
        made = [str(rows), str(rows).replace("], ", "],\n "), str(tuple(map(tuple, rows))), repr(rows_of(gold)), str(rows).replace(" ", "")]
        made += [str([[cell not in (0, "_") for cell in row] for row in rows]), repr(gold.split("\n")), f"{rows}  # rows"]
    return [*made, f" {made[0]}", f"\n{made[0]}\n", made[0][:-1], made[0] + "]", f"```{made[0]}```", f"Answer: {made[0]}", f"\t{made[0]}"]


def expressions(gold):
    """Spellings of an expression that is right, and of some that are not."""
    return [
        gold.replace(" ", ""),
        f"({gold})",
        f" {gold}\n",
        f"0 + {gold}",
        f"{gold} + K",
        f"2*({gold})/2",
        gold.replace("**", "^"),
        f"{gold} =",
        gold.replace("*", ""),
        f"1.0*({gold})",
        f"-(-({gold}))",
        f"F = {gold}",
        f"{gold} + 1/2",
        f"{gold} + x",
        gold.replace("+", "-"),
        f"{gold} + sqrt(2)",
        f"{gold} + unknown(3)",
        f"${gold}$",
    ]


def perturbed(gold, random):
    """A right answer with one sign lost, doubled or replaced."""
    at, sign = random.randrange(len(gold)), random.choice("0123456789abX _Q+-*/(),[]'\"\n")
    return [gold[:at] + gold[at + 1 :], gold[:at] + gold[at] + gold[at:], gold[:at] + sign + gold[at + 1 :], gold.lower(), gold[::-1]]


def honest(family, items, random):
    """(answer, item) pairs a model might write."""
    for index, item in enumerate(items):
        gold = item["answer"]
        yield from ((answer, item) for answer in (gold, "", "x", "[]", "0", "None", *perturbed(gold, random)))
        yield items[index - 1]["answer"], item
        yield from ((answer, item) for answer in (lists(family, gold) if family in LISTS else expressions(gold)))


def differing(family, count):
    """(answers compared, those on which the reader and the library disagree, how many the library paid in full)."""
    data = build(family, "", 1 << 20, count)
    pairs = list(honest(family, [data[index] for index in range(count)], random.Random(family)))
    verdicts = [(READERS[family](answer, item), data.score_answer(answer, item)) for answer, item in pairs]
    wrong = [(answer, mine, theirs) for (answer, _), (mine, theirs) in zip(pairs, verdicts, strict=True) if mine != theirs]
    return len(pairs), wrong, sum(theirs == 1 for _, theirs in verdicts)


def test_every_family_that_would_execute_has_a_reader():
    assert set(READERS) == set(EXECUTES) == set(COUNTS)


@pytest.mark.parametrize("family", COUNTS)
def test_readers_give_the_verdict_of_the_library(family):
    compared, wrong, paid = differing(family, COUNTS[family][0])
    assert wrong == [] and paid >= COUNTS[family][0] and compared > paid


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_readers_give_the_verdict_of_the_library_on_ten_thousand_answers():
    found = {family: differing(family, count) for family, (_, count) in COUNTS.items()}
    assert {family: wrong for family, (_, wrong, _) in found.items() if wrong} == {}
    assert sum(compared for compared, _, _ in found.values()) >= 10_000


ATTACKS = (
    "oracle_answer", "entry['answer']", "entry", "[r.split() for r in oracle_answer.split(chr(10))]", "oracle_answer.split()", "answer",
    "self", "[r.split() for r in entry['metadata']['valid_answers'][0].split(chr(10))]", "valid_solutions[0]", "eval('entry')",
    "eval('1')", "f_back", "__import__('os').system('true')", "[__import__('os').system('true')]", "(lambda: entry)()", "globals()",
    "entry.answer", "user_expr", "[*map(str, oracle_answer)]", "f'{oracle_answer}'", "(oracle_answer := 1)", "integrand", "target_poly",
    "9**9**9**9", "10**10**10", "(x+1)**9**9", "2**2**2**2**2**2", "factorial(10**9)", "9" * 5000, "[" * 5000, "-" * 5000 + "1",
    "(" * 90 + "1" + ")" * 90 + "**9", "x" * 100_000, "[0]*10**9", "1e999999999", "exec('1')", "S('__import__(\"os\")')", "sympify('1')",
    "N", "Symbol('x').__class__", "x.__class__.__base__", "\0", "é" * 99,
)  # fmt: skip


@pytest.mark.parametrize("family", [family for family in COUNTS if family not in REFUSALS])
def test_code_in_an_answer_is_wrong(family, monkeypatch):
    source = parse_source(f"gym:{family}")
    for task in source.draw("attack", 2, "audit"):
        entry = task.sealed.open(READER)
        monkeypatch.setattr(gym, "dataset_of", None)  # the library's checker is not asked
        assert {answer[:40]: value for answer in ATTACKS if (value := source.check(task, answer, entry)) != 0} == {}
        assert source.check(task, entry["answer"], entry) == 1
    assert isinstance(source, Gym) and not source.executes


def test_expressions_are_sympys_own():
    import sympy

    for text in (
        "2*x**3 - x/3 + C",
        "exp(-x)*sin(2*x)",
        "1.50*y",
        "E**x + pi",
        "log(x, 2)",
        "-2**-2",
        "abs(x)",
        "Rational(1, 3)",
        "x**(1/2)",
        "f(x)",
        "7//2 + x % 3",
    ):
        assert expression(text) == sympy.parse_expr(text), text
    for text in (
        "",
        "x y",
        "x if y else z",
        "x == y",
        "x.y",
        "x[0]",
        "'x'",
        "True",
        "sin",
        "sin(x=1)",
        "exp(",
        "x; y",
        "x @ 2",
        "10**600",
        "7" * 61,
    ):
        with pytest.raises(ValueError):
            expression(text)
