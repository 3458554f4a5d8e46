"""Labels by hand, where no checker can grade: how many would settle it, in which blind order, and what they show.

A label belongs to a question and an answer, so that it serves every attempt of either side that gives this answer. A task
on which both sides answer alike cannot differ and needs none. From the labels there are, and predictions for the rest,
prediction-powered inference (`evaluation.ppi`) makes an interval for the change at the stated sampler.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from typing import Any, NamedTuple

import numpy as np

from selftaught.statistics.differences import needed_tasks, smallest_effect
from selftaught.statistics.ppi import stratified
from selftaught.types import content_hash

Judge = Callable[["Question", str], float]
Key = tuple[str, str]
Labels = Mapping[Key, int | None]
EFFECT = 0.05


class Question(NamedTuple):
    """One held-out task and the canonical answers of the first attempts of both sides, None where there is none.

    `known` holds what a grader said of some answers already, 1 or 0.
    """

    task: str
    text: str
    start: tuple[str | None, ...]
    result: tuple[str | None, ...]
    known: Mapping[str, int]

    def weights(self, k: int) -> dict[str, float]:
        """What each answer's being right adds to result minus start, over the first k attempts; equal shares cancel."""
        found: dict[str, float] = {}
        for answers, sign in ((self.result[:k], 1.0), (self.start[:k], -1.0)):
            for answer in answers:
                if answer is not None:
                    found[answer] = found.get(answer, 0.0) + sign / len(answers)
        return {answer: weight for answer, weight in found.items() if abs(weight) > 1e-9}

    def most(self, k: int) -> float:
        """The largest change this task could show, whatever is right."""
        weights = self.weights(k).values()
        return max(sum(w for w in weights if w > 0), -sum(w for w in weights if w < 0))


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How many labels detect an effect.

    Attributes:
        attempts: attempts of each side that are compared.
        effect: the change to detect, as a fraction.
        tasks: tasks this takes.
        labels: labels this takes; more than there are answers when `tasks` is more than there are tasks.
        available: labels that can be given at all.
        detectable: the smallest change that all of them would detect.
        given: labels given so far.
    """

    attempts: int
    effect: float
    tasks: int
    labels: int
    available: int
    detectable: float
    given: int = 0

    def sentence(self) -> str:
        """`label 120 to detect 5 points`, for people."""
        if not self.available:
            return "both sides gave the same answers, so no label could tell them apart"
        if self.labels <= self.available:
            return f"label {self.labels}{' more' if self.given else ''} to detect {100 * self.effect:.3g} points"
        many = f"all {self.available} labels would detect {100 * self.detectable:.1f} points"
        return f"{many}; {100 * self.effect:.3g} points need about {self.tasks} held-out tasks"


def plan(questions: Sequence[Question], effect: float = EFFECT) -> Plan:
    """How many labels detect `effect` with 80% power, before any is given.

    The spread of a task's change is at most what its disagreement allows: sd^2 <= mean over tasks of `Question.most`^2.
    Of 1, 2, 4 ... attempts a side the number with the fewest labels is taken, or the most exact when none suffices.
    """
    most = max(min(len(q.start), len(q.result)) for q in questions)
    plans = [planned(questions, 2**i, effect) for i in range(most.bit_length())]
    enough = [p for p in plans if p.labels <= p.available]
    return min(enough, key=lambda p: p.labels) if enough else min(plans, key=lambda p: p.detectable)


def planned(questions: Sequence[Question], k: int, effect: float) -> Plan:
    """The plan for k attempts a side."""
    sd = sqrt(float(np.mean([q.most(k) ** 2 for q in questions])))
    available = sum(len([a for a in q.weights(k) if a not in q.known]) for q in questions)
    tasks = needed_tasks(sd, effect)
    labels = ceil(tasks * available / len(questions))
    return Plan(attempts=k, effect=effect, tasks=tasks, labels=labels, available=available, detectable=smallest_effect(sd, len(questions)))


def queue(questions: Sequence[Question], labels: Labels, k: int) -> Iterator[tuple[Question, str]]:
    """Answers that wait for a label: tasks in an order that hangs on their ids alone, answers likewise, skipped ones last.

    A task's answers follow each other, so that a question is read once and few tasks are left half labeled.
    """
    waiting = [
        (question, answer)
        for question in sorted(questions, key=lambda q: content_hash("label", q.task))
        for answer in sorted(question.weights(k), key=lambda a: content_hash("label", question.task, a))
        if answer not in question.known and labels.get((question.task, answer)) is None
    ]
    yield from sorted(waiting, key=lambda item: (item[0].task, item[1]) in labels)


def self_consistency(question: Question, answer: str) -> float:
    """The share of all attempts, of both sides, that give this answer: the model as its own judge."""
    answers = (*question.start, *question.result)
    return answers.count(answer) / len(answers)


def estimate(questions: Sequence[Question], labels: Labels, k: int, judge: Judge = self_consistency, level: float = 0.95) -> dict[str, Any]:
    """The change at the stated sampler from the labels there are, by `evaluation.ppi.stratified`.

    Args:
        questions: B held-out tasks.
        labels: 1, 0 or None (skipped) by (task, answer).
        k: attempts of each side that are compared.
        judge: predicts in [0, 1] whether an answer is right; it may be as wrong as it likes.
        level: two-sided confidence.

    Returns:
        {labels, skipped, tasks, waiting, value, low, high, more, sentence}; `waiting` counts answers without a label,
        `more` is how many of them would detect 5 points. Numbers are None with fewer than two labeled tasks.
    """
    known: list[float] = []
    labeled: list[tuple[float, float]] = []
    guessed: list[float] = []
    waiting = 0
    for question in questions:
        weights = question.weights(k)
        truth = {a: question.known.get(a, labels.get((question.task, a))) for a in weights}
        lacking = sum(value is None for value in truth.values())
        waiting += lacking
        change = sum(weight * (truth[a] or 0) for a, weight in weights.items())
        guess = sum(weight * question.known.get(a, judge(question, a)) for a, weight in weights.items())
        if all(a in question.known for a in weights):
            known.append(change)
        elif lacking:
            guessed.append(guess)
        else:
            labeled.append((change, guess))
    given = sum(label is not None for label in labels.values())
    counts = {"labels": given, "skipped": len(labels) - given, "tasks": len(questions), "waiting": waiting}
    if len(labeled) < 2 and (labeled or guessed or len(known) < 2):
        empty = dict.fromkeys(("value", "low", "high", "more"))
        return {**counts, **empty, "sentence": f"Not tested: too few labels ({given}); {plan(questions).sentence()}."}
    found = stratified(known, [c for c, _ in labeled], [g for _, g in labeled], guessed, level)
    extra = more_labels(found, len(labeled), len(guessed), waiting)
    value, low, high = found.value, found.low, found.high
    word = "Improved" if low > 0 else "Worse" if high < 0 else "Can't tell"
    numbers = f"{100 * value:+.1f} points ({100 * low:.1f} to {100 * high:.1f}) from {given} labels on {len(questions)} tasks"
    tail = "" if not extra or word != "Can't tell" else f"; label about {extra} more to detect {100 * EFFECT:g} points"
    sentence = f"{word} at the stated sampler; nobody labeled the best decoding: {numbers}{tail}."
    return {**counts, "value": value, "low": low, "high": high, "more": extra, "sentence": sentence}


def more_labels(found: Any, labeled: int, guessed: int, waiting: int, effect: float = EFFECT) -> int | None:
    """About how many further labels detect the effect with 80% power; None when all that wait would not."""
    target = (effect / smallest_effect(1.0, 1)) ** 2 - found.fixed**2
    needed = labeled * found.falling**2 / target if target > 0 else np.inf
    if needed > labeled + guessed:
        return None
    return ceil(max(0.0, needed - labeled) * waiting / guessed) if guessed else 0
