"""Held-out questions with their attempts before and after, sorted into what a reader asks first."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from selftaught.report.reading import Row
from selftaught.report.strings import Strings, visible
from selftaught.report.svg import finite

# A majority this large, or tokens this likely on average (nine times of ten), count as confident.
SHARE, LOGPROB = 0.75, math.log(0.9)
MOST_ATTEMPTS, MOST_TOKENS, TOKENS_EACH = 12_000, 40_000, 160


@dataclass(frozen=True)
class Tally:
    """What one side's attempts at a question say together.

    Attributes:
        share: share of the most common answer; 0 without attempts.
        right: whether that answer is right; None when nobody could grade it.
        solved: share of right attempts; None when none is graded.
        logprob: mean log-probability a token of all attempts, in nats; None when not known.
        count: number of attempts.
    """

    share: float
    right: bool | None
    solved: float | None
    logprob: float | None
    count: int

    @property
    def confident(self) -> bool:
        """Whether the model means it: most attempts agree (three at least), or its tokens are likely."""
        return (self.count >= 3 and self.share >= SHARE) or (self.logprob is not None and self.logprob >= LOGPROB)


def tally(attempts: Sequence[Row]) -> Tally:
    """The majority answer of attempts and whether it is right; the one seen first wins a tie."""
    answers: dict[str, list[Row]] = {}
    for attempt in attempts:
        answers.setdefault(str(attempt.get("answer") or ""), []).append(attempt)
    most = max(answers.values(), key=len, default=[])
    graded = [float(a["right"]) for a in attempts if finite_or_bool(a.get("right"))]
    rights = [float(a["right"]) for a in most if finite_or_bool(a.get("right"))]
    likely = [float(a["logprob"]) for a in attempts if finite(a.get("logprob"))]
    return Tally(
        share=len(most) / len(attempts) if attempts else 0.0, right=sum(rights) / len(rights) >= 0.5 if rights else None,
        solved=sum(graded) / len(graded) if graded else None, logprob=sum(likely) / len(likely) if likely else None, count=len(attempts),
    )  # fmt: skip


def finite_or_bool(value: object) -> TypeGuard[float]:
    """Whether a grade was given."""
    return isinstance(value, bool) or finite(value)


def flags(before: Tally, after: Tally) -> str:
    """Letters of the filters a question passes: c confident and wrong, f fixed, b broken, w every attempt wrong, u not graded."""
    last = after if after.count else before
    found = "c" if last.right is False and last.confident else ""
    if before.right is not None and after.right is not None and before.right != after.right:
        found += "f" if after.right else "b"
    if last.solved == 0.0:
        found += "w"
    return found + ("u" if last.solved is None else "")


def rows_of(value: Any) -> list[Row]:
    """The attempts of one side, whatever the file held."""
    return [a for a in value if isinstance(a, dict)] if isinstance(value, list) else []


def questions(rows: Iterable[Row], strings: Strings) -> dict[str, Any]:
    """Every question as compact data for the page: texts by number, attempts as [text, answer, right, log-probability].

    Attempts beyond `MOST_ATTEMPTS` and tokens beyond `MOST_TOKENS` are left out (confident and wrong questions are kept
    first); answers are always counted over all attempts.
    """
    shown: list[dict[str, Any]] = []
    sources: dict[str, int] = {}
    total = 0
    for row in rows:
        sides = [rows_of(row.get(side)) for side in ("start", "result")]
        tallies = [tally(side) for side in sides]
        total += sum(map(len, sides))
        source = visible(str(row.get("source") or "")[:80])
        shown.append({
            "q": strings.add(row.get("text")), "s": sources.setdefault(source, len(sources)), "f": flags(*tallies),
            "r": [t.solved for t in tallies], "n": [t.count for t in tallies], "c": [counts(side, strings) for side in sides],
            "a": [[packed(a, strings) for a in side] for side in sides], "t": [tokens(side[0] if side else {}) for side in sides],
        })  # fmt: skip
    shown.sort(key=lambda one: ("c" not in one["f"], "b" not in one["f"], "w" not in one["f"]))
    thin(shown, total)
    return {"questions": shown, "sources": list(sources), "attempts": total}


def counts(attempts: Sequence[Row], strings: Strings) -> list[list[Any]]:
    """[answer, how often, right] from the most common down; right is 1, 0 or None."""
    found: dict[str, list[Any]] = {}
    for a in attempts:
        answer = str(a.get("answer") or "")
        found.setdefault(answer, [strings.add(answer), 0, grade(a)])[1] += 1
    return sorted(found.values(), key=lambda entry: -entry[1])


def grade(attempt: Row) -> int | None:
    """1, 0, or None when nobody could say."""
    right = attempt.get("right")
    return int(float(right) >= 0.5) if finite_or_bool(right) else None


def packed(attempt: Row, strings: Strings) -> list[Any]:
    """[text, answer, right, mean log-probability]."""
    logprob = attempt.get("logprob")
    return [
        strings.add(attempt.get("text")), strings.add(attempt.get("answer") or ""), grade(attempt),
        round(float(logprob), 3) if finite(logprob) else None,
    ]  # fmt: skip


def tokens(attempt: Row) -> list[list[Any]]:
    """[token, log-probability in nats] of an attempt's first tokens."""
    found = attempt.get("tokens")
    pairs = [p for p in found if isinstance(p, (list, tuple)) and len(p) == 2] if isinstance(found, list) else []
    return [[visible(str(word)[:40]), round(float(value), 2) if finite(value) else None] for word, value in pairs[:TOKENS_EACH]]


def thin(shown: Sequence[dict[str, Any]], total: int) -> None:
    """Leave out tokens, then attempts, that would make the page too large."""
    room = MOST_TOKENS
    for one in shown:
        for i, side in enumerate(one["t"]):
            room -= len(side)
            if room < 0:
                one["t"][i] = []
    if total > MOST_ATTEMPTS:
        each = max(1, MOST_ATTEMPTS // max(1, 2 * len(shown)))
        for one in shown:
            one["a"] = [side[:each] for side in one["a"]]
