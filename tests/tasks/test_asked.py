"""Questions are known by what they ask: spelling and shape do not hide one, signs make another."""

import random
import time

import pytest

from selftaught.tasks.question import Asked, asks, pieces
from selftaught.tasks.text import text_fingerprint
from selftaught.types import Message

SAME = [
    ("What is 5/2?", "what is 5 / 2"), ("What is  3+2?", "What is 3 + 2 = ?"), ("1,000 cows", "1000 cows"), ("e.g. a cat", "eg a cat"),
    ("$x^2$ is?", "x^{2} is"), ("x² - 1", "x^2 − 1"), (r"5 \times 3", "5 × 3"), ("well-known man", "well known man"),
    ("**Question:** What is it", "Question: what is it"), ("[100,200]", "[100, 200]"), ("U.S. cities", "US cities"),
    ("今天 天气", "今天天气"), ("foo — bar baz", "foo bar baz"), ("It’s 5", "it's 5"), ("½ of", "1/2 of"), (".5 kg", "0.5 kg"),
    ("x -5x", "x - 5 x"), (r"\(3+2\)", "$3+2$"), ("- Apples are good", "Apples are good"), ("5\u200b apples", "5 apples"),
    ("５ ＋ ３", "5 + 3"), ("COVID-19", "covid 19"),
]  # fmt: skip
TWO = [
    ("3 + 2", "3 / 2"), ("3 - 2", "3 + 2"), ("-5", "5"), ("1.5", "15"), ("x > y", "x < y"), ("x >= y", "x > y"), ("2*(3+4)", "2*3+4"),
    ("5! + 3", "5 + 3"), ("f'(2)", "f(2)"), ("$5 apples", "€5 apples"), ("2**3", "2*3"), ("x-y", "x+y"), ("x - y", "x y"), ("कि", "की"),
    ("😀", "😃"), ("a[i]", "a(i)"), ("10%", "10"), ("x²", "x2"), ("3^2", "3*2"), ("{1,2}", "(1,2)"), ("1e3", "1e-3"), ("12 != 3", "12 = 3"),
    ("¬p", "p"), ("2-sin(x)", "2 sin(x)"), ("1/2", "12"), ("3,5", "35"), ("√5", "5"), ("12\n+ 34", "12\n- 34"), ("a → b", "a ← b"),
    (r"\sqrt{5}", "5"), ("is 5 ≤ 3", "is 5 ≥ 3"), ("What is 3 × 4?", "What is 3 ÷ 4?"),
]  # fmt: skip


@pytest.mark.parametrize("one, other", SAME)
def test_spelling_does_not_hide_a_question(one, other):
    assert asks(one) == asks(other) != ""


@pytest.mark.parametrize("one, other", TWO)
def test_signs_make_another_question(one, other):
    assert asks(one) != asks(other)


def turns(*pairs):
    return tuple(Message(*pair) for pair in pairs)


def test_shape_does_not_hide_a_question():
    plain = text_fingerprint("What is 3+2?")
    assert plain == text_fingerprint(turns(("system", "Be careful."), ("user", "what is 3 + 2")))
    assert plain == text_fingerprint(turns(("user", "What is 3 + 2"), ("assistant", "Hm."), ("user", " ")))
    assert plain != text_fingerprint(turns(("user", "What is 3 - 2")))


def test_a_question_is_found_inside_longer_prompts_and_the_other_way_round():
    asked = Asked()
    asked.add("What is 3 + 2?", "sum")
    asked.add(turns(("system", "s"), ("user", "What is 9 + 2? Think well.")), "long")
    found = [
        "What is 3+2? Answer with a number.", "Q: 1+1?\nA: 2\nQ: What is 3+2?\nA:", "You are good. What is 3+2?",
        turns(("user", "hi"), ("assistant", "yo"), ("user", "What is 3 + 2?")), turns(("system", "What is 3 + 2?"), ("user", "go")),
    ]  # fmt: skip
    assert [asked.met(prompt) for prompt in found] == [{"sum"}] * len(found)
    assert asked.met("what is 9+2") == {"long"}
    assert not any(map(asked.met, ("What is 3+2+5?", "What is 3/2?", "Think well.", "What is", "What is 9 - 2?", "")))


def test_hostile_texts_cost_no_time():
    started = time.process_time()
    for piece in ("*", "$", "1", "\n", "- ", "(", "1,", "**a", "a.", "\\", " ", "!", "'", "é\u0301", "a-b "):
        pieces.__wrapped__(piece * (20_000 // len(piece)))
    assert time.process_time() - started < 3


def test_no_text_breaks_it():
    rng = random.Random(0)
    for _ in range(300):
        text = "".join(chr(rng.choice((rng.randrange(32, 127), rng.randrange(0x10FFFF)))) for _ in range(rng.randrange(30)))
        assert asks(text) == asks(f"  {text}\n") or "\n" in text
