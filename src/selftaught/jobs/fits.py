"""Does a recipe fit these tasks and this model? Told from declarations, before anything is loaded or spent."""

import random
from collections.abc import Mapping, Sequence

from selftaught.parts import BadInput
from selftaught.protocols import Model
from selftaught.recipe import Phase, Recipe
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
    return "games" if isinstance(task.start, Mapping) and "environment" in task.start else "words"


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
    """Refuse a recipe that asks for a network which is not there, or for what it does not take or give; nothing is opened.

    Raises:
        BadInput: an unknown network or size, explore parts that take something else, or outputs it does not give.
    """
    if not recipe.model:
        return
    from selftaught.models.modules.model import capabilities_of
    from selftaught.models.modules.network import find_network, heads_of, own_sizes

    network = find_network(recipe.model)
    own_sizes(network, recipe.modules)
    for phase in recipe.phases:
        if phase.explore.takes != network.takes:
            given = f"explore '{phase.explore.name}' {phase.explore.takes}"
            raise BadInput(f"{recipe.model} takes {network.takes}, and {given}: change one of them")
    fit_outputs(recipe, capabilities_of(network), tuple(heads_of(network, recipe.modules)))


def fit_model(recipe: Recipe, model: Model, adapter: str = "") -> None:
    """Refuse a recipe whose objectives or averages this model cannot serve.

    Raises:
        BadInput: a loss that needs outputs the model does not give, or weights that cannot be learned or averaged.
    """
    fit_outputs(recipe, model.capabilities, tuple(recipe.modules))
    for phase in recipe.phases:
        for update in phase.updates:
            if adapter and update.source == "start":
                raise BadInput("weights 'start' of a LoRA model have no adapter to copy or average: take 'policy', or leave out --adapter")


def fit_outputs(recipe: Recipe, capabilities: frozenset[str], modules: Sequence[str]) -> None:
    """Refuse objectives that need outputs or modules which neither a model of such capabilities nor the modules beside it give."""
    known = capabilities | set(modules)
    for objective in (objective for phase in recipe.phases for objective in phase.objectives):
        loss = objective.loss
        if "learn" not in known:
            raise BadInput(f"{recipe.name} trains, and this model cannot learn: give another --model, or a recipe that trains nothing")
        if missing := [need for need in (*loss.needs, *loss.modules) if need not in known]:
            given = sorted(known - {"learn", "weights", "text", *(phase.explore.takes for phase in recipe.phases)})
            raise BadInput(
                f"loss '{loss.name}' needs {' and '.join(missing)}, which this model does not give (it gives {', '.join(given)}): "
                "choose another --loss or --model"
            )
        refuse_updates(objective.updates, modules)


def refuse_updates(updates: Sequence[str], modules: Sequence[str]) -> None:
    """An objective's `updates` that no learner would take."""
    own = [name for name in updates if name not in modules and name != "value"]
    if "start" in own:
        raise BadInput("weights 'start' are frozen: name others in updates")
    if len(own) > 1:
        raise BadInput(f"an objective updates one set of weights, not {', '.join(own)}: split it")
