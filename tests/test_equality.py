"""Which answers are equal: by their one spelling in votes, and more widely against the right answer."""

import asyncio
import os
import subprocess
import sys
import threading
import time
from itertools import pairwise

import pytest

from selftaught.format import canonical
from selftaught.tasks.grading.equality import LIMIT, VERIFIER, compare, same

CLASSES = [
    ("12", "12.", "12.0", "+12", "$12", "012", "１２", "١٢", "12 dollars", "\\text{12}", "**12**", "$12$", "\\(12\\)", "x=12", "24/2",
    "1.2e1"),
    ("0.5", ".5", "1/2", "\\frac12", "\\frac{1}{2}", "\\dfrac{1}{2}", "\\tfrac12", "½", "2/4", "5e-1", "0.50"),
    ("1.5", "1 1/2", "1\\frac{1}{2}", "1\\frac12", "1½", "3/2"),
    ("12345", "12,345", "12\u2009345", "12\u202f345", "12_345", "12'345", "12\\,345", "12{,}345", "12.345e3"),
    ("-5", "−5", "－5", "-$5", "$-5", "- 5", "-5.0", "x = -5"),
    ("1/3", "\\frac{1}{3}", "2/6", "⅓"),
    ("50%", "50\\%", "50 %", "50 percent"),
    ("5 cm", "5cm", "5\\text{ cm}", "5\\,\\text{cm}", "5~\\mathrm{cm}", "5 centimeters"),
    ("90^\\circ", "90^{\\circ}", "90°", "90 degrees"),
    ("(1, 2)", "(1,2)", "\\left(1,2\\right)", "( 1 , 2 )", "$(1, 2)$"),
    ("1, 2", "1,2", "1 , 2"),
    ("Yes", "yes", "YES", "yes.", "**Yes**", '"Yes"', "\\text{Yes}"),
    ("B", "(B)", "B.", "**B**", "Option B", "\\text{(B)}", "\\textbf{(B)}", "\\mathrm{B}", "(b)"),
    ("Paris", "paris", "Paris.", "`Paris`"),
    ("\\frac{\\sqrt{3}}{2}", "\\dfrac{\\sqrt{3}}{2}", "\\frac{\\sqrt3}{2}", "$\\frac{\\sqrt{3}}{2}$"),
    ("5000000", "5 million", "5,000,000"),
    ("5 euros", "€5", "5 €"),
    ("x^2+1", "x^{2}+1", "x^2 + 1", "x²+1"),
    ("x^2-1",), ("3 4 5",), ("5 m",), ("5m",), ("2x",), ("[1, 2]",), ("2, 1",), ("ABC",), ("abc",), ("5 kg",), ("12:30",), ("1-2",),
    ("12 000",),
]  # fmt: skip

# (answer, right answer): equal against the right answer, though not in one class.
EQUAL = [
    ("50%", "50"), ("50%", "0.5"), ("0.5", "50%"), ("12 cm", "12"), ("12", "12 cm"), ("18 apples", "18"), ("1/3", "0.333333"),
    ("0.333333", "1/3"),
    ("1, 2", "(1, 2)"), ("[1, 2]", "1, 2"), ("\\{1, 2\\}", "\\{2, 1\\}"), ("1, 2", "\\{2, 1\\}"), ("x=1 or x=2", "2 or 1"), ("(1/2, 3)",
    "(0.5, 3)"),
    ("B", "(B) Paris"), ("B) Paris", "B"), ("b", "B"), ("NEW YORK", "New York"), ("\\{5\\}", "5"),
]  # fmt: skip
# The same, which only mathematics can say.
MATHEMATICS = [
    ("2x+1", "1+2x"), ("x^2-1", "(x-1)(x+1)"), ("\\sqrt{49}", "7"), ("2^{10}", "1024"), ("\\sqrt{3}/2", "\\frac{\\sqrt{3}}{2}"),
    ("3\\pi", "\\pi*3"),
    ("(0,1]\\cup[2,3)", "[2,3)\\cup(0,1]"), ("y=2x+1", "y=1+2x"), ("2\\pi cm", "2\\pi"), ("(x+1, \\sqrt{4})", "(1+x, 2)"), ("5!", "120"),
    ("\\log_2 8", "3"), ("\\sqrt{8}", "2\\sqrt{2}"), ("\\frac{x}{2}+\\frac{x}{2}+1", "x+1"), ("\\frac{\\sqrt{3}}2",
    "\\frac{\\sqrt{3}}{2}"), ("\\begin{pmatrix}1\\\\2/4\\end{pmatrix}", "\\begin{pmatrix}1\\\\1/2\\end{pmatrix}"),
]  # fmt: skip
DIFFERENT = [
    ("5 cm", "5 m"), ("1,2", "12"), ("1,2", "2,1"), ("(1,2)", "[1,2]"), ("(0,1)", "(0,1]"), ("(1,2)", "\\{1,2\\}"), ("1/3", "0.33"),
    ("0.333333", "0.333334"),
    ("3.14", "3.1416"), ("50%", "5"), ("50%", "500"), ("5 million", "5"), ("3 hours", "3 minutes"), ("€5", "£5"), ("Paris", "Madrid"),
    ("yes", "no"),
    ("C", "(B) Paris"), ("1, 2", "1"), ("1, 2, 3", "1, 2"), ("12 000", "12"), ("7 or 8", "7"), ("", "5"), ("5", ""), ("x" * 500,
    "x" * 501), ("12", "1200"),
    ("1e3", "13"), ("-5", "5"), ("2 squared", "2"), ("[1, 2]", "[1, 3]"), ("\\{1, 1\\}", "\\{1, 2\\}"), ("twelve apples", "twelve pears"),
]  # fmt: skip
OTHER_MATHEMATICS = [
    ("2x+1", "2y+1"), ("x^2", "x^3"), ("3\\pi", "9.42"), ("2\\pi cm", "2\\pi m"), ("5m", "5"), ("\\foo{} 7", "7"), ("\\pm 5", "5"),
    ("\\sqrt{2}", "1.4"),
]  # fmt: skip
TOWERS = ["9^{9^9}", "10^{10^{10}}", "(10^9)!", "9^{9^{9^9}}", "9^{9^{9^{9}}}"]


