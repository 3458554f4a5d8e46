"""Before anything is spent: can a recipe's signal help this model on these tasks? Pure functions, from looks to a forecast.

A look is what the start said about one training task. Nothing here reads an answer: right and wrong are known only
where a rule decides from the prompt; elsewhere what the start's majority says stands for the truth, and is trusted less.

    level = greedy accuracy where a rule checks, else the majority's share
    teach = 27/4 level^2 (1 - level) * signal * truth       noise = signal * (1 - truth)
    gain  = (1 - exp(-rates / DOSE)) * (TEACH * teach - NOISE * noise)

signal is the share of tasks whose attempts the recipe does not pay alike, truth the correlation of its rewards with
what is right, rates the sum of the learning rates of all steps. That the end of label-free training can be told from
its start is the finding of arXiv:2603.08660; formula and constants are this package's own (see docs/forecast.md).
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from selftaught.statistics.metrics import Numbers

# Fitted on the tuning runs of benchmarks/forecast.py. TRUST: how far a majority stands for the truth; SPREAD: deviation
# of what came from what was expected; HELPS: the least gain that is called help.
TEACH, NOISE, TRUST, DOSE, SPREAD, HELPS = 0.16, 0.25, 0.5, 3e-3, 0.066, 0.05


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Look:
    """What the start said about one task.

    Attributes:
        answers_G: canonical answers at the stated sampler, None where there is none.
        greedy: canonical answer at temperature 0.
        right_G, greedy_right: grades in [0, 1] by a rule that decides from the prompt, NaN where there is none.
        lengths_G: sampled tokens as a share of the limit.
        logprobs_G: mean log-probability of the sampled tokens in nats.
    """

    answers_G: Sequence[str | None]
    greedy: str | None
    right_G: Numbers
    greedy_right: float
    lengths_G: Numbers
    logprobs_G: Numbers


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Paid:
    """What the recipe's own signal said about its attempts at one task.

    Attributes:
        rewards_G: rewards, NaN where the recipe gave none.
        truth_G: grade by a rule in [0, 1], else 1 for the answer the plain attempts' majority gave; NaN where neither is.
    """

    rewards_G: Numbers
    truth_G: Numbers


def look_features(looks: Sequence[Look]) -> dict[str, float]:
    """Means over tasks, each in [0, 1] but `logprob` (nats) and `distinct` (answers a task).

    `pass_8`, `vote`, `greedy` and `mixed` (both right and wrong attempts) are over the tasks a rule checks and NaN
    without one; `checked` is their share.
    """
    shares = [_shares(look.answers_G) for look in looks]
    graded = [look for look in looks if not np.isnan(look.right_G).any() and not math.isnan(look.greedy_right)]
    right = [np.asarray(look.right_G) >= 1 for look in graded]
    return {
        "tasks": float(len(looks)),
        "checked": len(graded) / max(1, len(looks)),
        "majority_share": _mean([first for first, _, _ in shares]),
        "margin": _mean([first - second for first, second, _ in shares]),
        "distinct": _mean([float(count) for _, _, count in shares]),
        "greedy_agrees": _mean([float(look.greedy is not None and look.greedy == winner(look.answers_G)) for look in looks]),
        "abstained": _mean([answer is None for look in looks for answer in look.answers_G]),
        "length": _mean([float(np.mean(look.lengths_G)) for look in looks]),
        "cut": _mean([float(np.mean(np.asarray(look.lengths_G) >= 1)) for look in looks]),
        "logprob": _mean([float(np.mean(look.logprobs_G)) for look in looks]),
        "pass_1": _mean([float(right_G.mean()) for right_G in right]),
        "pass_8": _mean([float(right_G.any()) for right_G in right]),
        "mixed": _mean([float(right_G.any() and not right_G.all()) for right_G in right]),
        "vote": _mean([_vote_right(look) for look in graded]),
        "greedy": _mean([float(look.greedy_right >= 1) for look in graded]),
    }


def paid_features(paid: Sequence[Paid]) -> dict[str, float]:
    """How much the recipe's rewards say, and how true.

    `signal`: share of tasks whose attempts are not all paid alike. `truth`: correlation, within tasks, of rewards
    and truth in [-1, 1]; 0 when one of them never varies. `unscored`: share of attempts without a reward.
    """
    centred: list[tuple[float, float]] = []
    signals = []
    for each in paid:
        rewards_G, truth_G = np.asarray(each.rewards_G, np.float64), np.asarray(each.truth_G, np.float64)
        both_G = np.isfinite(rewards_G) & np.isfinite(truth_G)
        scored_G = rewards_G[np.isfinite(rewards_G)]
        signals.append(float(len(scored_G) > 1 and np.ptp(scored_G) > 0))
        if both_G.sum() > 1:
            centred += zip(rewards_G[both_G] - rewards_G[both_G].mean(), truth_G[both_G] - truth_G[both_G].mean(), strict=True)
    rewards_N, truth_N = np.array(centred or [(0.0, 0.0)]).T
    scale = math.sqrt(float(rewards_N @ rewards_N) * float(truth_N @ truth_N))
    missing = [math.isnan(value) for each in paid for value in each.rewards_G]
    return {
        "signal": _mean(signals),
        "truth": float(rewards_N @ truth_N) / scale if scale > 1e-12 else 0.0,
        "unscored": _mean(missing),
    }


def _shares(answers_G: Sequence[str | None]) -> tuple[float, float, int]:
    """(share of the most common answer, of the second, number of distinct answers); abstentions count in the whole."""
    votes = [count for _, count in Counter(a for a in answers_G if a is not None).most_common()]
    whole = max(1, len(answers_G))
    return (votes[0] / whole if votes else 0.0, votes[1] / whole if len(votes) > 1 else 0.0, len(votes))


def winner(answers_G: Sequence[str | None]) -> str | None:
    """The most common answer, the earliest of equals; None without one."""
    votes = Counter(answer for answer in answers_G if answer is not None)
    return votes.most_common(1)[0][0] if votes else None


def _vote_right(look: Look) -> float:
    """Whether the majority's answer is right."""
    chosen = winner(look.answers_G)
    return float(chosen is not None and look.right_G[list(look.answers_G).index(chosen)] >= 1)


