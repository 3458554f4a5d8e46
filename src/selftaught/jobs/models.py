"""The models a job and its recipe name, opened: one, or a cast under the names of their weights."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from selftaught.format import Format
from selftaught.jobs.job import SPROUT, Job
from selftaught.models import capabilities
from selftaught.models.engines import open_language_model, parse_engine
from selftaught.models.loading.gguf import gguf_file
from selftaught.models.loading.places import find_place
from selftaught.parts import BadInput, uncollected
from selftaught.protocols import Model
from selftaught.recipe import Recipe
from selftaught.tasks.source import parse_source

# Members that need no place.
KNOWN = ("", "sprout", "scripted")


def capabilities_of(job: Job, recipe: Recipe) -> dict[str, frozenset[str]]:
    """What the models can be asked for, by their names in the cast, "" the policy's; nothing is loaded."""
    language = capabilities.LANGUAGE | capabilities.SAMPLERS["local"]
    lead = capabilities.SCRIPTED if job.model == "scripted" else network_capabilities(recipe) if recipe.model else language
    if lead is language:
        lead = capabilities.LANGUAGE | capabilities.SAMPLERS[parse_engine(job.engine)[0]]
    others = {name: capabilities.SCRIPTED if (text or job.model) == "scripted" else language for name, text in recipe.models.items()}
    return {"": lead, **others}


def network_capabilities(recipe: Recipe) -> frozenset[str]:
    """Those of the network a recipe names, and the modules beside it."""
    from selftaught.models.modules.model import capabilities_of as of_network
    from selftaught.models.modules.network import find_network, heads_of

    network = find_network(recipe.model)
    return of_network(network) | set(heads_of(network, recipe.modules))


def open_model(job: Job, recipe: Recipe) -> Model:
    """The model a job names, with those its recipe names beside it; BadInput with one line when one cannot be opened."""
    if not recipe.models:
        return open_lead(job, recipe)
    from selftaught.models.cast import Cast

    for name, text in recipe.models.items():
        look_for(name, text)
    lead = open_lead(job, recipe)
    trained = {owner for name in recipe.learns if (owner := recipe.owner(name))}
    others = {}
    for name, text in recipe.models.items():
        try:
            others[name] = open_member(job, text, trained=name in trained)
        except BadInput as error:
            raise BadInput(f"--models.{name}: {error}") from None
    return Cast(lead, others, trained)


def look_for(name: str, text: str) -> None:
    """Raises BadInput for a member that is not there, before anything is opened."""
    try:
        if text not in KNOWN and not gguf_file(text):
            find_place(text)
    except BadInput as error:
        raise BadInput(f"--models.{name}: {error}") from None


def open_lead(job: Job, recipe: Recipe) -> Model:
    """The model whose policy a run is about."""
    if job.model == "scripted":
        from selftaught.models.scripted import ScriptedModel

        return ScriptedModel()
    if recipe.model:
        if job.engine != "local":
            raise BadInput(f"engine '{job.engine}' samples language models, and {recipe.name} trains a network: leave out --engine")
        from selftaught.models.modules.model import ModuleModel

        [task] = parse_source((job.tasks or recipe.tasks)[0]).draw("width", 1, "train")
        return ModuleModel.open(recipe.model, task.payload, recipe.modules, job.seed)
    with uncollected():
        weights = {name: begun(name, part, job.tasks or recipe.tasks) for name, part in recipe.weights.items()}
        return open_language_model(job.engine, str(job.model or SPROUT), job.format, job.seed, job.adapter, recipe.modules, weights)


def begun(name: str, part: Any, tasks: Sequence[str]) -> Any:
    """A prefix that begins as the documents of task sources, with their text in it; any other part as it is."""
    if (source := getattr(part, "source", None)) is None:
        return part
    chosen = tasks if source < 0 else tasks[source : source + 1]
    text = "\n\n".join(document for one in chosen for document in parse_source(one).documents())
    if not text:
        raise BadInput(
            f"prefix '{name}' begins as documents, and {', '.join(chosen) or 'what was given'} has none: give --tasks docs:FOLDER"
        )
    return replace(part, corpus="", text=text)


def open_member(job: Job, text: str, trained: bool) -> Model:
    """One of a cast: "scripted", "sprout", a folder or hub id; "" is the job's own model once more.

    It is asked by its own chat template or none; system turn and the reading of answers are the job's. Sampled in this
    process, trained as the leader is.
    """
    text = text or job.model or "sprout"
    if text == "scripted":
        from selftaught.models.scripted import ScriptedModel

        return ScriptedModel()
    with uncollected():
        where, asked = SPROUT if text == "sprout" else text, Format(system=job.system, answer=job.format.answer)
        return open_language_model("local", str(where), asked, job.seed, job.adapter if trained else "", {})
