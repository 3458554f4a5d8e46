"""How right a model is on tasks: at the stated sampler, greedy, at its best temperature, by vote and pass@k."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from selftaught.coroutines import finished
from selftaught.jobs.asking import REMEDIES
from selftaught.jobs.job import Job
from selftaught.jobs.session import open_session
from selftaught.prove.held_out import answered
from selftaught.prove.proof import Measured, measure
from selftaught.prove.verdict import verdict
from selftaught.recipes import ASKING
from selftaught.shown import one_line

# Below this share of attempts with an answer people are warned.
FEW = 0.5


def few_answers(share: float, without: str, reading: str) -> str:
    """A warning where fewer than half of a side's attempts hold an answer; else ""."""
    if not share < FEW:
        return ""
    return (
        f"only {share:.0%} of the attempts hold an answer (read as {reading}), one without: {one_line(without, 120)!r}; change {REMEDIES}"
    )


def evaluate(
    *,
    model: str | Path = "",
    tasks: str | Sequence[str] = (),
    seed: int = 1,
    count: int = 200,
    say: Callable[[str], None] = lambda line: None,
    **job: Any,
) -> dict[str, Any]:
    """Accuracy of a model on tasks: at the stated sampler, greedy, at its best temperature, by vote and pass@k.

    Raises:
        BadInput: when the model or tasks cannot be opened or graded.
    """
    with tempfile.TemporaryDirectory() as folder:
        given: dict[str, Any] = {"model": model, "tasks": tasks, "evaluation_seed": seed, "held_out_count": count, **job}
        session = open_session(Job(recipe=ASKING, **given), Path(folder) / "run")

        async def measured() -> Measured:
            for line in (*session.bench.lines(), *session.warnings):
                say(line)
            await session.prepare(say)
            say(f"measuring on {len(session.splits['held-out'])} tasks")
            return await measure(session.run, "start", session.splits, seed)

        found = finished(measured)
        share, without = answered(found.rows)
        if few := few_answers(share, without, session.run.format.answer):
            say(few)
        decided = verdict(found.side, found.side)
        session.close()
    kept = {"model": str(model) or "sprout", "value": decided["before"], "baselines": decided["baselines"], "answered": share}
    passes = {k: both["before"] for k, both in decided["pass_at"].items()}
    return kept | {"pass_at": passes, "intervals": decided["baseline_intervals"], "tasks": decided["tasks"]} | session.run.ledger.summary()