def _mean(values: Sequence[Any]) -> float:
    return float(np.mean(values)) if len(values) else math.nan


def forecast(features: Mapping[str, float]) -> dict[str, Any]:
    """{help, expected_gain, low, high, why}: the gain at best decoding as a fraction, with a 95% interval.

    `features` are those of `look_features` and `paid_features`, with `rates` and `gold` (1 when answers decide what is paid).
    """
    level, truth, signal = level_of(features), trusted(features), features["signal"]
    dose = 1 - math.exp(-features["rates"] / DOSE)
    # Highest at two thirds: what is often right already is picked up fastest.
    teach = 27 / 4 * level**2 * (1 - level) * signal * max(0.0, truth)
    gain = dose * (TEACH * teach - NOISE * signal * (1 - max(0.0, truth)))
    wide = 1.96 * SPREAD * math.sqrt(dose)
    return {"help": gain >= HELPS, "expected_gain": gain, "low": gain - wide, "high": gain + wide, "why": why(features, gain)}


def level_of(features: Mapping[str, float]) -> float:
    """Where the start stands in [0, 1]: greedy accuracy over the tasks a rule checks, the majority's share over the others."""
    checked = features["checked"]
    return (checked * features["greedy"] if checked else 0.0) + (1 - checked) * features["majority_share"]


def trusted(features: Mapping[str, float]) -> float:
    """The truth of the rewards in [-1, 1], less where neither rule nor answer decides: a vote agrees with itself, right or not."""
    known = max(features["checked"], features.get("gold", 0.0))
    return features["truth"] * (known + TRUST * (1 - known))


def why(features: Mapping[str, float], gain: float) -> str:
    """One plain sentence: what decided."""
    checked = features["checked"]
    ruled = "a rule can check them" if checked == 1 else f"a rule can check {checked:.0%} of them" if checked else "no rule can check them"
    seen = f"attempts on a task agree {features['majority_share']:.0%} of the time and {ruled}"
    if not features["rates"]:
        return "nothing is learned: the learning rate is 0"
    if features["signal"] < 0.1:
        known = f"; {features['mixed']:.0%} of the groups hold both right and wrong attempts" if checked == 1 else ""
        return f"{seen}{known}; the recipe pays nearly all attempts of a task alike, so there is nothing to learn from"
    groups = f"the recipe pays attempts differently on {features['signal']:.0%} of the tasks"
    if trusted(features) <= 0.5:
        doubt = "say what the majority says, which may be wrong" if checked <= 0.5 else "follow what is right only loosely"
        return f"{seen}; {groups}, but its rewards {doubt} (correlation {features['truth']:.2f})"
    small = "" if gain >= HELPS else "; too little room or too small a dose of training to show"
    return f"{seen}; {groups}, and its rewards follow what is right (correlation {features['truth']:.2f}){small}"


def method(before_B: Numbers, after_B: Numbers, name: str) -> dict[str, Any]:
    """The forecast of a method that trains nothing: grades of its replies against those of greedy attempts, NaN without a rule."""
    gain_B = np.asarray(after_B, np.float64) - np.asarray(before_B, np.float64)
    gain_B = gain_B[np.isfinite(gain_B)]
    if len(gain_B) < 2:
        return nothing(f"no rule can check these tasks, so what {name} is worth here cannot be told without answers")
    gain, wide = float(gain_B.mean()), 1.96 * max(float(gain_B.std(ddof=1)), 0.1) / math.sqrt(len(gain_B))
    said = f"{name} answers {after_B[np.isfinite(after_B)].mean():.0%} of {len(gain_B)} checkable tasks right, greedy decoding"
    sentence = f"nothing is trained; {said} {before_B[np.isfinite(before_B)].mean():.0%}"
    return {"help": gain >= HELPS, "expected_gain": gain, "low": gain - wide, "high": gain + wide, "why": sentence}


def nothing(sentence: str) -> dict[str, Any]:
    """The forecast of no gain, for a reason that needs no numbers."""
    return {"help": False, "expected_gain": 0.0, "low": 0.0, "high": 0.0, "why": sentence}
