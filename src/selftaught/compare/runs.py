"""Recipes side by side: one run a recipe and training seed at an equal budget, pooled into one table."""

import hashlib
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from selftaught.compare.opened import open_recipe
from selftaught.compare.sweep import Say, Wanted, sweep
from selftaught.compare.table import tabled
from selftaught.jobs.bench import open_bench
from selftaught.jobs.checkpoints import find_checkpoint
from selftaught.jobs.job import DEFAULT_TASKS, SPROUT, Job
from selftaught.parts import BadInput, refuse_keys
from selftaught.types import content_hash

# How prompts are rendered and answers read.
SHARED = ("model", "tasks", "held_out", "adapter", "temperature", "max_tokens", "held_out_count", "evaluation_seed")
ASKING = ("template", "system", "answer", "stop", "chat_template_kwargs")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What all runs of a comparison share.

    Attributes:
        model, tasks, held_out, adapter, temperature, max_tokens, held_out_count, evaluation_seed, template, system, answer, stop,
            chat_template_kwargs: as in `jobs.job.Job`.
        budget: what a run that trains may spend, in tokens or FLOPs.
        equal: whether budgets are tokens or flops.
        options: recipe options by dotted name, for every recipe that has them.
    """

    model: str = ""
    tasks: tuple[str, ...] = ()
    held_out: tuple[str, ...] = ()
    adapter: str = ""
    temperature: float | None = None
    max_tokens: int = 0
    held_out_count: int = 100
    evaluation_seed: int = 1
    template: str = "auto"
    system: str = ""
    answer: str = "auto"
    stop: tuple[str, ...] = ()
    chat_template_kwargs: str = ""
    budget: float = 300_000
    equal: str = "tokens"
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        refuse_keys(vars(self))
        if not 0 < self.budget < math.inf:
            raise BadInput(f"compare: budget={self.budget} must be above 0: give --budget 300000")
        # what no run would take is refused here
        _ = self.job
        if "steps" in self.options:
            raise BadInput("compare: every run goes on until its budget is spent: leave out --steps, give --budget")

    @property
    def job(self) -> Job:
        """What each of its runs is asked to do, but for its recipe and seed."""
        return Job(**{name: getattr(self, name) for name in (*SHARED, *ASKING)})


@lru_cache
def model_mark(model: str) -> str:
    """Content hash of a model folder's weights; the name of any other model."""
    folder, found = Path(model) if model else SPROUT, hashlib.blake2b(digest_size=8)
    files = sorted(folder.glob("*.safetensors")) if folder.is_dir() else []
    for path in files:
        with path.open("rb") as file:
            while piece := file.read(1 << 20):
                found.update(piece)
    return found.hexdigest() if files else model


def ask(text: str, seed: int, out: Path, settings: Settings, marked: bool = False, gate: bool = True, until_spent: bool = True) -> Wanted:
    """One run of a comparison.

    Args:
        text: a recipe, as people write it.
        seed: of the training run.
        out: folder of the runs.
        settings: what all of them share.
        marked: name its folder after what decides its result, so that equal runs are one.
        gate: whether its verdict is drawn, or it is measured otherwise.
        until_spent: whether the budget ends it, or its recipe's own steps do.
    """
    recipe, job, _, declared = open_recipe(text, settings.options, until_spent)
    # What is left at its default names no folder, so that folders of earlier runs are found.
    given = {name for name in ASKING if getattr(settings, name) != getattr(Job(), name)}
    plain = {name: value for name, value in asdict(replace(settings, options={})).items() if name not in ASKING or name in given}
    others = [] if gate and until_spent else [gate, until_spent]
    mark = content_hash(declared, plain, model_mark(settings.model), seed, *others)
    folder = out / f"{slug(text)}-{seed}{'-' + mark[:8] if marked else ''}"
    words: list[str] = ["selftaught", "improve", job.recipe, "--seed", str(seed), "--out", str(folder)]
    for name in (*SHARED, *ASKING):
        value = getattr(settings, name)
        if value != getattr(Job(), name):
            words += [f"--{name.replace('_', '-')}", *(value if isinstance(value, tuple) else [str(value)])]
    if recipe.lasting and until_spent:
        words += ["--budget", f"{settings.budget:.0f}" + ("flops" if settings.equal == "flops" else "")]
    words += ["--without", job.without] if job.without else []
    # Alarms are recorded and do not end a run, so that budgets stay equal; the forecast is a run's, not a comparison's;
    # pass@16 of the result is drawn, so that rows can be pooled.
    words += ["--no-forecast", "--no-alarms", *(("--gate", "full") if gate else ("--no-gate",))]
    words += [word for key, value in job.options.items() for word in (f"--{key}", str(value))]
    again = ("selftaught", "improve", "--resume", "--out", str(folder))
    return Wanted(recipe=text, seed=seed, folder=folder, words=tuple(words), again=again, mark=mark)


