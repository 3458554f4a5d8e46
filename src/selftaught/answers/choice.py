"""The letter of a multiple choice, as people write it."""

import re
from collections import deque

LEAD = r"[\s*_`$\"'\[({\\]*(?:text\{|mathrm\{|textbf\{|mathbf\{|boxed\{)?[\s*_`(\[{\\]*"
TRAIL = r"(?=[*_`\"'$}]*\s*(?:[).\]},:;!*\"'$}]|$|\n|-|–|—|because\b|since\b|as\b|for\b|and not\b|due\b|\())"
NAMED = r"(?:the\s+)?(?:correct\s+)?(?:option|choice|letter|answer|alternative)s?(?:\s+is)?\W{0,4}"
# What a mark encloses begins with the letter, or soon names it.
FIRST = re.compile(rf"{LEAD}(?:{NAMED})?{LEAD}([A-Ja-j]){TRAIL}", re.IGNORECASE)
WORDY = re.compile(rf"{LEAD}(?:{NAMED})?{LEAD}([B-HJ])(?=\s)")
NAMES = re.compile(rf"\b(?:option|choice|letter|alternative)s?\s+{LEAD}([A-J])(?![A-Za-z'])", re.IGNORECASE)
BRACKETED = re.compile(r"\(([A-J])\)|\*\*\(?([A-J])\)?[.:)]?(?:\*\*| )")
LINE = re.compile(r"^[ \t*_`]*\(?([A-J])[).:]", re.MULTILINE)
ALONE = re.compile(r"(?<![A-Za-z0-9'’.-])(?:([B-HJ])(?![A-Za-z0-9'’-])|([AI])(?=[*_`\"')]*(?:[.,;!?)]|\s*$)))")


def letter_first(content: str) -> str | None:
    """The letter that what a mark encloses gives, A to J; None when it names none."""
    for pattern in (FIRST, WORDY):
        if found := pattern.match(content):
            return found[1].upper()
    return letter_named(content) if len(content) <= 200 else None


def letter_named(text: str) -> str | None:
    """The last letter a text names: as an option, in brackets, at the beginning of a line, or standing alone."""
    for pattern in (NAMES, BRACKETED, LINE, ALONE):
        if found := deque(pattern.finditer(text), maxlen=1):
            return next(group for group in found[0].groups() if group).upper()
    return None
