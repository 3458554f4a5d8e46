"""Outcome: the verdict of a run from its two sides, and what both said, written into its folder."""

from typing import Any

from selftaught.jobs.label_files import labels_wanted
from selftaught.jobs.session import Session
from selftaught.prove.cache import count_reuse, held_out_key
from selftaught.prove.held_out import lines_of
from selftaught.prove.proof import Measured, compared, decide
from selftaught.prove.verdict import Side, not_tested
from selftaught.run.files import write_json
from selftaught.statistics.metrics import pass_at_k


def judged(session: Session, before: Measured, after: Measured) -> dict[str, Any]:
    """The verdict of a run, with what both sides said written into its folder."""
    run, sides, full = session.run, {"start": before, "result": after}, session.job.gate == "full"
    tasks, n = session.splits["held-out"][: len(after.side.tasks_B)], compared(full, session.plan)
    run.folder.write_held_out(lines_of(tasks, {label: side.rows for label, side in sides.items()}))
    write_json(run.folder.path / "held_out.json", {label: per_task(side.side.first(len(tasks)), n) for label, side in sides.items()})
    if not session.judged:
        reason, labels = labels_wanted(run.folder.path)
        return not_tested(reason) | {"labels": labels}
    reuse = count_reuse(held_out_key(tasks), mark=str(run.folder.path.resolve()))
    return decide(before, after, full, session.plan, spent=run.ledger.spent, reuse=reuse)


def per_task(side: Side, n: int) -> dict[str, Any]:
    """One side's means task by task, for pooling over training seeds: n attempts as stated, best decoding, pass@16 where it was drawn."""
    return {
        "tasks": side.tasks_B, "stated": side.correct_B_n[:, :n].mean(axis=1).tolist(), "best": side.best_B_m.mean(axis=1).tolist(),
        **({"pass@16": pass_at_k(side.correct_B_n, 16).tolist()} if side.correct_B_n.shape[1] >= 16 else {}),
        "best_temperature": side.best_settings.temperature,
    }  # fmt: skip
