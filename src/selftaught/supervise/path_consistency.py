"""Supervise: vote with probabilities instead of counts, after pruning improbable paths."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from selftaught.parts import BadInput, part
from selftaught.protocols import Run
from selftaught.stages import Supervise
from selftaught.supervise.vote import unscored
from selftaught.types import Bools, Group, Score

Numbers = NDArray[np.float64]
FEWEST = 4


@part
@dataclass(frozen=True, kw_only=True)
class PathConsistency(Supervise):
    """Reward s(a) = sum of p(y) over the distinct paths y that give answer a, as a share of all answers' sums.

    Source: RPC, arXiv:2502.00511 (perplexity consistency and reasoning pruning). p(y) is the probability of the
    sampled tokens; a path sampled twice counts once. The reward is also the score's confidence. Attempts without an
    answer, and pruned ones, stay unscored. Departs from the paper: fewer than four paths, or equal ones, are not
    pruned; the mixture starts from the two halves of the paths rather than from fixed numbers.

    Attributes:
        prune: drop paths that a two-component Weibull mixture puts into its lower component and that lie below the mean.
        per_token: p is the geometric mean over tokens, so that long paths are not held to be unlikely.
    """

    paper: ClassVar[str] = "arXiv:2502.00511"
    signal = ("self",)
    prune: bool = True
    per_token: bool = False

    async def read_group(self, run: Run, group: Group) -> Group:
        paths = unscored(group)
        if not paths:
            return group
        logs_G = np.array([a.logprob / (max(a.sampled_count, 1) if self.per_token else 1) for a in paths])
        # The sums are compared with each other only, so the likeliest path may be the unit.
        p_G = np.exp(np.maximum(logs_G - logs_G.max(), -600))
        kept_G = likely(p_G) if self.prune else np.ones(len(paths), bool)
        answers = [run.answer(a.text, group.task) for a in paths]
        rows = [(a, answer, float(p)) for a, answer, p, kept in zip(paths, answers, p_G, kept_G, strict=True) if kept and answer]
        distinct = {(answer, a.text): p for a, answer, p in rows}
        sums: dict[str, float] = {}
        for (answer, _), p in distinct.items():
            sums[answer] = sums.get(answer, 0.0) + p
        total = sum(sums.values())
        scores = []
        for a, answer, _ in rows:
            s = min(1.0, sums[answer] / total)
            scores.append(Score(attempt=a.id, value=s, source="self", judge=self.name, confidence=s, note=answer))
        return group.scored(scores)


def likely(p_G: Numbers) -> Bools:
    """bool[G]: probabilities (in any unit, > 0) that pruning keeps: upper component, or not below the mean."""
    if len(p_G) < FEWEST or np.ptp(p_G) <= 1e-6 * p_G.max():
        return np.ones(len(p_G), bool)
    # Zeros by underflow are as low as it gets; the mixture needs positive numbers.
    x_G = np.maximum(p_G / p_G.mean(), 1e-12)
    upper_G = weibull_mixture(x_G)
    kept_G: Bools = (upper_G >= 0.5) | (x_G >= 1)
    return kept_G


def weibull_mixture(x_G: Numbers) -> Numbers:
    """f64[G]: probability that each x > 0 belongs to the upper of two Weibull components, fitted by maximum likelihood.

    Raises:
        BadInput: for numbers that are not positive.
    """
    from scipy.optimize import minimize
    from scipy.special import gammaln

    if not (x_G > 0).all():
        raise BadInput("a Weibull mixture needs positive numbers")
    log_x_G = np.log(x_G)

    def log_parts(parameters: Numbers) -> Numbers:
        """f64[2,G]: log of weight times density; parameters are the weight and log (shape, scale) of each component."""
        weight, *rest = parameters
        logs = []
        for share, (log_shape, log_scale) in zip((weight, 1 - weight), (rest[:2], rest[2:]), strict=True):
            z_G = np.clip(np.exp(log_shape) * (log_x_G - log_scale), -700, 700)
            logs.append(np.log(share) + log_shape - log_x_G + z_G - np.exp(z_G))
        return np.stack(logs)

    def loss(parameters: Numbers) -> float:
        return -float(np.logaddexp(*log_parts(parameters)).mean())

    low, high = np.log(np.quantile(x_G, 0.25)), np.log(np.quantile(x_G, 0.75))
    bounds = [(0.2, 0.8), (-3, 3), (-28, 5), (-3, 3), (-28, 5)]
    found = minimize(loss, [0.5, 0.0, low, 0.0, high], method="L-BFGS-B", bounds=bounds).x
    low_G, high_G = log_parts(found)
    means = [scale + gammaln(1 + np.exp(-shape)) for shape, scale in (found[1:3], found[3:5])]
    if means[0] > means[1]:
        low_G, high_G = high_G, low_G
    upper_G: Numbers = np.exp(high_G - np.logaddexp(low_G, high_G))
    return upper_G
