"""Supervise: a judge that is shown the right answer teaches the judge that is not."""

from asyncio import gather
from dataclasses import dataclass
from difflib import SequenceMatcher
from math import exp, nan
from typing import ClassVar

from selftaught.parts import BadInput, part
from selftaught.prompts import IS_RIGHT, asked_about
from selftaught.protocols import Run
from selftaught.stages import Supervise
from selftaught.supervise.vote import unscored
from selftaught.types import Attempt, Group, Message, Score, Source, Tokens


@part
@dataclass(frozen=True, kw_only=True)
class PrivilegedJudge(Supervise):
    """Reward is the probability of yes to `question`; where the answer may be shown, attempts of role "judge" to learn from.

    With a = P_start(yes | answer shown) and s the likeness of the attempt's answer to the right one (`difflib`), in [0, 1]:

        grade = (a + s) / 2                                           is learned with the answer shown,
        (label * grade + teach * P_judge(yes | answer shown)) / (label + teach)   without.

    A verdict is yes where one uniform number, the same for both, lies below these: learning its likelihood is, on average,
    learning the cross-entropy to them, and so the divergence from the judge that sees to the one that does not. Source: Self-J,
    arXiv:2409.00935, whose released code weighs label and teacher with 0.3 and 2.

    Attributes:
        weights: the judge's, which learn; the name reads as the policy until they have.
        label: weight of the grade in what is learned without the answer.
        teach: weight of the seeing judge's verdict there.
        question: what is asked about an attempt.
        shown: stands before it where the answer is shown, at `{answer}`.
    """

    paper: ClassVar[str] = "arXiv:2409.00935"
    signal = ("gold", "self")
    weights: str = "judge"
    label: float = 0.3
    teach: float = 2.0
    question: str = IS_RIGHT
    shown: str = "The right answer is {answer}. "

    def __post_init__(self) -> None:
        if min(self.label, self.teach) < 0 or not self.label + self.teach:
            raise BadInput(f"privileged-judge: label={self.label} and teach={self.teach} must be at least 0, and one of them above")
        if "{answer}" not in self.shown:
            raise BadInput(f"privileged-judge: shown={self.shown!r} has no place for the answer: write {{answer}} where it goes")

    async def read_group(self, run: Run, group: Group) -> Group:
        answer, attempts = run.reveal(group.task), unscored(group)
        if not answer:
            sure_G = await gather(*(self.sure(run, f"blind-{a.id}", asked_about(a, self.question), self.weights) for a in attempts))
            return group.scored([self.score(a, "self", sure) for a, sure in zip(attempts, sure_G, strict=True)])
        taught = await gather(*(self.taught(run, group, a, answer) for a in attempts))
        verdicts = [made for both, _ in taught for made in both]
        rewards = [self.score(a, "gold", grade) for a, (_, grade) in zip(attempts, taught, strict=True)]
        return group.joined(verdicts, [*rewards, *(self.score(made, "gold", 1.0, "verdict") for made in verdicts)])

    async def taught(self, run: Run, group: Group, attempt: Attempt, answer: str) -> tuple[list[Attempt], float]:
        """The verdicts that are learned from one attempt, with the answer shown and without, and its grade."""
        blind = asked_about(attempt, self.question)
        seeing = asked_about(attempt, self.shown.replace("{answer}", answer) + self.question)
        start, judge = await gather(*(self.sure(run, f"seeing-{attempt.id}", seeing, name) for name in ("start", self.weights)))
        if start != start or judge != judge:
            return [], nan
        grade = (start + SequenceMatcher(None, run.answer(attempt.text, group.task) or "", answer).ratio()) / 2
        without = (self.label * grade + self.teach * judge) / (self.label + self.teach)
        drawn, made = run.rng("verdict", attempt.id).random(), []
        for name, messages, target in (("seeing", seeing, grade), ("blind", blind, without)):
            word = "yes" if drawn < target else "no"
            made.append(
                Attempt(
                    id=f"{attempt.id}/{name}", task=attempt.task, payload=run.tokens(messages, word), text=word, messages=messages,
                    role="judge", sampler="", generation=run.generation, parents=(attempt.id,),
                )
            )  # fmt: skip
        return made, grade

    async def sure(self, run: Run, tag: str, messages: tuple[Message, ...], weights: str) -> float:
        """Probability of the reply yes; NaN where the budget is spent."""
        said: Tokens = run.tokens(messages, "yes")
        scored = await run.score(tag, said, weights=weights, role="judge", start=said.opened)
        return exp(float(scored["logprobs"][said.sampled].sum())) if scored else nan

    def score(self, attempt: Attempt, source: Source, value: float, name: str = "reward") -> Score:
        """A score of this part's."""
        return Score(attempt=attempt.id, value=value, source=source, judge=self.name, name=name)
