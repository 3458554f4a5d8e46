"""What the same tokens buy: votes of the start at the price of the training, and when the training has paid for itself."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from selftaught.prove.baselines import mean_of, votes_of, width_of
from selftaught.prove.record import Side
from selftaught.statistics.differences import Numbers


def equal_token_k(spent: int, questions: int, before_tokens: float, after_tokens: float) -> float:
    """How many attempts a question a vote with the start could make for the tokens of training and answering once.

    (spent / questions + after_tokens) / before_tokens: the training is spread over the held-out questions, and each
    side's prompt is read once a question, so that prompts cancel. NaN where tokens are unknown.

    Args:
        spent: tokens of the training budget that are gone.
        questions: how many questions share them.
        before_tokens: sampled tokens of one attempt of the start.
        after_tokens: sampled tokens of one reply of the result.
    """
    return (spent / questions + after_tokens) / before_tokens if questions and before_tokens > 0 else math.nan


def slope_of(curve: Mapping[int, float | None]) -> float | None:
    """What the last doubling of the vote curve brought: its last value minus the one before; None with fewer than two."""
    *_, first, last = (None, None, *(curve[k] for k in sorted(curve) if curve[k] is not None))
    return None if first is None or last is None else last - first


def costs(
    starts: Sequence[Side], results: Sequence[Side], kept_B: Numbers, curve: Mapping[int, float | None], spent: int, k: int,
    vote: float | None, after: float, seed: int,
) -> dict[str, Any]:  # fmt: skip
    """`equal_tokens` and `break_even` of a verdict; token counts are means over sides.

    Args:
        starts: the starts, one a training seed.
        results: the results, in the same order.
        kept_B: which tasks count.
        curve: the starts' vote by number of attempts.
        spent: tokens of the training budget that are gone.
        k: attempts of the vote that the training must pay for.
        vote: accuracy of that vote.
        after: accuracy of the result when it answers once at its best decoding.
        seed: of the subsampled votes.
    """
    prompted, sampled = _mean(starts, "prompt_tokens"), _mean(starts, "sampled_tokens")
    affordable = equal_token_k(spent, int(kept_B.sum()), sampled, _mean(results, "sampled_tokens"))
    known = math.isfinite(affordable)
    drawn = max(1, min(int(affordable), width_of(starts))) if known else 1
    paid = break_even(
        spent, k, math.nan if vote is None else vote, after, prompt_tokens=prompted, before_tokens=sampled,
        after_prompt=_mean(results, "best_prompt_tokens"), after_tokens=_mean(results, "best_tokens"),
    )  # fmt: skip
    equal = {
        "k": affordable if known else None,
        "vote": None if not known else curve[drawn] if drawn in curve else mean_of(votes_of(starts, drawn, seed), kept_B),
        "slope": slope_of(curve),
        "drawn": drawn if known else None,
    }
    return {"equal_tokens": equal, "break_even": paid}


def _mean(sides: Sequence[Side], name: str) -> float:
    return float(np.mean([getattr(side, name) for side in sides]))


def break_even(
    spent: int, k: int, vote: float, after: float, *, prompt_tokens: float, before_tokens: float, after_prompt: float, after_tokens: float
) -> dict[str, Any]:
    """After how many questions training and answering once is cheaper than a vote of k with the start.

    A vote costs prompt_tokens + k before_tokens a question, a reply of the result after_prompt + after_tokens, so
    training is paid back after spent / (their difference) questions. Answers None, and why, when the result is less
    often right than the vote or its reply costs no less.

    Args:
        spent: tokens of the training budget that are gone.
        k: attempts of a vote.
        vote: how often the vote is right.
        after: how often the result is right when it answers once at its best decoding.
        prompt_tokens: tokens of a question to the start.
        before_tokens: sampled tokens of one of its attempts.
        after_prompt: tokens of a question to the result.
        after_tokens: sampled tokens of its reply.

    Returns:
        questions (an integer or None) and a sentence.
    """
    saved = prompt_tokens + k * before_tokens - after_prompt - after_tokens
    if math.isnan(vote):
        why = f"no vote of {k} on the start was measured to compare with"
    elif after < vote:
        more, less = unlike(vote, after)
        why = f"a vote of {k} on the start is right more often ({more}) than one reply ({less})"
    elif math.isnan(saved):
        why = "how many tokens an answer takes is not known"
    elif saved <= 0:
        why = f"one reply costs as many tokens as a vote of {k} on the start"
    else:
        questions = math.ceil(spent / saved)
        when = f"after about {rounded(questions):,} questions" if questions > 1 else "from the first question on"
        return {"questions": questions, "sentence": f"cheaper than a vote of {k} on the start {when}"}
    return {"questions": None, "sentence": f"never cheaper than a vote of {k} on the start: {why}"}


def unlike(one: float, other: float) -> tuple[str, str]:
    """Two shares in percent, with as many decimals (at least one, at most six) as show that they differ."""
    pairs = ((f"{100 * one:.{digits}f}%", f"{100 * other:.{digits}f}%") for digits in range(1, 7))
    return next((pair for pair in pairs if pair[0] != pair[1]), (f"{100 * one:.6f}%", f"{100 * other:.6f}%"))


def rounded(count: int) -> int:
    """Two leading digits: 4,237 becomes 4,200."""
    unit = 10 ** max(0, len(str(count)) - 2)
    return int(round(count / unit) * unit)
