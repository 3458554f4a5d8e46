"""What `selftaught gate` is given on the command line as a model that can be opened: a name, a folder, a run."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self

from selftaught.jobs.job import DEFAULT_TASKS, Job
from selftaught.jobs.models import open_model
from selftaught.jobs.started import load_job
from selftaught.models.loading.gguf import PACKAGED, gguf_file
from selftaught.models.loading.places import CONFIGS, find_place
from selftaught.parts import BadInput
from selftaught.protocols import Model
from selftaught.prove.plan import WHOLE, Plan
from selftaught.prove.proof import Remembered
from selftaught.recipes import ASKING
from selftaught.run.files import read_json
from selftaught.run.generations import pointers
from selftaught.run.hashes import check_whole, load_whole

Which = Literal["start", "best"]
SHIPPED = ("", "sprout")
SHORT = 64
LONG = 512


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """One model, not yet opened.

    Attributes:
        name: as people wrote it, and which generation of a run it is.
        job: how it is opened.
        generation: folder of the saved generation to load, None for the model as it is.
        run: the run folder it came from, None when it came from elsewhere.
    """

    name: str
    job: Job
    generation: Path | None = None
    run: Path | None = None

    @property
    def limit(self) -> int:
        """Most tokens of an attempt: the run's own, else 64 for the models that come with the package and 512 for others."""
        return self.job.limit if self.run else SHORT if self.job.model in ("", "scripted") else LONG

    def sampled_by(self, engine: str) -> Self:
        """The same model, sampled by an engine; raises BadInput where that cannot be."""
        return replace(self, job=replace(self.job, engine=engine))

    async def open(self) -> tuple[Model, Remembered | None]:
        """The model with the generation's weights; and, where its start answers by its method too, the method and what that remembers."""
        recipe = self.job.resolved()
        model = open_model(self.job, recipe)
        if self.generation is None:
            return model, None
        saved = await load_whole(self.generation, model, checked=True)
        return model, (recipe, saved["state"]) if recipe.by_method else None

    def sources(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """(training, held-out) sources of its run; empty when it came from elsewhere."""
        if self.run is None:
            return (), ()
        return self.job.tasks or self.job.resolved().tasks or DEFAULT_TASKS, self.job.held_out

    def plan(self) -> Plan:
        """What its run drew for its verdict; the whole gate when that is not known."""
        path = self.run / "gate.json" if self.run else None
        found: Plan = read_json(path, "delete it to have the whole gate drawn", Plan.of) if path and path.exists() else WHOLE
        return found

    def spent(self) -> int:
        """Tokens its run spent on improving, 0 when that is not known."""
        path = self.run / "result.json" if self.run else None
        if path is None or not path.exists():
            return 0
        tokens: dict[str, Any] = read_json(
            path, "give --spent TOKENS, or go on with the run", lambda value: dict(value.get("tokens") or {})
        )
        return sum(int(tokens.get(kind) or 0) for kind in ("prompted", "sampled", "scored", "trained"))


def find_checkpoint(text: str, which: Which) -> Checkpoint:
    """The checkpoint a word names.

    Args:
        text: "" or "sprout" for the model that ships, "smollm2", a GGUF file, a transformers or PEFT folder, a hub id, a
            run folder of ours, or one of its generations/NNNNN.
        which: what a whole run folder stands for, its "start" or its "best" generation.

    Raises:
        BadInput: in one line, before anything is loaded.
    """
    if text in (*SHIPPED, "scripted"):
        return Checkpoint(name=text or "sprout", job=Job(recipe=ASKING, model="" if text in SHIPPED else text))
    if file := gguf_file(text):
        return Checkpoint(name=text, job=Job(recipe=ASKING, model=text if text in PACKAGED else str(file)))
    folder = Path(text).expanduser()
    if (folder / "run.json").exists():
        return of_run(folder, pointed(folder, which), which)
    if folder.name == "policy" and (folder.parent / "state.json").exists():
        folder = folder.parent
    if (folder / "state.json").exists() and folder.parent.name == "generations":
        return of_run(folder.parent.parent, folder, folder.name)
    if folder.is_dir() and not any((folder / name).is_file() for name in CONFIGS):
        if (folder / "policy").is_dir():
            return find_checkpoint(str(folder / "policy"), which)
        raise BadInput(f"'{text}' is neither a run nor a model: it has no run.json, config.json or adapter_config.json")
    # so that it is known before the other side is measured
    if find_place(text).adapter:
        from selftaught.models.loading.opening import check

        check(text)
    return Checkpoint(name=text, job=Job(recipe=ASKING, model=str(folder) if folder.is_dir() else text))


def of_run(run: Path, generation: Path, what: str) -> Checkpoint:
    """A saved generation of a run."""
    job = load_job(run)
    recipe = job.resolved()
    if recipe.model:
        raise BadInput(f"{run} trained a network, which answers no question: compare runs of language models")
    if not recipe.trains and not recipe.remembers:
        raise BadInput(f"{run} trained nothing: what its method gains at test time is in its own verdict, {run / 'result.json'}")
    check_whole(generation)
    return Checkpoint(name=f"{run} ({what})", job=job, generation=generation, run=run)


def pointed(run: Path, which: Which) -> Path:
    """Folder of a run's start or best generation."""
    path = run / "latest.json"
    if not path.exists():
        raise BadInput(f"{run} has no saved generation yet: let it finish a first one")
    found: dict[str, str] = read_json(path, f"name a generation instead, as {run}/generations/00000", pointers)
    return run / "generations" / found[which]
