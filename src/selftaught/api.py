"""The same from Python: improve, solve, evaluate."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from selftaught.coroutines import finished
from selftaught.jobs.accuracy import evaluate, few_answers
from selftaught.jobs.gate import gate
from selftaught.jobs.job import Job
from selftaught.jobs.session import Session, open_session
from selftaught.jobs.solving import solve
from selftaught.loop import improve as run_loop
from selftaught.parts import BadInput, refuse_keys
from selftaught.run.files import read_json, told_when_full, write_json

Say = Callable[[str], None]
Watch = Callable[[Mapping[str, float]], None]


def improve(
    recipe: str = "selftaught",
    *,
    out: str | Path = "",
    resume: bool = False,
    say: Say = lambda line: None,
    watch: Watch | None = None,
    halt: Callable[[], bool] = lambda: False,
    **job: Any,
) -> dict[str, Any]:
    """Let a model teach itself and test whether it got better.

    Args:
        recipe: name of a recipe, or `name/preset`.
        out: run folder; a new one under `runs/` when empty.
        resume: go on with the run in `out`, from which everything else is read; what is given beside it must be what the run was
            started with. Where nothing has begun in `out` yet, that starts it.
        say: called with one line for people at every stage.
        watch: called with each step's numbers.
        halt: asked before each step; True ends the run cleanly with everything kept.
        **job: fields of `jobs.job.Job` (model, tasks, held_out, budget, steps, seed, adapter, options ...).

    Returns:
        The result: verdict, gains with intervals, baselines, tokens, answers read, alarms and the run folder.

    Raises:
        BadInput: in one line what is wrong, where, and what to do.
    """
    refuse_keys({"out": str(out)})
    if resume and not str(out):
        raise BadInput("which run is to be resumed? name its folder as --out")
    folder = Path(out) if str(out) else new_folder(recipe)
    with told_when_full(folder, f"go on with --resume --out {folder}"):
        session = open_session(Job(recipe=recipe, **job), folder, resume, watch)
        try:
            return finished(lambda: improve_session(session, say, halt))
        finally:
            session.close()


def new_folder(recipe: str) -> Path:
    """An unused folder under runs/."""
    stem = f"runs/{time.strftime('%m%d-%H%M%S')}-{recipe.replace('/', '-')}"
    return next(path for i in range(1000) if not (path := Path(stem + (f"-{i}" if i else ""))).exists())


async def improve_session(session: Session, say: Say, halt: Callable[[], bool]) -> dict[str, Any]:
    """Forecast, measure the start, run the loop, measure the result, decide, report."""
    from selftaught.jobs.cost import heed_forecast, spread
    from selftaught.jobs.outcome import judged
    from selftaught.jobs.sizing import plan_of, said
    from selftaught.prove.held_out import answered
    from selftaught.prove.plan import spread_of
    from selftaught.prove.proof import Measured, compared, measure
    from selftaught.prove.verdict import not_tested
    from selftaught.report import write_report
    from selftaught.statistics.paired import task_means

    run, started = session.run, time.monotonic()
    for line in (*session.bench.lines(), *session.warnings):
        say(line)
    kept = run.folder.path / "start.json"
    run.folder.tell(say)
    if not await run.resume():
        await session.prepare(say)
        await run.save()
    job = session.job
    # A generation that was saved after the first step has counted what comes before it.
    counted = Counter(run.ledger.rows) if run.position else None
    forecast = await forecast_of(session) if job.forecast else None
    if forecast:
        outlook = f"forecast: {'it can help' if forecast['help'] else 'no help expected'}, {spread(forecast)}"
        say(f"{outlook if forecast['features'] else 'no forecast'}: {forecast['why']}")
        await heed_forecast(session, forecast)

    if job.gate:
        session.bench = session.bench.planned(await plan_of(session, forecast))
        if session.plan.looks:
            say(said(session.plan))

    async def side(label: str, before: Measured | None = None) -> Measured:
        say(f"measuring the {label} on {len(session.splits['held-out'])} held-out tasks")
        bench, full, weights = session.bench, job.gate == "full", "policy" if before else "start"
        return await measure(
            run,
            label,
            bench.splits,
            job.evaluation_seed,
            weights=weights,
            off=bench.off,
            before=before,
            full=full,
            plan=bench.plan,
            state=session.recipe.initial(),
        )

    async def start() -> Measured:
        # What was measured before anything was learned is the start, whatever is loaded by now.
        if run.position and kept.exists():
            try:
                measured: Measured = read_json(kept, "the start is measured again", Measured.of)
                return measured
            except BadInput as error:
                say(str(error))
        found = await side("start")
        write_json(kept, found.record())
        return found

    if job.gate and not session.judged:
        say("no held-out task can be graded: the verdict will be `not tested` until some are labeled (or give --held-out with answers)")
    before = await start() if job.gate else None
    if before and session.judged:
        greedy, n = before.side.greedy_B, compared(job.gate == "full", session.plan)
        stated = np.nanmean(task_means(before.side.correct_B_n[:, :n]))
        say(f"start: {stated:.1%} at T={job.heat:g}, greedy {np.nanmean(greedy):.1%}, {len(greedy)} held-out tasks")
        if session.plan.looks:
            seen = session.plan.sees(spread_of(before.side, n))
            say(f"by the start's spread a gain of {100 * seen:.0f} points shows in 4 of 5 such tests")
    if before and (few := few_answers(*answered(before.rows), run.format.answer)):
        say(few)
    if counted is not None:
        run.ledger.rows = counted
    finished = await run_loop(session.recipe, run, halt)
    if not finished:
        say("stopped; everything is kept: go on with --resume")
    for alarm in run.alarms:
        say(f"alarm at step {alarm['step']}: {alarm['message']}")
    await run.hand_back()
    after = await side("result", before) if before and finished else None
    reason = "stopped early" if job.gate else "--no-gate was given"
    decided = judged(session, before, after) if before and after else not_tested(reason)
    read = {label: answered(side.rows)[0] if side else None for label, side in (("before", before), ("after", after))}
    result = decided | run.ledger.summary() | {"answered": read} | {
        "recipe": session.recipe.name, "model": job.model or session.recipe.model or "sprout",
        "steps": run.position, "generation": run.generation, "forecast": forecast,
        "seconds": round(time.monotonic() - started, 1), "alarms": run.alarms, "run": str(run.folder.path),
    }  # fmt: skip
    run.folder.write_ledger(run.ledger.table())
    write_json(run.folder.path / "result.json", result)
    session.close()
    write_report(run.folder.path)
    return result


async def forecast_of(session: Session) -> dict[str, Any] | None:
    """What the run may expect; said once, before the first step, and kept in its folder. None where it was not kept."""
    from selftaught.jobs.forecast import preflight

    path = session.run.folder.path / "forecast.json"
    if session.run.position:
        # What has learned already says nothing about the start.
        kept: dict[str, Any] | None = read_json(path, "delete it, and go on without a forecast", dict) if path.exists() else None
        return kept
    found = await preflight(session)
    write_json(path, found)
    return found


__all__ = ["BadInput", "Job", "evaluate", "gate", "improve", "solve"]
