"""--dry-run: what a job would cost, from a few attempts of the model at hand."""

import asyncio
import resource
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from selftaught.parts import record
from selftaught.prove.plan import sized
from selftaught.run.budget import Budget
from selftaught.session import Job, Session, open_session

PROBES = 8


def estimate(job: Job) -> dict[str, Any]:
    """The resolved recipe, and the tokens, minutes and memory it is expected to take.

    Eight training tasks are attempted to learn lengths and speed; no answer is read for training. Training is
    taken to cost three times scoring, which is taken to cost what prompts cost.
    """
    with TemporaryDirectory() as folder:
        session = open_session(job, Path(folder) / "run")
        return asyncio.run(measured(session))


async def measured(session: Session) -> dict[str, Any]:
    """Attempt a few tasks and extrapolate."""
    run, recipe = session.run, session.recipe
    tasks = run.pool.draw(run.rng("estimate"), PROBES)
    started = time.monotonic()
    groups = await run.draw(tasks, 4, run.settings, "policy", "estimate", 0)
    seconds = time.monotonic() - started
    prompted = sum(run.model.count(task.messages) for task in tasks) / max(1, len(tasks))
    lengths = [a.sampled_count for g in groups for a in g.attempts_G if hasattr(a.payload, "sampled")]
    sampled = sum(lengths) / max(1, len(lengths))
    speed = len(tasks) * (prompted + 4 * sampled) / max(seconds, 1e-6)
    expected = worst = 0.0
    for phase in recipe.phases:
        groups_per_step, n = getattr(phase.explore, "tasks", 1), getattr(phase.explore, "n", 1)
        attempts = groups_per_step * n * phase.steps * recipe.rounds
        trained = 1 if phase.objectives else 0
        expected += attempts * (sampled + prompted / n + trained * (prompted + sampled) / 2)
        worst += attempts * (run.settings.max_tokens + prompted / n + trained * (prompted + run.settings.max_tokens))
    held = len(session.splits["held-out"]) * 20 + len(session.splits["development"]) * 7
    evaluation = 2 * held * sampled if session.job.gate else 0.0
    if limit := Budget.parse(session.job.budget).tokens:
        expected, worst = min(expected, limit), min(worst, limit)
    if (share := session.job.share(recipe)) is not None and session.job.gate:
        plan = sized(share * expected, prompted, sampled, len(session.splits["held-out"]), len(session.splits["development"]))
        evaluation = plan.tokens(prompted, sampled)
    session.close()
    return {
        "recipe": record(recipe), "tokens": {"expected": round(expected), "worst": round(worst), "evaluated": round(evaluation)},
        "minutes": round((expected + evaluation) / speed / 60, 1), "tokens_per_second": round(speed),
        "memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 + run.model.parameters * 16 / 2**20),
        "parameters": run.model.parameters, "prompt_tokens": round(prompted, 1), "attempt_tokens": round(sampled, 1),
    }  # fmt: skip