def ask_all(text: str, seeds: Sequence[int], out: Path, settings: Settings, **how: bool) -> list[Wanted]:
    """One run a seed (see `ask`); what changes nothing is the same for every seed, and runs once."""
    lasting = open_recipe(text, settings.options).recipe.lasting
    return [ask(text, seed if lasting else seeds[0], out, settings, **how) for seed in seeds]


def in_turn(rows: Iterable[Sequence[Wanted]]) -> list[Wanted]:
    """Every run once, seed by seed, so that a sweep that is stopped has something of every row."""
    return list({run.folder: run for runs in zip(*rows, strict=True) for run in runs}.values())


def check_shared(settings: Settings) -> None:
    """Raises BadInput where the model or the tasks of a comparison cannot be opened, before any of its runs begins."""
    job = settings.job
    find_checkpoint(job.model, "start")
    open_bench(job.tasks, job.settings, held_out=job.held_out, count=job.count, seed=job.evaluation_seed, ungraded=True, format=job.format)


def slug(text: str) -> str:
    """A recipe's name as a folder's."""
    return re.sub(r"[^\w.-]+", "-", text)


def compare(
    recipes: Sequence[str], settings: Settings, seeds: Sequence[int], out: Path, *, jobs: int = 1, say: Say = lambda line: None
) -> dict[str, Any]:
    """Run every recipe on every seed, and put them into one table.

    Args:
        recipes: `name`, `name/preset` or `name without PILLAR`; the first is the one people ask about.
        settings: what all runs share.
        seeds: of the training runs, the same for every recipe, so that rows are paired.
        out: folder of the runs; finished ones are not repeated, started ones go on.
        jobs: runs at once.
        say: called with a line when a run ends.

    Returns:
        The table: `rows`, and what they share. Rows that no interval separates share a letter.

    Raises:
        BadInput: in one line what is wrong, where, and what to do.
    """
    recipes, seeds = list(dict.fromkeys(recipes)), list(dict.fromkeys(seeds))
    # Named, so that a recipe with tasks of its own is measured on the same ones as the others.
    settings = replace(settings, tasks=settings.tasks or DEFAULT_TASKS)
    taken: set[str] = set()
    trains = set()
    for text in recipes:
        recipe, _, mine, _ = open_recipe(text, settings.options)
        taken |= mine
        trains |= {text} if recipe.lasting else set()
        if recipe.model or any(source.startswith("game:") for source in recipe.tasks):
            raise BadInput(f"compare: '{text}' is not measured by questions with answers: give --claims {text.partition('/')[0]}")
    if unknown := set(settings.options) - taken:
        raise BadInput(f"compare: no recipe of {', '.join(recipes)} has an option --{min(unknown)}: `selftaught show RECIPE` lists them")
    check_shared(settings)
    rows = {text: ask_all(text, seeds, out, settings) for text in recipes}
    asked = in_turn(rows.values())
    failed = sweep(asked, out, jobs, say)
    whole = {text: runs for text, runs in rows.items() if not any(run.folder in failed for run in runs)}
    table = tabled({text: [run.folder for run in runs] for text, runs in whole.items()}, seeds, trains)
    table["failed"] = [{"recipe": run.recipe, "seed": run.seed, "why": failed[run.folder]} for run in asked if run.folder in failed]
    return table | {
        "tasks": settings.tasks, "model": settings.model or "sprout", "budget": settings.budget,
        "settings": asdict(settings) | {"seeds": seeds},
    }  # fmt: skip
