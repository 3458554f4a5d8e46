"""From what a user typed to a run that can start: recipe, model, tasks, folder."""

import json
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from selftaught.ablate import without
from selftaught.format import Format
from selftaught.models.base import Model
from selftaught.parts import BadInput, record
from selftaught.recipe import Recipe, get_recipe
from selftaught.run.folder import RunFolder, write_json
from selftaught.run.live import LiveRun
from selftaught.types import SamplerSettings, Split, Task

SPROUT = Path(__file__).parent / "models" / "sprout" / "weights"
DEFAULT_TASKS = ("linear:level=6", "sort:level=6", "sudoku:level=8")


@dataclass(frozen=True, kw_only=True)
class Job:
    """What `improve` was asked to do; written into the run folder and read back by `--resume`.

    Attributes:
        recipe: name of a recipe, or `name/preset`.
        model: folder or hub id; "" is sprout, which ships.
        tasks: task sources; empty takes the recipe's, then the default ones.
        held_out: where held-out tasks come from; empty takes the training sources.
        budget: most tokens to spend on improving.
        steps: steps of every phase, when not the recipe's.
        seed: seed of the training run.
        evaluation_seed: seed of held-out tasks and their noise.
        adapter: "lora" trains an adapter, "" the weights.
        max_tokens: length limit of an attempt; 0 takes 64 for sprout and 512 for other models.
        temperature: the stated sampler's.
        held_out_count: how many held-out tasks decide.
        options: recipe options by dotted name.
        without: a pillar to replace by its plain form.
        gate: False skips the held-out test.
    """

    recipe: str = "selftaught"
    model: str = ""
    tasks: tuple[str, ...] = ()
    held_out: tuple[str, ...] = ()
    budget: int | None = None
    steps: int | None = None
    seed: int = 0
    evaluation_seed: int = 1
    adapter: str = ""
    max_tokens: int = 0
    temperature: float = 1.0
    held_out_count: int = 200
    options: Mapping[str, Any] = field(default_factory=dict)
    without: str = ""
    gate: bool = True

    def __post_init__(self) -> None:
        if self.budget is not None and self.budget < 1:
            raise BadInput(f"budget={self.budget} tokens: give a positive number")
        if not self.temperature >= 0 or self.max_tokens < 0 or self.held_out_count < 0:
            raise BadInput("temperature, max_tokens and held_out_count must not be negative")

    @property
    def limit(self) -> int:
        """Most tokens of one attempt."""
        return self.max_tokens or (64 if self.model in ("", "scripted") else 512)

    def resolved(self) -> Recipe:
        """The recipe with this job's options."""
        recipe = get_recipe(self.recipe)
        options = dict(self.options) | ({"steps": self.steps} if self.steps is not None else {})
        recipe = recipe.with_options(options)
        return without(recipe, self.without) if self.without else recipe


@dataclass(kw_only=True)
class Session:
    """A run with everything it needs, and the tasks it will be judged by."""

    job: Job
    recipe: Recipe
    run: LiveRun
    splits: Mapping[Split, Sequence[Task]]

    def close(self) -> None:
        """Let go of checkers and files; the run can be opened again."""
        self.run.grader.close()
        self.run.folder.journal.close()


def open_model(job: Job, recipe: Recipe) -> Model:
    """The model a job names; BadInput with one line when it cannot be opened."""
    if job.model == "scripted":
        from selftaught.models.scripted import ScriptedModel

        return ScriptedModel()
    if recipe.model:
        from selftaught.models.encoder import TableModel
        from selftaught.tasks.source import parse_source

        [row] = parse_source((job.tasks or recipe.tasks)[0]).draw("width", 1, "train")
        return TableModel(row.payload.values.shape[1], recipe.modules, job.seed)
    from selftaught.models.local import LocalModel

    return LocalModel.open(str(job.model or SPROUT), format=Format(), seed=job.seed, adapter=job.adapter, modules=recipe.modules)


def open_session(job: Job, out: Path, resume: bool = False, watch: Callable[[Mapping[str, float]], None] | None = None) -> Session:
    """Open everything, refusing early: options, tasks and graders are checked before the model is loaded."""
    from selftaught.tasks.pool import COUNTS, split
    from selftaught.tasks.selftest import self_test
    from selftaught.tasks.source import parse_source

    if resume:
        job = load_job(out)
    recipe = job.resolved()
    sources = job.tasks or recipe.tasks or DEFAULT_TASKS
    pool, splits = split(sources, job.held_out, job.evaluation_seed, {**COUNTS, "held-out": job.held_out_count})
    if job.gate and not any(task.checker for task in splits["held-out"]):
        raise BadInput(
            "no held-out task can be graded, so no gain could be shown: give --held-out with answers, or --no-gate for no verdict"
        )
    RunFolder.check(out, resume)
    reads: list[None] = []
    graders = [parse_source(text) for text in dict.fromkeys((*sources, *job.held_out))]
    problems = self_test(graders, read=lambda: reads.append(None))
    if problems:
        raise BadInput("grader self-test failed, nothing was spent: " + "; ".join(problems[:3]))
    model = open_model(job, recipe)
    settings = SamplerSettings(temperature=job.temperature, max_tokens=job.limit)
    run = LiveRun(
        recipe=recipe,
        model=model,
        pool=pool,
        folder=RunFolder(out, resume),
        settings=settings,
        format=Format(),
        seed=job.seed,
        budget=job.budget,
        watch=watch,
    )
    for _ in reads:
        run.ledger.gold("audit")
    if not resume:
        write_json(run.folder.path / "run.json", manifest(job, recipe))
    return Session(job=job, recipe=recipe, run=run, splits=splits)


def manifest(job: Job, recipe: Recipe) -> dict[str, Any]:
    """What run.json holds: enough to run it again."""
    return {
        "job": asdict(job), "recipe": record(recipe), "digest": recipe.digest(), "started": time.strftime("%Y-%m-%dT%H:%M:%S"),
        "versions": {name: version(name) for name in ("selftaught", "torch", "transformers", "numpy")}, "python": platform.python_version(),
    }  # fmt: skip


def load_job(out: Path) -> Job:
    """The job of an existing run."""
    path = out / "run.json"
    if not path.exists():
        raise BadInput(f"{out} holds no run: give the folder of one (to start a new run, leave out --resume)")
    saved = json.loads(path.read_text())["job"]
    return Job(**{**saved, "tasks": tuple(saved["tasks"]), "held_out": tuple(saved["held_out"])})
