"""Health of a step, from its groups alone: how much a model agrees with itself, how long and how sure it is.

No answer is read. Every function is pure; what a step cannot tell (a game has no answers to compare, a table no
tokens) is NaN and left out of the log. P groups of G attempts; answers are canonical strings, None where there is none.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan, log, nan
from sys import intern

import numpy as np

from selftaught.types import Attempt, Group, Source, Task

Answers = Sequence[str | None]
OPINIONS: tuple[Source, ...] = ("self", "peer", "teacher")
APPROVED = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Read:
    """What the numbers need of one group.

    Attributes:
        answers: of its first attempts at the task as it is worded.
        by_view: answers of first attempts by wording.
        judged: (answer, reward) of attempts whose reward is an opinion (self, peer, teacher), on tasks no rule decides.
        labels: answers that are approved, whoever says so: what the group is taught.
    """

    answers: tuple[str | None, ...]
    by_view: Mapping[int, tuple[str | None, ...]]
    judged: tuple[tuple[str | None, float], ...]
    labels: tuple[str, ...]


def first_attempts(group: Group) -> list[Attempt]:
    """The group's attempts that continue nothing and rewrite nothing: no revisions, no later moves of a game."""
    return [a for a in group.attempts_G if not a.parents and a.stop != "error"]


def originals(group: Group) -> list[Attempt]:
    """First attempts at the task in its own words."""
    return [a for a in first_attempts(group) if a.messages == group.task.messages]


def read_group(group: Group, answer: Callable[[str, Task], str | None]) -> Read:
    """A group as the numbers below want it."""
    said = {a.id: answer(a.text, group.task) for a in group.attempts_G}
    firsts = first_attempts(group)
    last = {s.attempt: s for s in group.scores if s.name == "reward" and not isnan(s.value)}
    scored = [(said[a.id], last[a.id]) for a in group.attempts_G if a.id in last]
    opinions = [(answered, s.value) for answered, s in scored if s.source in OPINIONS]
    return Read(
        answers=tuple(said[a.id] for a in originals(group)),
        by_view={view: tuple(said[a.id] for a in firsts if a.view == view) for view in sorted({a.view for a in firsts})},
        judged=tuple(opinions) if group.task.checker != "rule" else (),
        labels=approved([(answered, s.value) for answered, s in scored]),
    )


def numbers(groups: Sequence[Group], answer: Callable[[str, Task], str | None]) -> dict[str, float]:
    """Every number of a step that needs nothing but its groups; NaN ones are left out."""
    read = [read_group(group, answer) for group in groups]
    found = [r.answers for r in read if any(a is not None for a in r.answers)]
    attempts = [a for group in groups for a in first_attempts(group)]
    numbers = {
        "majority_share": mean([majority_share(answers) for answers in found]),
        "vote_entropy": mean([vote_entropy(answers) for answers in found]),
        "distinct_answers": mean([float(len(set(answers) - {None})) for answers in found]),
        "one_answer": one_answer(found),
        "one_label": one_answer([r.labels for r in read if r.labels]),
        "reword_agreement": reword_agreement([list(r.by_view.values()) for r in read if len(r.by_view) > 1]),
        "judge_contradiction": contradiction([r.judged for r in read]),
        "judge_yes": mean([value for r in read for _, value in r.judged]),
        "entropy": token_entropy(attempts),
        "length_paid": length_paid(groups),
        "cut_off": mean([float(a.stop == "length") for a in attempts]),
    }
    levels: dict[str, list[float]] = {}
    for group in groups:
        levels.setdefault(intern(f"level/{group.task.source}"), []).append(mean([float(v) for v in group.values() if not isnan(v)]))
    return {name: value for name, value in (numbers | {name: mean(v) for name, v in levels.items()}).items() if not isnan(value)}


def mean(values: Sequence[float]) -> float:
    """Mean of the values that are numbers, NaN without any."""
    known = [v for v in values if not isnan(v)]
    # What np.mean does, without its overhead: there are hundreds of short lists a step.
    return float(np.add.reduce(known)) / len(known) if known else nan


def majority_share(answers: Answers) -> float:
    """Share of all attempts that give the most common answer, in [0, 1]."""
    return Counter(a for a in answers if a is not None).most_common(1)[0][1] / len(answers)


