"""Ways of reading a reply, patterns of a user's own, and how long reading takes."""

import time

import pytest

from selftaught.format import Format, canonical
from selftaught.parts import BadInput


@pytest.mark.parametrize(
    ("how", "reply", "right"),
    [
        ("marked", "#### 86", "86"), ("marked", "86", None), ("marked", "3+4=7", None), ("marked", "#### 8\n#### 9", "9"),
        ("number", "7 times 6 is 42, or so", "42"), ("number", "\\boxed{42} is larger than 3", "42"), ("number", "none", None),
        ("number", " 313\n12+45+2=59", "59"), ("text", "<think>a</think> 7 times\n6 ", "7 times 6"), ("text", "", None),
        ("boxed", "\\boxed{\\frac{1}{2}} #### 3", "0.5"), ("boxed", "#### 3", None), (r"Result: (\d+)", "Result: 3 Result: 4", "4"),
        (r"Result: (\d+)", "Result: 3\n\nQuestion: 4\nResult: 9", "3"), (r"Result: (\d+)", "#### 3", None),
    ],
)  # fmt: skip
def test_every_other_way_of_reading(how, reply, right):
    assert Format(answer=how).canonical(reply, numeric=how == "marked") == right


@pytest.mark.parametrize("pattern", ["([0-9]+", r"(\d+)|(\w+)", "answer", r"((a+)+)$", ""])
def test_a_pattern_that_cannot_be_used_is_refused(pattern):
    with pytest.raises(BadInput, match="nor a regular expression"):
        Format(answer=pattern)


def test_a_pattern_that_does_not_end_gives_no_answer_and_says_so():
    form = Format(answer=r"((?:x+x+)+)y")
    start = time.process_time()
    with pytest.warns(UserWarning, match="given up"):
        assert form.extract("x" * 3000) is None
    assert time.process_time() - start < 5


HOSTILE = ["\\boxed{", "{", "(", "1", "1,", "answer ", "answer is ", "*", " ", "\n", "\nQuestion:", "<think>", "<answer>", "####", "$",
"A. ",
           "\\text{", "\\frac{1}{", "1,111", "1/", "-", "#### 1\n", "_", "(a) ", "answer: x. "]  # fmt: skip


def test_reading_is_quick_on_anything():
    readings = [Format(answer=how) for how in ("auto", "marked", "number", "choice", "boxed", "text")]
    for piece in HOSTILE:
        text = piece * (100_000 // len(piece))
        for form in readings:
            start = time.process_time()
            form.canonical(text, numeric=True)
            canonical(text[:400])
            assert time.process_time() - start < 0.5, (piece, form.answer)


def test_one_reply_is_read_once():
    form, text = Format(), "The answer is 42."
    form.canonical(text, True)
    start = time.process_time()
    for _ in range(1000):
        form.canonical(text, True)
    assert (time.process_time() - start) / 1000 < 20e-6
