"""How far a judge's opinion of attempts goes with what is right, and what it is good for."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from selftaught.parts import BadInput, part
from selftaught.prompts import IS_RIGHT, asked_about
from selftaught.protocols import Subject
from selftaught.stages import Measure
from selftaught.statistics.evaluated import evaluated
from selftaught.statistics.metrics import Numbers
from selftaught.types import Attempt, Evaluation, SampleRequest, ScoreRequest, Tokens


@part
@dataclass(frozen=True, kw_only=True)
class Judging(Measure):
    """What a judge that is shown no answer knows of the start's attempts, in blocks of held-out tasks.

    Its opinion is the probability of yes to "Is that right?" (arXiv:2409.00935 correlates scores with a stronger judge's; here
    truth is the checker). The start is judged by itself, its result by the weights `judge`; both judge the same attempts.

    - "rank": Spearman's rank correlation with right (1) and wrong (0) over a block's attempts.
    - "abstain": right attempts among the better 70% of a block, minus right attempts in all: what declining is worth.
    - "pick": tasks on which the best of the `n` attempts is right, minus right attempts in all: what best-of-n is worth.

    The baseline's opinion is the attempt's mean log-probability a token or its brevity, whichever is worth more over all blocks.

    Attributes:
        what: which of the three.
        n: attempts a task, 2 to 64.
        blocks: in how many the tasks are cut, each of at least two.
        judge: weights of the judge.
    """

    label: ClassVar[str] = "judging"
    unit: ClassVar[str] = "group"
    share: ClassVar[bool] = False
    baseline: ClassVar[str] = "likelihood or length"
    what: Literal["rank", "abstain", "pick"] = "rank"
    n: int = 4
    blocks: int = 20
    judge: str = "judge"

    def __post_init__(self) -> None:
        if not 2 <= self.n <= 64 or self.blocks < 1:
            raise BadInput(f"judging: n={self.n} must be 2 to 64 attempts and blocks={self.blocks} at least 1")

    async def measure(self, subject: Subject) -> Evaluation:
        drawn_B = await self.drawn(subject)
        asked = [asked_about(a, IS_RIGHT) for made in drawn_B for a in made]
        payloads: list[Tokens] = [subject.run.tokens(messages, "yes") for messages in asked]
        weights = "start" if subject.weights == "start" else self.judge
        replies = await subject.model.score(
            [
                ScoreRequest(key=f"judging/{weights}/{i}", payload=payload, weights=weights, role="judge", start=payload.opened)
                for i, payload in enumerate(payloads)
            ]
        )
        sure = [float(reply["logprobs"][payload.sampled].sum()) for reply, payload in zip(replies, payloads, strict=True)]
        return await self.worth(subject, drawn_B, np.array(sure).reshape(len(drawn_B), self.n))

    async def measure_baseline(self, subject: Subject) -> Evaluation:
        drawn_B = await self.drawn(subject)
        likely_B_n = np.array([[a.logprob / max(1, a.sampled_count) for a in made] for made in drawn_B])
        brief_B_n = np.array([[-a.sampled_count for a in made] for made in drawn_B], np.float64)
        found = [await self.worth(subject, drawn_B, opinion_B_n) for opinion_B_n in (likely_B_n, brief_B_n)]
        return max(found, key=lambda one: np.nan_to_num(one.value, nan=-np.inf))

    async def drawn(self, subject: Subject) -> list[list[Attempt]]:
        """The start's attempts, [B][n], the same on every side."""
        return await subject.model.sample(
            [
                SampleRequest(
                    key=f"judging/{task.id}", task=task, messages=task.messages, n=self.n, settings=subject.settings, weights="start",
                    noise=f"judging/{subject.seed}/{task.id}",
                )
                for task in subject.tasks
            ]
        )  # fmt: skip

    async def worth(self, subject: Subject, drawn_B: list[list[Attempt]], opinion_B_n: Numbers) -> Evaluation:
        """The measure, block by block."""
        run, right = subject.run, []
        for task, made in zip(subject.tasks, drawn_B, strict=True):
            right.append([float(grade >= 1) for grade in await run.check(task, [a.text for a in made], "evaluate", gold=True)])
        blocks = np.array_split(np.arange(len(drawn_B)), min(self.blocks, max(1, len(drawn_B) // 2)))
        values = [worth_of(self.what, opinion_B_n[block], np.array(right)[block]) for block in blocks]
        return evaluated(self.name, np.array(values), self.unit, subject.seed)


def worth_of(what: str, opinion_B_n: Numbers, right_B_n: Numbers) -> float:
    """One block's value, see `Judging`; a rank correlation is NaN where all are right, all wrong, or all opinions equal."""
    from scipy.stats import spearmanr

    if what == "pick":
        return float(np.mean(right_B_n[np.arange(len(right_B_n)), opinion_B_n.argmax(1)]) - right_B_n.mean())
    if what == "abstain":
        kept = np.argsort(-opinion_B_n.ravel(), kind="stable")[: round(0.7 * opinion_B_n.size)]
        return float(right_B_n.ravel()[kept].mean() - right_B_n.mean())
    if np.ptp(right_B_n) == 0 or np.ptp(opinion_B_n) == 0:
        return float("nan")
    return float(spearmanr(opinion_B_n.ravel(), right_B_n.ravel()).statistic)
