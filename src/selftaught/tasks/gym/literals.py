"""Reads an answer of reasoning-gym that is a Python list, as its checkers do, without running it.

Those checkers call `eval` on an answer, which then sees their locals: `oracle_answer` would be paid. Here an answer is a
literal or wrong: numbers, texts, truth values, lists, tuples, sets and mappings of them.
"""

import ast
from collections.abc import Callable, Mapping
from typing import Any

# Characters of an answer beyond which it is wrong, as a multiple of the right answer's (a list of one-letter texts takes five) and more.
WIDER = 8
MORE = 400


def literal(text: str, right: str) -> Any:
    """The value that a literal spells; raises ValueError where it is none or longer than the right answer explains."""
    if len(text) > WIDER * len(right) + MORE:
        raise ValueError("longer than any spelling of the right answer")
    try:
        return ast.literal_eval(text)
    # A text too deep for the parser raises MemoryError or RecursionError.
    except (SyntaxError, TypeError, MemoryError, RecursionError):
        raise ValueError("no literal") from None


def joined(value: Any) -> str:
    """A list of texts as one text."""
    return "".join(value)


def row(value: Any) -> str:
    """A list of anything as one line."""
    return " ".join(str(item) for item in value)


def grid(value: Any) -> str:
    """A list of lists of anything as lines."""
    return "\n".join(" ".join(str(item) for item in line) for line in value)


def board(value: Any) -> str:
    """A list of lists of texts as lines."""
    return "\n".join(" ".join(line) for line in value)


def spelled(answer: str, rights: list[str], show: Callable[[Any], str], part: float) -> float:
    """1 for one of the right answers, `part` for a list that shows as one, else 0."""
    if answer in rights:
        return 1.0
    try:
        return part if show(literal(answer, rights[0])) in rights else 0.0
    except (ValueError, TypeError):
        return 0.0


def string_insertion(answer: str, entry: Mapping[str, Any]) -> float:
    """1 for the text, 0.1 for a list of its letters."""
    return spelled(answer, [entry["answer"]], joined, 0.1)


def spiral_matrix(answer: str, entry: Mapping[str, Any]) -> float:
    """1 for the numbers with spaces between, 0.1 for a list of them."""
    return spelled(answer.strip(), [entry["answer"].strip()], row, 0.1) if answer else 0.0


def binary_matrix(answer: str, entry: Mapping[str, Any]) -> float:
    """1 for the grid, 0.1 for a list of its rows."""
    return spelled(answer, [entry["answer"]], grid, 0.1)


def n_queens(answer: str, entry: Mapping[str, Any]) -> float:
    """1 for a board that solves the puzzle, 0.5 for a list of its rows."""
    return spelled(answer, list(entry["metadata"]["valid_answers"]), board, 0.5)
