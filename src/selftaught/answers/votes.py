"""Which of several answers most give."""

from collections import Counter
from collections.abc import Sequence


def majority(answers: Sequence[str | None]) -> tuple[str | None, float]:
    """(most common answer, its share of all attempts); abstentions (None) never win, ties go to the earliest."""
    votes = Counter(answer for answer in answers if answer is not None)
    if not votes:
        return None, 0.0
    winner, count = votes.most_common(1)[0]
    return winner, count / len(answers)
