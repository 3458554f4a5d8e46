"""What a reply's answer is, by each way of reading; pure functions, linear in the length of a reply."""

import re

from selftaught.answers.choice import letter_first, letter_named
from selftaught.answers.marks import alike, marked
from selftaught.answers.numbers import NUMBER, ascii_digits, last_number, quantity
from selftaught.answers.region import TAIL, after_thought, regions
from selftaught.answers.spelling import THIN, plainer, unquoted
from selftaught.answers.tidy import tidy

KINDS = (
    re.compile(r"\\boxed\{((?:[^{}]|\{[^{}]*\})*)\}"),
    re.compile(r"####[ \t]*([^\n]*)"),
    re.compile(r"<answer>(.*?)</answer>", re.DOTALL),
    re.compile(r"(?:final answer|answer)(?: is)?[:\s]+([^\n]+)", re.IGNORECASE),
)
# A reply of one line up to this length is an answer as it is.
SHORT = 80
# An expression, of which no single number is the answer.
EXPRESSION = re.compile(r"[\\^*+√]|/\s*[^\d\s]|sqrt|\d\s*-\s*\d")
BOX = re.compile(r"\\(?:boxed|fbox)(?![a-zA-Z])")


def last_mark(text: str) -> str | None:
    """What the last mark that encloses something encloses, inner marks first; None without a mark."""
    content = next(marked(text), None)
    return None if content is None else tidy(content)


def marks_only(text: str) -> str | None:
    """What a mark encloses, kinds in the order of `KINDS`, of models that were taught to write one and that others are compared with."""
    for kind in KINDS:
        if found := kind.findall(text[-TAIL:]):
            return tidy(found[-1]) or None
    return None


def auto(text: str, numeric: bool) -> str | None:
    """The last mark's, else a number where it is known to be one, else a short reply; None when there is none of these."""
    for region in regions(text):
        if (answer := numeral(region) if numeric else last_mark(region) or short(region)) is not None:
            return answer
    return None


def numeral(region: str) -> str | None:
    """The answer of a reply that is known to end in a number.

    The last mark that has a digit in it; else a first line that is nothing but a number, with which a model that goes on
    writing answers; else the last number.
    """
    for content in marked(region):
        if any(letter.isdigit() for letter in content):
            return within(tidy(content))
    first = tidy(region.strip().partition("\n")[0])
    if first and len(first) <= SHORT and quantity(ascii_digits(first)):
        return within(first)
    return last_number(unmarked(region))


def within(content: str) -> str:
    """The number in what a mark encloses, behind its last equals sign; the whole where that is an expression or names several."""
    text = tidy(content.rpartition("=")[2]) or content
    text = " ".join(plainer(ascii_digits(text)).split())
    if EXPRESSION.search(text):
        return text
    found = [number[0] for number in NUMBER.finditer(text)]
    amount = quantity(text)
    if amount and (
        amount.unit == "%" or text.lower().endswith(("dozen", "hundred", "thousand", "million", "billion", "trillion")) or len(found) != 1
    ):
        return text
    return found[0] if len(found) == 1 else text


def unmarked(text: str) -> str:
    """A text in which neither LaTeX nor bold splits a number."""
    text = text.replace("**", "").replace("$", "")
    return plainer(THIN.sub("", text)) if "\\" in text or "{" in text else text


def short(text: str) -> str | None:
    """A reply of one line, of one grid, or in bold as a whole, as it is; None when it is longer."""
    written = text.strip()
    text = tidy(text)
    lines = text.split("\n")
    # What is bold from end to end is said to be all there is, however long it is.
    if written.startswith("**") and written.endswith("**") and text == written[2:-2].strip():
        return text or None
    if len(text) <= SHORT and len(lines) == 1:
        return text or None
    return text if len(lines) > 1 and all(alike(lines[0], line) for line in lines) else None


def number(text: str) -> str | None:
    """The last mark's number, else the last number."""
    for region in regions(text):
        for content in marked(region):
            if (found := within(tidy(content))) and quantity(ascii_digits(found)):
                return found
            if (last := last_number(unmarked(content))) is not None:
                return last
        if (last := last_number(unmarked(region))) is not None:
            return last
    return None


def boxed(text: str) -> str | None:
    """What the last box encloses."""
    return next((tidy(content) for region in regions(text) for content in marked(region, BOX)), None)


def choice(text: str) -> str | None:
    """A letter: the last mark's, else the one a reply names last."""
    for region in regions(text):
        for content in marked(region):
            if (letter := letter_first(content)) is not None:
                return letter
        whole = unquoted(tidy(region))
        if (letter := letter_first(whole) if len(whole) <= SHORT else None) is not None:
            return letter
        if (letter := letter_named(region)) is not None:
            return letter
    return None


def whole(text: str) -> str | None:
    """All of a reply behind its thinking."""
    return after_thought(text).strip() or None


def gold_answer(text: str) -> str:
    """The answer in a data set's cell: what its last mark encloses (a whole solution is read as a reply is), else all of it."""
    tail = text[-TAIL:]
    return last_mark(tail) or text.strip()
