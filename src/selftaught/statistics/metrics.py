"""Per-task metrics over n attempts. Attempts whose correctness is NaN (not graded) are left out, never zeroed.

Every function returns f32[B], one value a task, NaN where fewer than k attempts were graded; the mean over
tasks is the metric, and differences of these values are what `evaluation.stats` tests.
"""

from collections.abc import Sequence
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selftaught.types import Floats

Numbers = NDArray[Any]


def pass_at_k(correct_B_n: Numbers, k: int) -> Floats:
    """Chance that at least one of k attempts is right, unbiased from n >= k attempts.

    1 - C(n-c, k) / C(n, k) with c of n right (Chen et al., arXiv:2107.03374).

    Args:
        correct_B_n: 0, 1 or NaN.
        k: 1 to n.

    Raises:
        ValueError: k is outside 1 to n, or correctness is neither 0, 1 nor NaN.
    """
    kept = _graded(correct_B_n, k)
    out = np.full(len(kept), np.nan, np.float32)
    for b, correct_n in enumerate(kept):
        n, wrong = len(correct_n), int((correct_n == 0).sum())
        if n >= k:
            out[b] = 1 - comb(wrong, k) / comb(n, k)
    return out


def vote_at_k(
    answers_B_n: Sequence[Sequence[str | None]], correct_B_n: Numbers, k: int, rng: np.random.Generator, draws: int = 200
) -> Floats:
    """Expected correctness of the majority answer of k attempts (self-consistency, arXiv:2203.11171), by subsampling.

    Each draw takes k attempts in random order without replacement. None abstains; of answers with equally many
    votes the one seen earliest in the draw wins; a draw in which all abstain is wrong.

    Args:
        answers_B_n: canonical answers, equal strings for equal answers.
        correct_B_n: 0, 1 or NaN; the winner's attempt says whether the vote is right.
        k: 1 to n.
        rng: source of the subsamples.
        draws: subsamples a task.

    Raises:
        ValueError: k is outside 1 to n, shapes differ, or correctness is neither 0, 1 nor NaN.
    """
    correct_B_n = np.asarray(correct_B_n, np.float32)
    _graded(correct_B_n, k)
    if [len(answers_n) for answers_n in answers_B_n] != [correct_B_n.shape[1]] * len(correct_B_n):
        raise ValueError("answers and correctness differ in shape: give one answer (or None) per attempt")
    out = np.full(len(correct_B_n), np.nan, np.float32)
    for b, (answers_n, correct_n) in enumerate(zip(answers_B_n, correct_B_n, strict=True)):
        kept = np.flatnonzero(~np.isnan(correct_n)).tolist()
        if len(kept) < k:
            continue
        codes: dict[str, int] = {}
        code_n = np.array([-1 if (a := answers_n[i]) is None else codes.setdefault(a, len(codes)) for i in kept])
        pick_D_k = rng.random((draws, len(kept))).argsort(axis=1)[:, :k]
        code_D_k = code_n[pick_D_k]
        votes_D_k = (code_D_k[:, :, None] == code_D_k[:, None, :]).sum(axis=2) * (code_D_k >= 0)
        winner_D = np.take_along_axis(pick_D_k, votes_D_k.argmax(axis=1)[:, None], axis=1)[:, 0]
        out[b] = np.mean(correct_n[kept][winner_D] * (votes_D_k.max(axis=1) > 0))
    return out


def best_of_k(scores_B_n: Numbers, correct_B_n: Numbers, k: int) -> Floats:
    """Expected correctness of the attempt with the highest score among k, exact over all subsets of size k.

    The attempt of rank r (0 the highest) is the best of C(n-1-r, k-1) of the C(n, k) subsets. Equal scores
    rank by position; a NaN score ranks last.

    Args:
        scores_B_n: a score that reads no answer, such as the mean log-probability of the sampled tokens.
        correct_B_n: 0, 1 or NaN.
        k: 1 to n.

    Raises:
        ValueError: k is outside 1 to n, shapes differ, or correctness is neither 0, 1 nor NaN.
    """
    correct_B_n, scores_B_n = np.asarray(correct_B_n, np.float64), np.asarray(scores_B_n, np.float64)
    _graded(correct_B_n, k)
    if scores_B_n.shape != correct_B_n.shape:
        raise ValueError(f"scores {scores_B_n.shape} and correctness {correct_B_n.shape} differ in shape: give one score per attempt")
    out = np.full(len(correct_B_n), np.nan, np.float32)
    for b, (scores_n, correct_n) in enumerate(zip(scores_B_n, correct_B_n, strict=True)):
        kept = ~np.isnan(correct_n)
        n = int(kept.sum())
        if n >= k:
            order = np.argsort(-np.nan_to_num(scores_n[kept], nan=-np.inf), kind="stable")
            chance_n = np.array([comb(n - 1 - r, k - 1) / comb(n, k) for r in range(n)])
            out[b] = float(chance_n @ correct_n[kept][order])
    return out


def _graded(correct_B_n: Numbers, k: int) -> list[Numbers]:
    """Each task's graded attempts."""
    correct_B_n = np.asarray(correct_B_n)
    if correct_B_n.ndim != 2 or not 1 <= k <= correct_B_n.shape[1]:
        raise ValueError(f"k={k} must lie in 1 to n for attempts of shape [B, n] = {correct_B_n.shape}")
    if not np.isin(correct_B_n[~np.isnan(correct_B_n)], (0, 1)).all():
        raise ValueError("correctness must be 0, 1 or NaN: round partial credit first")
    return [correct_n[~np.isnan(correct_n)] for correct_n in correct_B_n]
