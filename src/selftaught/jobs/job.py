"""Job: what a user asked for, as it is written into a run folder and read back."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from selftaught.ablate import without
from selftaught.format import Format
from selftaught.models.engines import parse_engine
from selftaught.options import texts
from selftaught.parts import BadInput, refuse_keys
from selftaught.prove.plan import SHARE
from selftaught.recipe import Recipe, get_recipe
from selftaught.run.budget import Budget
from selftaught.types import SamplerSettings

SPROUT = Path(__file__).parents[1] / "models" / "sprout" / "weights"
# Seeds lie below it: what libraries take.
LARGE = 2**32
DEFAULT_TASKS = ("linear:level=6", "sort:level=6", "sudoku:level=8")
ADAPTERS = ("", "lora", "none")
DEFAULT_OFF_TASK = ("sums:level=4", "chain:level=4", "subset:level=4")


@dataclass(frozen=True, kw_only=True)
class Job:
    """What `improve` was asked to do; written into the run folder and read back by `--resume`.

    Attributes:
        recipe: name of a recipe, or `name/preset`.
        model: folder or hub id; "" is sprout, which ships.
        tasks: task sources; empty takes the recipe's, then the default ones.
        held_out: where held-out tasks come from; empty takes the training sources.
        budget: most to spend on improving: tokens, or text such as "1M", "90s", "5000calls", "1M,10m".
        steps: steps in all, when not the recipe's (see `schedule.in_all`).
        seed: seed of the training run.
        evaluation_seed: seed of held-out tasks and their noise.
        adapter: "lora" trains an adapter, "none" the weights; "" what suits a model known by name (`known.KNOWN`), else the weights.
        engine: what samples a language model: "local", or "vllm" with options as in "vllm:gpu_memory_utilization=0.5".
        max_tokens: length limit of an attempt; 0 takes 64 for sprout and 512 for other models.
        temperature: the stated sampler's; None takes what suits the model, 1 where that is not known.
        template, system, answer, chat_template_kwargs: how prompts are rendered and answers read; see `format.Format`.
        stop: an attempt ends after a token whose text contains one of these.
        held_out_count: how many held-out tasks decide, with 16 and 4 attempts each; None takes 200, or what `gate_share` allows.
        gate_share: most that the verdict may cost, as a share of what the run costs; None takes a quarter for models that do not
            come with the package, and the whole gate for those that do. At least 60 tasks decide.
        options: recipe options by dotted name.
        without: a pillar to replace by its plain form.
        gate: False skips the held-out test, "full" draws as many attempts of the result as of the start.
        off_task: task sources that are not trained on and must not get worse; empty takes the default ones with the
            default tasks, none with others.
        audit: how many audit tasks watch the pseudo-labels with their answers; 0 reads none.
        forecast: says before anything is spent whether this can help.
        anyway: run even when no help is expected and finding out is not cheap.
        unsafe_checkers: run answers as code also where nothing can hold them (see `docs/threat-model.md`).
        monitors: the first alarm stops the run and hands back the best generation; False only records alarms.
    """

    recipe: str = "selftaught"
    model: str = ""
    tasks: tuple[str, ...] = ()
    held_out: tuple[str, ...] = ()
    budget: int | str | None = None
    steps: int | None = None
    seed: int = 0
    evaluation_seed: int = 1
    adapter: str = ""
    engine: str = "local"
    max_tokens: int = 0
    temperature: float | None = None
    template: str = "auto"
    system: str = ""
    answer: str = "auto"
    chat_template_kwargs: str = ""
    stop: tuple[str, ...] = ()
    held_out_count: int | None = None
    gate_share: float | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    without: str = ""
    gate: bool | Literal["full"] = True
    off_task: tuple[str, ...] = ()
    audit: int = 0
    forecast: bool = True
    anyway: bool = False
    unsafe_checkers: bool = False
    monitors: bool = True

    def __post_init__(self) -> None:
        # From Python a path is as good as text, and one source as good as a list of one.
        object.__setattr__(self, "model", str(self.model))
        for name in ("tasks", "held_out", "off_task", "stop"):
            object.__setattr__(self, name, texts(getattr(self, name), name))
        refuse_keys(vars(self))
        Budget.parse(self.budget)
        count, share = self.held_out_count, self.gate_share
        alone = count is None and self.gate is True
        for wrong, why in (
            (not 0 <= self.seed < LARGE, f"seed={self.seed}: give a number from 0 to {LARGE - 1}"),
            (not 0 <= self.evaluation_seed < LARGE, f"evaluation_seed={self.evaluation_seed}: give a number from 0 to {LARGE - 1}"),
            (not 0 <= self.heat < math.inf, f"temperature={self.temperature}: give a number from 0, say 0.7"),
            (min(self.max_tokens, self.audit) < 0, f"max_tokens={self.max_tokens}, audit={self.audit}: give numbers from 0"),
            (count is not None and count < 1, f"held-out-count={count}: give a number of tasks, or --no-gate to run without a verdict"),
            (
                share is not None and not (0 < share < math.inf and alone),
                f"gate-share={share}: give a share above 0, and neither --held-out-count nor --gate full beside it",
            ),
            (self.adapter not in ADAPTERS, f"adapter '{self.adapter}' is unknown: give lora or none, or leave it out"),
            ("" in self.stop, "stop='': every attempt would end with its first token: give the text that ends one"),
            (self.off_task and not self.gate, "off-task tasks are measured by the gate, which --no-gate leaves out: leave out one of them"),
            (
                parse_engine(self.engine)[0] != "local" and self.model == "scripted",
                f"engine '{self.engine}' samples language models, and --model scripted is none: leave out --engine",
            ),
        ):
            if wrong:
                raise BadInput(why)
        # a bad template or reading is refused here
        _ = self.format

    @property
    def format(self) -> Format:
        """How prompts are rendered and answers read; the models that come with the package mark their answers."""
        marks = self.answer == "auto" and self.model in ("", "scripted")
        return Format(
            template=self.template, system=self.system, chat_template_kwargs=self.chat_template_kwargs,
            answer="marked" if marks else self.answer,
        )  # fmt: skip

    @property
    def count(self) -> int:
        """Held-out tasks that are set aside."""
        return 200 if self.held_out_count is None else self.held_out_count

    def share(self, recipe: Recipe) -> float | None:
        """The share of its cost that the verdict may take; None for the whole gate."""
        own = self.held_out_count is not None or self.gate is not True or recipe.model or self.model in ("", "scripted")
        return self.gate_share or (None if own else SHARE)

    @property
    def settings(self) -> SamplerSettings:
        """The stated sampler."""
        return SamplerSettings(temperature=self.heat, max_tokens=self.limit, stop=self.stop)

    @property
    def heat(self) -> float:
        """The stated sampler's temperature."""
        return 1.0 if self.temperature is None else self.temperature

    @property
    def limit(self) -> int:
        """Most tokens of one attempt."""
        return self.max_tokens or (64 if self.model in ("", "scripted") else 512)

    def others(self, recipe: Recipe) -> tuple[str, ...]:
        """Task sources that are not trained on and must not get worse."""
        default = not (self.tasks or self.held_out or recipe.tasks or self.model)
        return self.off_task or (DEFAULT_OFF_TASK if default and self.gate else ())

    def resolved(self) -> Recipe:
        """The recipe with this job's options."""
        recipe = get_recipe(self.recipe)
        options = dict(self.options) | ({"steps": self.steps} if self.steps is not None else {})
        recipe = recipe.with_options(options)
        return without(recipe, self.without) if self.without else recipe