@pytest.mark.parametrize("members", CLASSES, ids=lambda members: members[0])
def test_equal_answers_have_one_spelling(members):
    assert len({canonical(one) for one in members}) == 1, {one: canonical(one) for one in members}


def test_classes_are_apart_and_a_spelling_is_its_own():
    spellings = [canonical(members[0]) for members in CLASSES]
    assert len(set(spellings)) == len(CLASSES)
    assert all(canonical(spelling) == spelling for spelling in spellings)


@pytest.mark.parametrize(("answer", "right"), EQUAL + MATHEMATICS)
def test_equal(answer, right):
    assert same(canonical(answer), canonical(right))


@pytest.mark.parametrize(("answer", "right"), DIFFERENT + OTHER_MATHEMATICS)
def test_different(answer, right):
    assert not same(canonical(answer), canonical(right))


def test_what_needs_no_mathematics_asks_nobody(monkeypatch):
    monkeypatch.setattr(VERIFIER, "ask", lambda *pair: pytest.fail(f"asked for {pair}"))
    for answer, right in EQUAL + DIFFERENT:
        compare(canonical(answer), canonical(right))


@pytest.mark.slow
@pytest.mark.parametrize("tower", TOWERS)
def test_every_tower_is_wrong(tower):
    start = time.perf_counter()
    assert compare(tower, "7")[0] == 0 and time.perf_counter() - start < 30


def test_threads_and_a_loop_may_ask():
    pairs = [(f"\\sqrt{{{n * n}}}", str(n)) for n in range(2, 6)]
    said = []
    threads = [threading.Thread(target=lambda pair=pair: said.append(same(*pair))) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    async def ask():
        return [same(f"{n}+x", f"x+{n}") for n in (2, 3)]

    assert said == [True] * 4 and asyncio.run(ask()) == [True, True]


def test_a_tower_of_powers_is_wrong_in_a_second_and_the_next_pair_is_answered(monkeypatch):
    assert same("\\sqrt{36}", "6")
    first = VERIFIER._child.process
    start = time.perf_counter()
    assert compare(TOWERS[0], "7") == (0.0, "timeout")
    assert time.perf_counter() - start < 12 * LIMIT
    # Reaped, and the same pair costs nothing again.
    assert first.returncode is not None and VERIFIER._child is None
    assert compare(TOWERS[0], "7") == (0.0, "timeout") and VERIFIER._child is None
    assert same("\\sqrt{64}", "8")
    # Ctrl-C while a pair is looked at: its reply may not be taken for the next pair's.
    second = VERIFIER._child.process
    monkeypatch.setattr(VERIFIER._child, "exchange", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        same("\\sqrt{25}", "4")
    assert second.returncode is not None and VERIFIER._child is None


def test_nothing_is_printed_no_torch_is_loaded_and_the_process_ends_with_its_owner():
    code = (
        "import sys; from selftaught.tasks.grading.equality import VERIFIER, same; assert same('2x+1', '1+2x');"
        "print(VERIFIER._child.process.pid);"
        "modules = {'torch', 'transformers', 'math_verify'} & set(sys.modules); assert not modules, modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr
    with pytest.raises(ProcessLookupError):
        os.kill(int(done.stdout), 0)


def test_spelling_is_quick():
    for text in (
        "42",
        "\\boxed{\\frac{1}{2}}",
        "1," * 200,
        "\\text{" * 60,
        "{" * 400,
        "1 " * 200,
        "(" * 400,
        "-" * 400,
        "9" * 400,
        "1e999",
    ):
        start = time.process_time()
        canonical.__wrapped__(text)
        assert time.process_time() - start < 0.05, text
    assert all(canonical(a) != canonical(b) for a, b in pairwise(["1e999", "1e998", "1e997"]))
