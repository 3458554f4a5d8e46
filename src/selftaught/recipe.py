"""Recipe: the declaration of a method. Every field is a part, a named state, a module or a number."""

import importlib
import importlib.metadata
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, Self

from selftaught.claim import Ask, Claim, beats, gains_nothing
from selftaught.objectives import Objective
from selftaught.options import leaves_of, names_of, parts_of, set_in
from selftaught.parts import BadInput, Part, convert, nearest, record
from selftaught.phase import Phase
from selftaught.schedule import in_all
from selftaught.stages import Decide, Stage, State
from selftaught.types import content_hash

__all__ = [
    "Ask",
    "Claim",
    "Objective",
    "Phase",
    "Pillar",
    "Recipe",
    "all_recipes",
    "beats",
    "engine_of",
    "gains_nothing",
    "get_recipe",
    "recipe_names",
]

Pillar = Literal["explore", "supervise", "reflect", "train"]
Changes = Literal["weights", "adapter", "prefix", "prompt", "memory", "program", "nothing"]
# Changes that a plain sample of the weights does not show.
REMEMBERED: tuple[Changes, ...] = ("prefix", "prompt", "memory", "program")
# Beyond this a number is a slip of the hand.
MOST_STEPS = 10**7


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One method: its phases, what it keeps, and what it claims.

    Attributes:
        name: id in the catalog.
        phases: run one after the other; one pass over them is a round.
        rounds: how many passes.
        paper: where it was published.
        pillars: which of explore, supervise, reflect and train it is about.
        signal: where its training signal comes from (self, peer, rule, gold ...), for people.
        changes: what a generation changes.
        decide: ends the method at test time: which attempt is the reply.
        state: named state, saved with every generation.
        weights: weights of a shape of their own by name (`train.prefix.Prefix`), beside the model's.
        modules: by name, what lies beside the model (widths of heads, Module parts) and sizes of a network's own parts.
        model: `network:NAME` when it is no language model that it needs.
        models: other models by the name their weights have ("teacher", "judge"): a folder, hub id or name, "" the policy's own
            once more. One whose weights an objective or update changes is trained; the others are frozen (see `models.cast`).
        tasks: task sources used when the user gives none.
        fixed: last names of the options that make it what it is (a control's rate of 0), which nobody's settings change.
        presets: name -> options that turn this recipe into a near-twin.
        claim: what must come true.
        tiny: options under which tests run it on the scripted model.
    """

    name: str
    phases: tuple[Phase, ...]
    rounds: int = 1
    paper: str = ""
    pillars: tuple[Pillar, ...] = ()
    signal: str = "self"
    changes: Changes = "weights"
    decide: Decide | None = None
    state: Mapping[str, State] = field(default_factory=dict)
    weights: Mapping[str, Part] = field(default_factory=dict)
    modules: Mapping[str, Any] = field(default_factory=dict)
    model: str = ""
    models: Mapping[str, str] = field(default_factory=dict)
    tasks: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    claim: Claim = field(default_factory=Claim)
    tiny: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.rounds < 1 or not 1 <= self.steps <= MOST_STEPS:
            raise BadInput(
                f"rounds={self.rounds} with {self.steps:,} steps in all: give at least 1 of each and at most {MOST_STEPS:,} steps"
            )
        if self.remembers and (self.decide is None or not (self.state or self.trains)):
            raise BadInput(f"{self.name}: what changes is its {self.changes}, so give decide=, and state= or weights that hold it")
        for name in (*self.models, *self.weights):
            taken = (*self.modules, *(self.models if name in self.weights else ()), "policy", "start", "value")
            if name in taken or not name.isidentifier():
                raise BadInput(f"{self.name}: no model or weights can be called '{name}': give another name in models= or weights=")
        for phase in self.phases:
            for part in parts_of(phase):
                if (name := getattr(part, "state", "")) and name not in self.state:
                    raise BadInput(f"{self.name}: part '{part.name}' keeps state '{name}', which is not declared: add it to state=")

    @property
    def trains(self) -> bool:
        """Whether any phase has an objective."""
        return any(phase.objectives for phase in self.phases)

    @property
    def remembers(self) -> bool:
        """Whether what it remembers is what changes, and its gain that of its method with what it had at the start."""
        return self.changes in REMEMBERED

    @property
    def lasting(self) -> bool:
        """Whether a run of it leaves something changed: weights, or what it remembers."""
        return self.trains or self.remembers

    @property
    def by_method(self) -> bool:
        """Whether its start, too, answers by its method: it remembers, or its last phase gives the model what it has nowhere else."""
        return self.remembers or (self.decide is not None and self.phases[-1].explore.equips)

    def initial(self) -> dict[str, Any]:
        """What it remembers before the first step."""
        return {name: part.initial() for name, part in self.state.items()}

    @property
    def reads_gold(self) -> bool:
        """Whether a part of it scores by answers, or shows them."""
        return any("gold" in part.signal for phase in self.phases for part in parts_of(phase) if isinstance(part, Stage))

    @property
    def learns(self) -> tuple[str, ...]:
        """Names of the weights its objectives and updates change, each once."""
        changed = [name for phase in self.phases for objective in phase.objectives for name in objective.updates]
        return tuple(dict.fromkeys([*changed, *(into for phase in self.phases for update in phase.updates for _, into in update.folds)]))

    def owner(self, weights: str) -> str:
        """The name in `models` of whoever has these weights, "" for the policy's model."""
        name = weights.partition(".")[0]
        return name if name in self.models else ""

    def schedule(self) -> Iterator[tuple[Phase, bool, bool]]:
        """Every step of the run: its phase, whether it is the phase's first, whether it ends a generation."""
        for _ in range(self.rounds):
            for phase in self.phases:
                for i in range(phase.steps):
                    yield phase, i == 0, (i + 1) % phase.every == 0 or i + 1 == phase.steps

    def digest(self) -> str:
        """Content hash of the whole declaration."""
        return content_hash(record(self))

    def with_options(self, options: Mapping[str, Any]) -> Self:
        """This recipe with options changed by dotted names; raises BadInput naming the nearest known one.

        `plan.n`: a field of a part in every phase that has it; `explore`: another part by name
        (`sample`, `sample:n=4`); `read.vote.min_share` and `0.steps` pick by part name or index;
        `loss.` and `optimizer.` reach through objectives; `steps` is the number of steps in all (see `schedule.in_all`).
        """
        recipe = self
        if "steps" in options:
            others = {key: value for key, value in options.items() if key != "steps"}
            steps = convert(options["steps"], int, "--steps")
            recipe = self.with_options(others)
            phases, rounds = in_all(recipe.phases, recipe.rounds, steps, fixed="rounds" in others)
            return replace(recipe, phases=phases, rounds=rounds)
        for key, value in options.items():
            if self.fixes(key):
                raise BadInput(f"'{self.name}' is what its {key} makes it: leave --{key} out, or take another recipe")
            path = key.replace("-", "_").split(".")
            changed, done = set_in(recipe, path, value, key) if path[0] in names_of(recipe) else (recipe, False)
            if not done:
                changed, done = set_in(recipe, ["phases", *path], value, key)
            if not done:
                raise BadInput(f"unknown option --{key} of recipe '{self.name}': {nearest(key, self.options())}")
            recipe = changed
        return recipe

    def fixes(self, option: str) -> bool:
        """Whether an option is one of those that make it what it is."""
        return option.rpartition(".")[2] in self.fixed

    def options(self) -> dict[str, Any]:
        """Dotted name -> value of every number, text and switch of its parts that can be given."""
        return {leaf.key: leaf.value for leaf in leaves_of(self) if not self.fixes(leaf.key)}

    @property
    def steps(self) -> int:
        """Steps in all, over all phases and rounds; phases keep their proportion."""
        return self.rounds * sum(phase.steps for phase in self.phases)


@cache
def recipe_names() -> Mapping[str, str]:
    """Name -> module of every recipe, found once by walking the package and the entry points; imports none of them."""
    found = {}
    package = importlib.import_module("selftaught.recipes")
    for info in pkgutil.walk_packages(package.__path__, "selftaught.recipes."):
        if not info.ispkg:
            found[info.name.rpartition(".")[2].replace("_", "-")] = info.name
    for entry in importlib.metadata.entry_points(group="selftaught.recipes"):
        found[entry.name] = entry.value
    return MappingProxyType(dict(sorted(found.items())))


def engine_of(name: str) -> str:
    """The folder a recipe stands in: methods of one kind, among which claims are corrected."""
    return recipe_names()[name.partition("/")[0]].rpartition(".")[0].rpartition(".")[2]


def get_recipe(name: str) -> Recipe:
    """A recipe by its name, or `recipe/preset`; raises BadInput naming the nearest."""
    base, slash, preset = name.partition("/")
    known = recipe_names()
    if base not in known:
        raise BadInput(f"unknown recipe '{base}': {nearest(base, known)}")
    recipe: Recipe = importlib.import_module(known[base]).recipe
    if not slash:
        return recipe
    if preset not in recipe.presets:
        raise BadInput(f"recipe '{base}' has no preset '{preset}': {nearest(preset, recipe.presets)}")
    return replace(recipe.with_options(recipe.presets[preset]), name=name)


def all_recipes() -> dict[str, Recipe]:
    """Every recipe by name."""
    return {name: get_recipe(name) for name in recipe_names()}
