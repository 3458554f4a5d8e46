"""Held-out attempts as people read them: one line a task in held_out.jsonl, the start's attempts beside the result's."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from selftaught.prove.attempts import mean_logprob
from selftaught.prove.side import Keep
from selftaught.run.access import RunAccess
from selftaught.types import Attempt, Floats, Group, Task


class HeldOut:
    """Keeps what each side said on the held-out tasks.

    Attributes:
        run: whose format reads the answers and whose model spells tokens.
        sides: label -> task id -> attempts as JSON-ready rows.
    """

    def __init__(self, run: RunAccess) -> None:
        self.run = run
        self.sides: dict[str, dict[str, list[dict[str, Any]]]] = {}

    def keep(self, label: str) -> Keep:
        """What `measure_side` and `widen` call with the attempts of a side; the last call on a task counts."""

        def kept(what: str, groups: list[Group], correct_B_n: Floats) -> None:
            rows = zip(groups, correct_B_n, strict=True)
            self.sides.setdefault(label, {}).update(
                {
                    g.task.id: [self.row(g.task, a, c, i == 0) for i, (a, c) in enumerate(zip(g.attempts_G, n, strict=False))]
                    for g, n in rows
                }
            )

        return kept

    def row(self, task: Task, attempt: Attempt, correct: float, first: bool) -> dict[str, Any]:
        """One attempt: text, answer, right (1, 0 or null), mean logprob in nats, and of a task's first one its tokens."""
        logprob = mean_logprob(attempt)
        return {
            "text": attempt.text, "answer": self.run.answer(attempt.text, task), "right": None if np.isnan(correct) else int(correct),
            "logprob": None if np.isnan(logprob) else logprob, "tokens": self.tokens(attempt) if first else [],
        }  # fmt: skip

    def tokens(self, attempt: Attempt) -> list[list[Any]]:
        """[token text, log-probability] of what was sampled, where the model can spell its tokens."""
        spell, payload = getattr(self.run.model, "pieces", None), attempt.payload
        if spell is None or not hasattr(payload, "sampled"):
            return []
        pieces = spell(payload.ids[payload.sampled].tolist())
        return [[piece, round(float(logprob), 4)] for piece, logprob in zip(pieces, payload.logprobs[payload.sampled], strict=True)]


def answered(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> tuple[float, str]:
    """(share of a side's attempts in which an answer was read, text of one without); (NaN, "") without attempts."""
    said = [row for attempts in rows.values() for row in attempts]
    without = next((str(row["text"]) for row in said if row["answer"] is None), "")
    return (sum(row["answer"] is not None for row in said) / len(said) if said else float("nan")), without


def lines_of(tasks: Sequence[Task], sides: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The lines of held_out.jsonl: every task, with what each side (label -> task id -> rows) said to it."""
    for task in tasks:
        said = {label: rows.get(task.id, []) for label, rows in sides.items()}
        yield {"task": task.id, "text": task.text, "source": task.source, **said}
