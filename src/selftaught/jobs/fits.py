"""Does a recipe fit these tasks and this model? Told from declarations, before anything is loaded or spent."""

import random
from collections.abc import Collection, Mapping, Sequence

from selftaught.decoding import Decoder
from selftaught.models.capabilities import ABILITIES
from selftaught.models.outputs import capability
from selftaught.options import parts_of
from selftaught.parts import BadInput
from selftaught.recipe import Phase, Recipe
from selftaught.stages import Tool
from selftaught.tasks.pool import TaskPool
from selftaught.types import Task

LOOKED_AT = 32


def some_of(pool: TaskPool) -> dict[str, list[Task]]:
    """A few training tasks of each source; the pool does not notice."""
    return {source: pool.peek(random.Random(source), LOOKED_AT, source) for source in pool.sources}


def form_of(task: Task) -> str:
    """What a task is made of: words, a game, or what its payload says (rows of a table, a graph)."""
    if task.payload is not None:
        return str(task.payload.form)
    return "games" if isinstance(task.start, Mapping) and "world" in task.start else "words"


def fit_tasks(recipe: Recipe, pool: TaskPool) -> list[str]:
    """Refuse a recipe that can do nothing with these tasks; returns one line for each source that it cannot score.

    Raises:
        BadInput: tasks of another form than its explore parts take, or no task that any reader of a phase can score.
    """
    found = some_of(pool)
    lines: dict[str, None] = {}
    for phase in recipe.phases:
        for source, tasks in found.items():
            if tasks and all(form_of(task) != phase.explore.takes for task in tasks):
                raise BadInput(f"{recipe.name} takes {phase.explore.takes}, and {source} gives {form_of(tasks[0])}: give other --tasks")
        blind = unscored(recipe, phase, found)
        if blind and len(blind) == len([source for source, tasks in found.items() if tasks]):
            raise BadInput(
                f"{recipe.name} can score none of these tasks, so nothing would be learned: {readers(phase)} "
                f"{checkers([task for tasks in found.values() for task in tasks])}: "
                "give tasks whose checker decides from the prompt (sudoku:level=8), or --read vote, or --read gold where there are answers"
            )
        lines |= dict.fromkeys(f"{recipe.name} can score no task of {source}: they are attempted and teach nothing" for source in blind)
    return list(lines)


def unscored(recipe: Recipe, phase: Phase, found: Mapping[str, Sequence[Task]]) -> list[str]:
    """Sources none of whose tasks any reader of the phase can score; none where explore or credit needs no reader."""
    scoring = [part for part in phase.read if part.signal]
    if phase.explore.signal or not scoring or (recipe.trains and not phase.objectives):
        return []
    return [source for source, tasks in found.items() if tasks and not any(part.scores(task) for part in scoring for task in tasks)]


def readers(phase: Phase) -> str:
    """`rule asks` or `rule, winner ask`."""
    names = [part.name for part in phase.read if part.signal]
    return f"{', '.join(names)} {'needs' if len(names) == 1 else 'need'}"


def checkers(tasks: Sequence[Task]) -> str:
    """What the tasks lack."""
    kinds = {task.checker for task in tasks}
    return "a checker that reads no answer, and theirs does" if kinds - {""} else "a checker or an answer, and they have neither"


def fit_network(recipe: Recipe) -> None:
    """Refuse a recipe that asks for a network which is not there, or for what it does not take; nothing is opened.

    Raises:
        BadInput: an unknown network or size, or explore parts that take something else.
    """
    if not recipe.model:
        return
    from selftaught.models.modules.network import find_network, own_sizes

    network = find_network(recipe.model)
    own_sizes(network, recipe.modules)
    for phase in recipe.phases:
        if phase.explore.takes != network.takes:
            given = f"explore '{phase.explore.name}' {phase.explore.takes}"
            raise BadInput(f"{recipe.model} takes {network.takes}, and {given}: change one of them")


def fit_machine(recipe: Recipe) -> None:
    """Refuse a recipe whose tools cannot work here; raises BadInput as they do (`stages.Tool.ready`)."""
    for part in parts_of(recipe.phases):
        if isinstance(part, Tool):
            part.ready()


def fit_model(recipe: Recipe, known: Mapping[str, Collection[str]], adapter: str = "") -> None:
    """Refuse a recipe whose parts, objectives or averages these models cannot serve.

    Args:
        recipe: what is to be run.
        known: what each model can be asked for, by its name in the cast, "" the policy's (see `jobs.models.capabilities_of`).
        adapter: what is trained of the policy's model.

    Raises:
        BadInput: outputs or logits that a part or loss asks for and a model does not give, or weights that cannot be learned
            or averaged.
    """
    own = known[""]
    for name, part in recipe.weights.items():
        if part.name not in own:
            raise BadInput(f"{recipe.name} keeps weights '{name}' as a {part.name}, which this model has not: give another --model")
    for phase in recipe.phases:
        for part in parts_of((phase, recipe.decide)):
            if isinstance(part, Decoder) and "decoder" not in own:
                raise BadInput(f"decoder '{part.name}' needs logits to draw from, and what samples this model gives none: leave it out")
            refuse_outputs(f"{part.kind} '{part.name}'", part.asks, own, recipe, "part")
        for objective in phase.objectives:
            learner = known[recipe.owner(objective.updates[0])]
            if "learn" not in learner:
                raise BadInput(f"{recipe.name} trains, and this model cannot learn: give another --model, or a recipe that trains nothing")
            needs = (*objective.loss.needs, *objective.loss.modules)
            refuse_outputs(f"loss '{objective.loss.name}'", needs, learner, recipe, "--loss")
            refuse_updates(objective.updates, learner, recipe)
        for source, into in (pair for update in phase.updates for pair in update.folds):
            if adapter and source == "start":
                raise BadInput("weights 'start' of a LoRA model have no adapter to copy or average: take 'policy', or leave out --adapter")
            if recipe.owner(source) != recipe.owner(into):
                raise BadInput(f"'{source}' and '{into}' are weights of two models: average those of one")


def refuse_outputs(who: str, asked: Sequence[str], known: Collection[str], recipe: Recipe, what: str) -> None:
    """Outputs that somebody asks for and a model does not give."""
    given = {*known, *beside(recipe, known)}
    if missing := [name for name in asked if capability(name) not in given]:
        gives = ", ".join(sorted(given - ABILITIES))
        raise BadInput(
            f"{who} needs {' and '.join(missing)}, which this model does not give (it gives {gives}): choose another {what} or --model"
        )


def beside(recipe: Recipe, known: Collection[str]) -> Collection[str]:
    """Names of the modules beside a model. Sizes of a network's own parts are none; which are is among what it can do."""
    return known if recipe.model else recipe.modules


def refuse_updates(updates: Sequence[str], known: Collection[str], recipe: Recipe) -> None:
    """An objective's `updates` that no learner would take."""
    inner = {name: name.removeprefix(recipe.owner(name)).removeprefix(".") for name in updates}
    own = [name for name, called in inner.items() if called not in beside(recipe, known) and called != "value"]
    if "start" in inner.values():
        raise BadInput("weights 'start' are frozen: name others in updates")
    if len({recipe.owner(name) for name in updates}) > 1:
        raise BadInput(f"an objective updates weights of two models, {', '.join(updates)}: split it")
    if len(own) > 1:
        raise BadInput(f"an objective updates one set of weights, not {', '.join(own)}: split it")