def vote_entropy(answers: Answers) -> float:
    """Entropy of the answers in nats, from 0 (all alike) to ln G; having none counts as one more answer."""
    return -sum(n / len(answers) * log(n / len(answers)) for n in Counter(answers).values())


def one_answer(answers_P: Sequence[Answers]) -> float:
    """How far one answer serves all questions: 0 when each question has its own, 1 when all share one.

    With s the largest mean share over P groups that any answer has, (P s - 1) / (P - 1), cut at 0. NaN for one group.
    """
    if len(answers_P) < 2:
        return nan
    shares: Counter[str] = Counter()
    for answers in answers_P:
        for answer, count in Counter(a for a in answers if a is not None).items():
            shares[answer] += count / len(answers)  # type: ignore[assignment]
    return max(0.0, (max(shares.values()) - 1) / (len(answers_P) - 1))


def reword_agreement(views_P: Sequence[Sequence[Answers]]) -> float:
    """Share of pairs of wordings, over P questions, whose majority answers are equal; a pair without answers is left out."""
    agree = []
    for views in views_P:
        winners = [Counter(a for a in answers if a is not None).most_common(1) for answers in views]
        named = [winner[0][0] for winner in winners if winner]
        agree += [float(one == other) for i, one in enumerate(named) for other in named[:i]]
    return mean(agree)


def approved(judged: Sequence[tuple[str | None, float]]) -> tuple[str, ...]:
    """Answers whose mean reward is half or more."""
    by_answer: dict[str, list[float]] = {}
    for answer, value in judged:
        if answer is not None:
            by_answer.setdefault(answer, []).append(value)
    return tuple(answer for answer, values in by_answer.items() if mean(values) >= APPROVED)


def contradiction(judged_P: Sequence[Sequence[tuple[str | None, float]]]) -> float:
    """Share of questions with different answers for which two of them are approved.

    At most one of two different answers is right, so a judge that approves both says nothing. A vote cannot do it.
    """
    several = [judged for judged in judged_P if len({answer for answer, _ in judged if answer is not None}) > 1]
    return mean([float(len(approved(judged)) > 1) for judged in several])


def length_paid(groups: Sequence[Group], fewest: int = 2) -> float:
    """Correlation of reward and sampled length within groups, pooled over groups; NaN when either hardly varies.

    Both are taken minus their group's mean, so that long questions do not count. It says something once at least
    `fewest` groups have attempts of different lengths and different rewards.
    """
    rewards, lengths, varied = [np.zeros(0)], [np.zeros(0)], 0
    for group in groups:
        pairs = zip(group.attempts_G, group.values(), strict=True)
        kept = [(value, a.sampled_count) for a, value in pairs if hasattr(a.payload, "sampled") and not isnan(value)]
        reward_G, length_G = np.array(kept, np.float64).reshape(-1, 2).T
        if len(kept) > 1:
            rewards.append(reward_G - reward_G.mean())
            lengths.append(length_G - length_G.mean())
            varied += bool(np.ptp(reward_G) and np.ptp(length_G))
    if varied < fewest:
        return nan
    reward_N, length_N = np.concatenate(rewards), np.concatenate(lengths)
    return float(reward_N @ length_N / np.sqrt((reward_N @ reward_N) * (length_N @ length_N)))


def lengths(groups: Sequence[Group]) -> dict[str, float]:
    """Mean number of sampled tokens of first attempts at each task source, where it is not 0."""
    found: dict[str, list[float]] = {}
    for group in groups:
        counts = [float(a.sampled_count) for a in first_attempts(group) if hasattr(a.payload, "sampled")]
        found.setdefault(group.task.source, []).extend(counts)
    return {source: mean(counts) for source, counts in found.items() if any(counts)}


def token_entropy(attempts: Sequence[Attempt]) -> float:
    """Entropy of the policy in nats a token, as the mean of -log p over tokens sampled at temperature 1."""
    plain = [a for a in attempts if a.settings.temperature == 1 and a.settings.top_p == 1 and hasattr(a.payload, "logprobs")]
    count = sum(a.sampled_count for a in plain)
    return -sum(a.logprob for a in plain) / count if count else nan
