"""A run's health as small multiples with plain captions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from selftaught.report.curves import brief, spark
from selftaught.report.reading import RunFiles
from selftaught.report.strings import visible
from selftaught.report.svg import finite

MEASURES = (
    ("reward", "Reward", "Mean score of a step's attempts, by the recipe's own signal."),
    ("anchor", "Still right where the start was", "Change since the start on fixed training tasks. Falling: it loses what the start knew."),
    ("start_agreement", "Agrees with the start", "Share of fixed training tasks answered as the start did."),
    ("audit_accuracy", "Right on the audit set", "True accuracy on sealed tasks that are never trained on."),
    ("audit_vote", "Vote right on the audit set", "How often the majority answer, the pseudo-label, is true."),
    ("audit_calibration", "Rewards against truth", "Calibration error of rewards on the audit set; 0 is perfect."),
    ("majority_share", "Agreement with itself", "Share of a question's most common answer. Rising while fewer are right is collapse."),
    ("vote_entropy", "Vote entropy", "Spread of the answers to one question, in nats. At 0 all attempts say the same."),
    ("distinct_answers", "Distinct answers", "Different answers to one question."),
    ("one_answer", "One answer for all", "How far one answer serves every question: 0 each has its own, 1 all share one."),
    ("entropy", "Policy entropy", "How open the next token is, in nats."),
    ("kl", "Drift from the start", "KL from the starting weights, in nats a token."),
    ("length_ratio", "Length", "Sampled tokens of an attempt, compared with the start."),
    ("sampled_length", "Length in tokens", "Sampled tokens of an attempt."),
    ("reword_agreement", "Agreement under rewording", "Share of questions answered alike in other words."),
    ("judge_contradiction", "Judge against itself", "Share of questions of which two different answers are approved."),
    ("judge_yes", "Judge's approval", "Mean score that opinions give."),
    ("judge_shift", "Judge talked into it", "How much more the judge pays for the same attempts when they ask for approval."),
    ("cut_off", "Cut off", "Share of attempts that ran into the length limit."),
    ("zero_signal_groups", "Groups without signal", "Share of groups whose attempts all score alike: nothing to learn from."),
    ("logprob_gap", "Learner and sampler", "Mean gap between their log-probabilities of the same tokens, in nats."),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One small chart.

    Attributes:
        title, caption: what it is, and what it means.
        last: the last value.
        chart: the drawing.
    """

    title: str
    caption: str
    last: str
    chart: Markup


def alarms_of(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Alarms as {name, step, message}, whatever the file held."""
    found = result.get("alarms")
    return [
        {"name": visible(str(a.get("name", ""))), "step": a.get("step"), "message": visible(str(a.get("message", "")))[:600].rstrip(".")}
        for a in (found if isinstance(found, list) else [])
        if isinstance(a, dict)
    ]


def panels(run: RunFiles, alarms: Sequence[dict[str, Any]]) -> list[Panel]:
    """A chart of every measure the steps hold; lengths in tokens only where the ratio is not known."""
    rows = [row for row in run.steps if finite(row.get("step"))]
    marks = [float(a["step"]) for a in alarms if finite(a["step"])]
    made = []
    known = {name for name, *_ in MEASURES if any(finite(row.get(name)) for row in rows)}
    known -= {"sampled_length"} if "length_ratio" in known else set()
    for name, title, caption in MEASURES:
        if name in known:
            values = [float(v) if finite(v := row.get(name)) else float("nan") for row in rows]
            chart = spark([float(row["step"]) for row in rows], values, title, marks)
            last = next(v for v in reversed(values) if finite(v))
            made.append(Panel(title=title, caption=caption, last=brief(last), chart=chart))
    return made
