"""A user's own pattern for the answer, with a limit on its time: some patterns never end on some replies."""

import warnings
from collections import deque
from functools import lru_cache
from typing import Any

import regex

from selftaught.answers.region import regions
from selftaught.answers.tidy import tidy

# Seconds for one reply, of which the last characters are searched.
LIMIT = 1.0
PROBES = ("a" * 400 + "!", "1" * 400 + "!", " " * 400 + "!", "ab 12, " * 60 + "!", "\\boxed{" * 60 + "!", "(" * 400 + "!")


@lru_cache(maxsize=64)
def compiled(pattern: str) -> Any:
    """The pattern; raises regex.error when it is none."""
    return regex.compile(pattern)


def refusal(pattern: str) -> str:
    """Why a text cannot be used as a pattern with one group, "" when it can."""
    try:
        made = compiled(pattern)
    except regex.error as error:
        return f"{error}"
    if made.groups != 1:
        return f"it has {made.groups} groups: put the answer, and nothing else, into one pair of brackets, others into (?:...)"
    try:
        for probe in PROBES:
            for _ in made.finditer(probe, timeout=LIMIT / 4):
                pass
    except TimeoutError:
        return "it takes too long on a line of letters or digits: avoid repetition inside repetition, as in (a+)+"
    return ""


def last_group(pattern: str, text: str) -> str | None:
    """What the group of the last match holds, before a next question or else anywhere; None without a match.

    A search that exceeds its limit of time gives no answer, and a warning that says so.
    """
    made = compiled(pattern)
    for region in regions(text):
        try:
            found = deque(made.finditer(region, timeout=LIMIT), maxlen=1)
        except TimeoutError:
            warnings.warn(f"the pattern {pattern[:60]!r} took over {LIMIT:g} s on a reply and was given up: simplify it", stacklevel=2)
            return None
        if found and found[0][1] and found[0][1].strip():
            return tidy(found[0][1])
    return None
