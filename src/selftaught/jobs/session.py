"""From what a user typed to a run that can start: recipe, model, tasks, folder."""

import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from selftaught.jobs.asking import asks, choose_wording, try_reading
from selftaught.jobs.bench import Bench, open_bench
from selftaught.jobs.fits import fit_machine, fit_model, fit_network, fit_tasks
from selftaught.jobs.job import DEFAULT_TASKS, Job
from selftaught.jobs.known import filled
from selftaught.jobs.models import capabilities_of, open_model
from selftaught.jobs.settling import TASKS as LOOKED
from selftaught.jobs.settling import settle
from selftaught.jobs.started import continued
from selftaught.loop import improve
from selftaught.monitors import injections
from selftaught.parts import BadInput, record
from selftaught.prove.plan import Plan
from selftaught.prove.proof import Splits
from selftaught.recipe import Recipe
from selftaught.run.children import Children
from selftaught.run.files import read_json, write_json
from selftaught.run.folder import RunFolder, hold_run, holds_run
from selftaught.run.training import TrainingRun
from selftaught.tasks.found import refuse_nothing_left


@dataclass(kw_only=True)
class Session:
    """A run with everything it needs, and what it will be judged by; `warnings` are lines for people."""

    job: Job
    recipe: Recipe
    run: TrainingRun
    bench: Bench
    warnings: list[str] = field(default_factory=list)

    @property
    def plan(self) -> Plan:
        """How much is drawn for the verdict."""
        return self.bench.plan

    @property
    def splits(self) -> Splits:
        """Held-out, development and audit tasks."""
        return self.bench.splits

    async def prepare(self, say: Callable[[str], None]) -> None:
        """Choose a wording and a sampler where they are left open, and see that replies can be read.

        Raises:
            BadInput: they cannot; the run's folder, in which nothing has begun, is gone.
        """
        run, job, tasks = self.run, self.job, self.splits["development"]
        try:
            await choose_wording(run, tasks, job.evaluation_seed, say)
            if self.settles:
                # training tasks: those for development can be very few
                drawn = run.pool.peek(run.rng("settle"), LOOKED)
                settled = await settle(run, drawn, job.evaluation_seed, heat=job.temperature, most=job.max_tokens)
                run.settings = settled.settings
                job = replace(job, temperature=run.settings.temperature, max_tokens=run.settings.max_tokens)
                say(settled.line())
            await try_reading(run, tasks, job.evaluation_seed)
        except BadInput:
            self.run.grader.close()
            run.folder.discard()
            raise
        # From now on the run, its resumption and whoever opens its generations ask like this.
        job = replace(job, template=run.format.template)
        if self.job != job:
            self.job = job
            path = run.folder.path / "run.json"
            write_json(path, read_json(path, "start a new run with another --out") | manifest(self.job, self.recipe))

    @property
    def settles(self) -> bool:
        """Whether temperature or length are chosen: for a model nobody here knows, where no recipe is asked for."""
        job = self.job
        unasked = job.recipe == Job().recipe and (job.temperature is None or not job.max_tokens)
        return unasked and self.recipe.trains and asks(self.run, self.splits["development"])

    @property
    def judged(self) -> bool:
        """Whether any held-out task can be graded."""
        return any(task.checker for task in self.splits["held-out"])

    def close(self) -> None:
        """Let go of checkers and files; the run can be opened again."""
        self.run.grader.close()
        self.run.folder.close()


def open_session(job: Job, out: Path, resume: bool = False, watch: Callable[[Mapping[str, float]], None] | None = None) -> Session:
    """Open everything, refusing early: the folder is held, and options, tasks and graders checked, before the model is loaded.

    Args:
        job: what is wanted; of a run that goes on no more than it was started with.
        out: run folder.
        resume: go on with the run in `out`; start it where nothing has begun there and the job says what.
        watch: called with each step's numbers.

    Raises:
        BadInput: in one line; what was written for a run that did not begin is gone.
    """
    resume = resume and (holds_run(out) or job == Job())
    held = hold_run(out, resume)
    try:
        folder = RunFolder(out, resume, held)
    except BaseException:
        held.release()
        raise
    try:
        return opened(continued(job, out) if resume else job, folder, watch, asked=job)
    except BaseException:
        folder.discard()
        raise


def opened(job: Job, folder: RunFolder, watch: Callable[[Mapping[str, float]], None] | None, asked: Job) -> Session:
    """A session in a folder that is held; `asked` is the job as it was given."""
    from selftaught.monitors.alarms import DEFAULT_MONITORS

    job, known = filled(job) if folder.fresh else (job, [])
    recipe = job.resolved()
    bench = open_bench(
        job.tasks or recipe.tasks or DEFAULT_TASKS, job.settings, held_out=job.held_out, count=job.count, seed=job.evaluation_seed,
        off_task=job.others(recipe), ungraded=True, format=job.format,
        unsafe_checkers=job.unsafe_checkers,
    )  # fmt: skip
    if recipe.trains:
        refuse_nothing_left(bench.pool.found)
    warnings = fit_tasks(recipe, bench.pool)
    fit_network(recipe)
    fit_machine(recipe)
    fit_model(recipe, capabilities_of(job, recipe), job.adapter)
    model = open_model(job, recipe)
    bench, said = bench.fitted(model, training=recipe.trains)
    run = TrainingRun(
        recipe=recipe,
        model=model,
        pool=bench.pool,
        folder=folder,
        settings=job.settings,
        format=job.format,
        seed=job.seed,
        budget=job.budget,
        watch=watch,
        monitors=DEFAULT_MONITORS if recipe.trains and not recipe.model else (),
        heed=job.monitors,
        audit=bench.splits["audit"][: job.audit],
    )
    run.dispatcher.performers["child"] = Children(run, lambda child: open_model(job, child), improve).perform
    run.grader.unsafe_checkers = job.unsafe_checkers
    if run.watcher.monitors:
        said = (*said, *injections.cost([part for phase in recipe.phases for part in phase.read]))
    for _ in range(bench.reads):
        run.ledger.gold("audit")
    if folder.fresh:
        write_json(folder.path / "run.json", manifest(job, recipe) | {"asked": asdict(asked)})
    return Session(job=job, recipe=recipe, run=run, bench=bench, warnings=[*known, *warnings, *said])


def manifest(job: Job, recipe: Recipe) -> dict[str, Any]:
    """What run.json holds: enough to run it again."""
    return {
        "job": asdict(job), "recipe": record(recipe), "digest": recipe.digest(), "started": time.strftime("%Y-%m-%dT%H:%M:%S"),
        "versions": {name: version(name) for name in ("selftaught", "torch", "transformers", "numpy")}, "python": platform.python_version(),
    }  # fmt: skip
