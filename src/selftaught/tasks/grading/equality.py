r"""Whether an answer equals the right one, wider than one spelling: units left out, rounding, lists, and mathematics.

What needs no mathematics is decided here. The rest goes to math-verify in a process that can be killed: its own limits
need signals of the main thread, which a wave of native code does not notice. A pair costs at most a second of processor
time; what takes longer (\boxed{9^{9^9}}) is wrong.
"""

import atexit
import math
import os
import re
import threading
from functools import lru_cache

from selftaught.answers.numbers import Quantity, quantity
from selftaught.answers.spelling import canonical
from selftaught.answers.units import UNITS
from selftaught.tasks.grading.checkers import Child

# Seconds of processor time a pair, bytes beyond what a ready process uses, characters of an answer.
LIMIT = 1.0
MEMORY = 512 << 20
LONGEST = 400
# As many decimals as math-verify rounds to.
NEAR = 6
MOST = 64
MATHEMATICS = re.compile(r"[\\^*/+=<>√|!]|sqrt|\d-\d|\d[a-zA-Z]|[a-zA-Z]\d|[a-zA-Z]-[a-zA-Z\d]\b|\b[a-zA-Z]\b")
BRACKETS = ((r"\{", r"\}"), ("(", ")"), ("[", "]"), ("(", "]"), ("[", ")"), ("{", "}"))
SEPARATOR = re.compile(r"\s*(?:,\s*(?:and\s|or\s)?|\s(?:and|or)\s)\s*")
LETTER = re.compile(r"[(\[]?([A-J])[)\].:]\s*\S.*", re.DOTALL)
UNIT = re.compile(r"(.*[\d)}!]|.*\\[a-zA-Z]+)\s+([a-zA-Z]+)", re.DOTALL)
NAMES = frozenset({*UNITS, *UNITS.values()} - {"in", "h", "s"})
Verdict = tuple[float, str]


def same(answer: str, right: str) -> bool:
    """Whether an answer equals the right one, both in canonical spelling; False where it cannot be found out in time."""
    return compare(answer, right)[0] == 1


def compare(answer: str, right: str) -> Verdict:
    """(1 for equal, 0 for different, NaN where nothing can be compared here; kind of failure, "" for none).

    A unit or percent sign that only one side has is no difference, one that both have is. A set is equal in any order,
    a tuple or a list without brackets in its own. A fraction without end is equal to six decimals of it. Texts over
    `LONGEST` characters are compared as text.
    """
    if answer == right:
        return 1.0, ""
    if max(len(answer), len(right)) > LONGEST or not answer or not right:
        return 0.0, ""
    mine, theirs = quantity(answer), quantity(right)
    if mine and theirs:
        return float(near(mine, theirs)), ""
    if (chosen := lettered(answer, right)) is not None:
        return float(chosen), ""
    if not MATHEMATICS.search(answer) and not MATHEMATICS.search(right) and not (listed(answer) or listed(right)):
        return float(answer.casefold() == right.casefold()), ""
    return members(answer, right) or measured(answer, right)


def near(mine: Quantity, theirs: Quantity) -> bool:
    """Whether two numbers with units are one."""
    if mine.unit != theirs.unit and mine.unit and theirs.unit:
        return False
    if mine.value == theirs.value:
        return True
    if (mine.unit == "%") != (theirs.unit == "%"):
        share, plain = (mine.value, theirs.value) if mine.unit == "%" else (theirs.value, mine.value)
        return share / 100 == plain
    return ends(mine) != ends(theirs) and round(mine.value, NEAR) == round(theirs.value, NEAR)


def ends(number: Quantity) -> bool:
    """Whether a number's decimals end."""
    bottom = number.value.denominator
    return pow(10, bottom.bit_length(), bottom) == 0


def lettered(answer: str, right: str) -> bool | None:
    """Whether a letter and a letter with its text (`B` and `(B) Paris`) are one choice; None where they are not such."""
    if len(answer) == len(right) == 1 and (answer + right).isalpha():
        return answer.casefold() == right.casefold()
    for one, other in ((answer, right), (right, answer)):
        if len(one) == 1 and (found := LETTER.fullmatch(other)):
            return found[1] == one
    return None


