"""The audit set: how right the pseudo-labels and the judge truly are, on sealed tasks that are never trained on."""

from collections import Counter
from collections.abc import Sequence
from math import nan

import numpy as np

from selftaught.types import Floats

BINS = 10


def vote_accuracy(answers_B_n: Sequence[Sequence[str | None]], correct_B_n: Sequence[Floats]) -> float:
    """Share of tasks whose most common answer is right (ties to the earliest); without answers it is wrong, NaN ungraded."""
    found = []
    for answers_n, correct_n in zip(answers_B_n, correct_B_n, strict=True):
        if not len(correct_n) or np.isnan(correct_n).all():
            continue
        votes = Counter(answer for answer in answers_n if answer is not None)
        winner = votes.most_common(1)[0][0] if votes else None
        found.append(float(correct_n[list(answers_n).index(winner)]) if winner is not None else 0.0)
    return float(np.mean(found)) if found else nan


def calibration_error(rewards_N: Floats, correct_N: Floats, bins: int = BINS) -> float:
    """Expected calibration error of rewards read as probabilities (Naeini et al. 2015, AAAI).

    Rewards outside [0, 1] are cut. Attempts without reward or grade are left out; NaN without any.
    """
    known = ~(np.isnan(rewards_N) | np.isnan(correct_N))
    if not known.any():
        return nan
    rewards_K, correct_K = np.clip(rewards_N[known], 0, 1), correct_N[known]
    bin_K = np.minimum((rewards_K * bins).astype(int), bins - 1)
    gaps = [abs(rewards_K[bin_K == b].mean() - correct_K[bin_K == b].mean()) * (bin_K == b).mean() for b in np.unique(bin_K)]
    return float(sum(gaps))
