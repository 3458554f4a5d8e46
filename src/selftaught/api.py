"""The same from Python: improve, solve, evaluate."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from selftaught.loop import improve as run_loop
from selftaught.parts import BadInput
from selftaught.run.drawer import RunDrawer
from selftaught.run.folder import write_json
from selftaught.session import Job, Session, open_session
from selftaught.types import Task

Say = Callable[[str], None]
Watch = Callable[[Mapping[str, float]], None]


def improve(
    recipe: str = "selftaught",
    *,
    out: str | Path = "",
    resume: bool = False,
    say: Say = lambda line: None,
    watch: Watch | None = None,
    stop: Callable[[], bool] = lambda: False,
    **job: Any,
) -> dict[str, Any]:
    """Let a model teach itself and test whether it got better.

    Args:
        recipe: name of a recipe, or `name/preset`.
        out: run folder; a new one under `runs/` when empty.
        resume: go on with the run in `out`; everything else is read from it.
        say: called with one line for people at every stage.
        watch: called with each step's numbers.
        stop: asked before each step; True ends the run cleanly with everything kept.
        **job: fields of `session.Job` (model, tasks, held_out, budget, steps, seed, adapter, options ...).

    Returns:
        The result: verdict, gains with intervals, baselines, tokens, answers read, alarms and the run folder.

    Raises:
        BadInput: in one line what is wrong, where, and what to do.
    """
    folder = Path(out) if out else new_folder(recipe)
    session = open_session(Job(recipe=recipe, **job), folder, resume, watch)
    return asyncio.run(improve_session(session, say, stop))


def new_folder(recipe: str) -> Path:
    """An unused folder under runs/."""
    stem = f"runs/{time.strftime('%m%d-%H%M%S')}-{recipe.replace('/', '-')}"
    return next(path for i in range(1000) if not (path := Path(stem + (f"-{i}" if i else ""))).exists())


async def improve_session(session: Session, say: Say, stop: Callable[[], bool]) -> dict[str, Any]:
    """Measure the start, run the loop, measure the result, decide."""
    from selftaught.evaluate.gate import not_tested, verdict

    run, job, started = session.run, session.job, time.monotonic()
    if not await run.resume():
        await run.save()
    before = await measure(session, "start", say) if job.gate else None
    if before:
        at = f"{before.correct_B_n.mean():.1%} at T={job.temperature:g}, greedy {before.greedy_B.mean():.1%}"
        say(f"start: {at}, {len(before.tasks_B)} held-out tasks")
    finished = await run_loop(session.recipe, run, stop)
    if not finished:
        say("stopped; everything is kept: go on with --resume")
    await run.hand_back()
    after = await measure(session, "result", say) if before and finished else None
    decided = verdict(before, after) if before and after else not_tested("stopped early" if job.gate else "--no-gate was given")
    result = decided | run.ledger.summary() | {
        "recipe": session.recipe.name, "model": job.model or session.recipe.model or "sprout",
        "steps": run.position, "generation": run.generation,
        "seconds": round(time.monotonic() - started, 1), "alarms": run.alarms, "run": str(run.folder.path),
    }  # fmt: skip
    if before and after:
        write_json(run.folder.path / "held_out.json", {"start": per_task(before), "result": per_task(after)})
    write_json(run.folder.path / "result.json", result)
    session.close()
    return result


def per_task(side: Any) -> dict[str, Any]:
    """One side's means task by task, for pooling over training seeds: stated sampler, best decoding, pass@16."""
    from selftaught.evaluate.metrics import pass_at_k

    width = min(16, side.correct_B_n.shape[1])
    return {
        "tasks": side.tasks_B, "stated": side.correct_B_n.mean(axis=1).tolist(), "best": side.best_B_m.mean(axis=1).tolist(),
        f"pass@{width}": pass_at_k(side.correct_B_n, width).tolist(), "best_temperature": side.best_settings.temperature,
    }  # fmt: skip


async def measure(session: Session, label: str, say: Say) -> Any:
    """One side of the gate: held-out tasks at the stated sampler and at the best decoding of the development tasks."""
    from selftaught.evaluate.side import measure_side

    run, splits = session.run, session.splits
    say(f"measuring the {label} on {len(splits['held-out'])} held-out tasks")
    drawer = RunDrawer(run=run, seed=session.job.evaluation_seed)
    return await measure_side(drawer, label, "policy", splits["held-out"], splits["development"], run.settings)


def evaluate(
    *, model: str = "", tasks: Sequence[str] = (), seed: int = 1, count: int = 200, say: Say = lambda line: None, **job: Any
) -> dict[str, Any]:
    """Accuracy of a model on tasks: at the stated sampler, greedy, at its best temperature, by vote and pass@k.

    Raises:
        BadInput: when the model or tasks cannot be opened or graded.
    """
    import tempfile

    from selftaught.evaluate.gate import verdict

    with tempfile.TemporaryDirectory() as folder:
        asked = Job(recipe="self-consistency", model=model, tasks=tuple(tasks), evaluation_seed=seed, held_out_count=count, **job)
        session = open_session(asked, Path(folder) / "run")
        side = asyncio.run(measure(session, "start", say))
        decided = verdict(side, side)
        session.close()
    kept = {"model": model or "sprout", "value": decided["before"], "baselines": decided["baselines"]}
    passes = {k: both["before"] for k, both in decided["pass_at"].items()}
    return kept | {"pass_at": passes, "intervals": decided["baseline_intervals"], "tasks": decided["tasks"]} | session.run.ledger.summary()


def solve(question: str, *, recipe: str = "self-consistency", **job: Any) -> dict[str, Any]:
    """Answer one question with a recipe's test-time method: explore, read, decide.

    Returns:
        text and answer of the attempt decided on, how many attempts there were, and the ledger.
    """
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        session = open_session(Job(recipe=recipe, gate=False, **job), Path(folder) / "run")
        try:
            return asyncio.run(solve_session(session, question))
        finally:
            session.close()


async def solve_session(session: Session, question: str) -> dict[str, Any]:
    """One question through the first phase's explore and read parts, then decide."""
    from selftaught.tasks.text import make_task

    run, phase = session.run, session.recipe.phases[0]
    task = recognized(question) or make_task(question, "asked", "train", None, "")
    run.begin_step(replace(phase, objectives=()), of=1)
    [request, *_] = phase.explore.plan(run, OneTask(task))
    groups = [await phase.explore.explore(run, request)]
    for part in phase.read:
        groups = await part.read(run, groups)
    group = groups[0]
    decide = session.recipe.decide
    attempt = await decide.decide(run, group) if decide else group.attempts_G[0]
    return {"text": attempt.text, "answer": run.answer(attempt.text), "attempts": len(group.attempts_G)} | run.ledger.summary()


def recognized(question: str) -> Task | None:
    """The question as a task of an own family, which brings its rule checker."""
    from selftaught.tasks.own import families
    from selftaught.tasks.text import make_task

    for name, cls in families().items():
        if cls.read(question) is not None:
            return make_task(question, name, "train", None, "rule" if cls.signal == "rule" else "")
    return None


class OneTask:
    """A pool that holds one task."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.sources: tuple[str, ...] = (task.source,)

    def draw(self, rng: Any, count: int, source: str = "") -> list[Task]:
        """The task."""
        return [self.task]

    def add(self, tasks: Sequence[Task]) -> int:
        """Nothing is added."""
        return 0


__all__ = ["BadInput", "Job", "evaluate", "improve", "solve"]