def listed(text: str) -> tuple[str, list[str]] | None:
    """(brackets, members) of a list, tuple, interval or set, "" for no brackets; None for anything else."""
    if r"\cup" in text or r"\cap" in text:
        return None
    around, inner = "", text
    for left, right in BRACKETS:
        if text.startswith(left) and text.endswith(right) and len(text) > len(left + right):
            around, inner = (left + right).replace("\\", ""), text[len(left) : -len(right)]
            break
    pieces, depth, at = [], 0, 0
    for sign in re.finditer(rf"\\?[(\[{{]|\\?[)\]}}]|{SEPARATOR.pattern}", inner):
        if sign[0].lstrip("\\") in ("(", "[", "{"):
            depth += 1
        elif sign[0].lstrip("\\") in (")", "]", "}"):
            depth -= 1
            if depth < 0:
                return None
        elif not depth:
            pieces.append(inner[at : sign.start()])
            at = sign.end()
    pieces = [canonical(piece) for piece in (*pieces, inner[at:])]
    return (around, pieces) if all(pieces) and (len(pieces) > 1 or around == "{}") else None


def members(answer: str, right: str) -> Verdict | None:
    """The verdict on two lists, member by member; None where neither is one."""
    mine, theirs = listed(answer), listed(right)
    if mine is None and theirs is None:
        return None
    (left, ours), (other, golds) = mine or ("", [answer]), theirs or ("", [right])
    if len(ours) != len(golds) or len(ours) > MOST or (left and other and left != other) or not any(map(len, (left, other, *ours[1:]))):
        # x^2=4 may be a list to a mathematician; a list and one number are not.
        alone = answer if mine is None else right if theirs is None else ""
        return None if alone and quantity(alone) is None else (0.0, "")
    loose = "{}" in (left, other) or any(re.search(r"\s(?:and|or)\s", text) for text in (answer, right) if "," not in text)
    left_over = list(golds)
    for piece in ours:
        for gold in left_over if loose else left_over[:1]:
            value, kind = compare(piece, gold)
            if kind:
                return value, kind
            if value:
                left_over.remove(gold)
                break
        else:
            return 0.0, ""
    return 1.0, ""


def measured(answer: str, right: str) -> Verdict:
    """The verdict of math-verify on two expressions, whose units are compared first."""
    (mine, unit), (theirs, other) = parted(answer), parted(right)
    if unit and other and unit != other:
        return 0.0, ""
    return VERIFIER.ask(mine, theirs)


def parted(text: str) -> tuple[str, str]:
    """(expression, unit) of an expression with a unit behind it."""
    if (found := UNIT.fullmatch(text)) and found[2] in NAMES:
        return found[1], UNITS.get(found[2], found[2])
    return text, ""


class Verifier:
    """math-verify in one process, which is started when first needed, used by one caller at a time, and again after it was ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._owner = 0
        # Grades of pairs already asked for: attempts at one question say the same again and again.
        self.ask = lru_cache(maxsize=4096)(self._ask)

    def _ask(self, answer: str, right: str) -> Verdict:
        """(1 or 0, kind of failure) of a pair: 0 when it takes too long or too much memory, NaN when nothing could be started."""
        with self._lock:
            if self._owner != os.getpid():
                # A child of our parent answers our parent.
                self._child, self._owner = None, os.getpid()
            child = self._child = self._child or Child(LIMIT, MEMORY, "selftaught.tasks.grading.equality_child")
            try:
                value, kind = child.ask((answer, right))
            except BaseException:
                # Ctrl-C: what it says later would be taken for the next pair's.
                self._end()
                raise
            if child.ended:
                self._child = None
        return (value, kind) if not kind else (math.nan if kind == "start" else 0.0, kind)

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None and self._owner == os.getpid():
            child.close()

    def close(self) -> None:
        """End the process; a later pair starts another."""
        with self._lock:
            self._end()


VERIFIER = Verifier()
atexit.register(VERIFIER.close)
