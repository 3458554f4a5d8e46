"""Do two engines hold the same weights? A few tokens, scored by both, and what their differences say."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from selftaught.types import Floats, Tokens

SEQUENCES = 16
POSITIONS = 8
# largest (mean, max) of absolute differences that rounding explains, in nats
TOLERANCE = {"bfloat16": (1e-2, 0.15), "float32": (1e-3, 1e-2)}
REFUSED = 10.0
GROWN = 5.0
SURE = 8.0


@dataclass(frozen=True, kw_only=True)
class Gap:
    """Absolute differences of log-probabilities, in nats: their mean and their largest."""

    mean: float
    max: float

    @classmethod
    def between(cls, engine_K: Floats, learner_K: Floats) -> "Gap":
        """The gap of two scorings of the same tokens; NaN counts as infinite."""
        gap_K = np.nan_to_num(np.abs(engine_K - learner_K), nan=np.inf)
        return cls(mean=float(gap_K.mean()), max=float(gap_K.max()))

    def beyond(self, other: "Gap", times: float = 1.0) -> bool:
        """Whether mean or max is larger than `times` another's."""
        return self.mean > times * other.mean or self.max > times * other.max

    def __str__(self) -> str:
        return f"mean {self.mean:.2g}, max {self.max:.2g} nats a token"


def tolerance(dtype: str) -> Gap:
    """What rounding explains when the engine computes in `dtype` and the learner in float32."""
    mean, most = TOLERANCE.get(dtype, TOLERANCE["bfloat16"])
    return Gap(mean=mean, max=most)


def chosen(sequences: Sequence[Tokens], room: int) -> list[Tokens]:
    """Up to `SEQUENCES` of the sampled sequences, evenly taken, that have a sampled token within `room` tokens."""
    payloads = [tokens for tokens in sequences if tokens.sampled[1:room].any()]
    return [payloads[i] for i in spread(len(payloads), SEQUENCES)]


def positions(payload: Tokens, room: int) -> list[int]:
    """Up to `POSITIONS` sampled tokens of a sequence, evenly taken."""
    sampled = np.flatnonzero(payload.sampled[1:room]) + 1
    return [int(sampled[i]) for i in spread(len(sampled), POSITIONS)]


def spread(size: int, count: int) -> list[int]:
    """Up to `count` indices below `size`, evenly taken."""
    return sorted({round(float(i)) for i in np.linspace(0, size - 1, min(count, size))})


def judge(engine_K: Floats, now_K: Floats, before_K: Floats) -> Literal["fresh", "stale", "open"]:
    """Whether an engine's scores are those of the learner's new weights or of its old ones.

    With rounding r and a change d of the learner's scores, the engine differs by r from one and by r + d or r - d from
    the other. The one it is closer to is the one it holds, once |d| is so large against r that chance does not decide:
    by |d| > 8 rms(r), the squares' difference is four of its standard deviations from 0.

    Args:
        engine_K: f32[K], the engine's scores after the push.
        now_K: f32[K], the learner's scores with the weights that were pushed.
        before_K: f32[K], the learner's scores with the weights the engine held.

    Returns:
        "open" while the change is too small to tell.
    """
    apart, old = rms(engine_K - now_K), rms(engine_K - before_K)
    if float(np.linalg.norm(now_K.astype(np.float64) - before_K)) <= SURE * min(apart, old):
        return "open"
    return "fresh" if apart < old else "stale" if old < apart else "open"


def rms(gap_K: Floats) -> float:
    """Root of the mean square."""
    return float(np.sqrt(np.mean(gap_K.astype(np.float64) ** 2)))
