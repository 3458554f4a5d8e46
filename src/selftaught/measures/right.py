"""How often a model is right on held-out tasks: what the gate measures, as measures."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from selftaught.parts import BadInput, part
from selftaught.protocols import Subject
from selftaught.stages import Measure
from selftaught.statistics.evaluated import SHARE, evaluated
from selftaught.statistics.metrics import pass_at_k, vote_at_k
from selftaught.types import Evaluation

SIXTEEN = 16
MOST = 1024


def refuse_attempts(what: str, given: int, least: int) -> None:
    """Raises BadInput where a number of attempts can be none."""
    if not least <= given <= MOST:
        raise BadInput(f"{what}={given} must be {least} to {MOST} attempts")


@part
@dataclass(frozen=True, kw_only=True)
class Right(Measure):
    """Share of right attempts at the stated sampler: pass@1 (arXiv:2107.03374 with k = 1).

    Attributes:
        n: attempts a task, 1 to 1024; the gate draws 16 of a start.
    """

    name: ClassVar[str] = "pass-1"
    label: ClassVar[str] = "stated"
    kept: ClassVar[str] = "stated"
    n: int = 16

    def __post_init__(self) -> None:
        refuse_attempts(f"{self.name}: n", self.n, 1)

    async def measure(self, subject: Subject) -> Evaluation:
        return evaluated(self.name, (await subject.answered(self.n)).correct_B_n, seed=subject.seed, bounds=SHARE)


@part
@dataclass(frozen=True, kw_only=True)
class RightAtBest(Measure):
    """Share of right attempts at the side's own best decoding, chosen on development tasks (`prove.side.measure_side`)."""

    name: ClassVar[str] = "pass-1-best"
    label: ClassVar[str] = "best"
    kept: ClassVar[str] = "best"

    async def measure(self, subject: Subject) -> Evaluation:
        return evaluated(self.name, (await subject.answered(SIXTEEN, best=True)).best_B_m, seed=subject.seed, bounds=SHARE)


@part
@dataclass(frozen=True, kw_only=True)
class RightOnce(Measure):
    """Chance that one of 16 attempts is right, unbiased from those drawn: pass@16, arXiv:2107.03374."""

    name: ClassVar[str] = "pass-16"
    label: ClassVar[str] = "pass@16"
    kept: ClassVar[str] = "pass@16"

    async def measure(self, subject: Subject) -> Evaluation:
        return evaluated(self.name, pass_at_k((await subject.answered(SIXTEEN)).correct_B_n, SIXTEEN), seed=subject.seed, bounds=SHARE)


@part
@dataclass(frozen=True, kw_only=True)
class VoteRight(Measure):
    """Share of tasks on which the majority of k attempts is right: arXiv:2203.11171, by subsampling 2 k of them (`statistics.metrics`).

    What a method that learns from votes presumes is that this is higher than its baseline, one attempt.

    Attributes:
        k: attempts that vote, 2 to 1024.
    """

    name: ClassVar[str] = "vote"
    label: ClassVar[str] = "vote"
    baseline: ClassVar[str] = "one attempt"
    k: int = 8

    def __post_init__(self) -> None:
        refuse_attempts(f"{self.name}: k", self.k, 2)

    async def measure(self, subject: Subject) -> Evaluation:
        found, rng = await subject.answered(2 * self.k), np.random.default_rng(subject.seed)
        return evaluated(self.name, vote_at_k(found.answers_B_n, found.correct_B_n, self.k, rng), seed=subject.seed, bounds=SHARE)

    async def measure_baseline(self, subject: Subject) -> Evaluation:
        return evaluated(self.baseline, (await subject.answered(2 * self.k)).correct_B_n, seed=subject.seed, bounds=SHARE)
