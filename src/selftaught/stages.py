"""What each stage of a step is asked and gives. A part subclasses one of these and is done.

A step goes: plan -> explore -> read (supervise, reflect) -> select -> credit -> learn -> update -> publish -> grow; a
generation ends with keep. State is read anywhere and written by update and keep alone.
"""

import math
from abc import abstractmethod
from asyncio import gather
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from selftaught.interaction import Reply
from selftaught.objectives import Loss, Module, Objective, Optimizer
from selftaught.parts import BadInput, Part
from selftaught.protocols import Pool, Run, Subject
from selftaught.types import Attempt, Evaluation, Example, Group, Request, Source, Split, Task

__all__ = [
    "Credit", "Decide", "Explore", "Grow", "Keep", "Loss", "Measure", "Module", "Objective", "Optimizer",
    "PerGroup", "Plan", "Reader", "Reflect", "Select", "Stage", "State", "Supervise", "TaskSource", "Tool", "Update",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Stage(Part):
    """A part that does something in a step.

    Attributes:
        signal: sources of what it says of attempts, or shows of answers; a recipe with "gold" in one is not label-free.
    """

    signal: ClassVar[tuple[Source, ...]] = ()


@dataclass(frozen=True, kw_only=True)
class TaskSource(Part):
    """Where tasks come from: a family, a file, a data set, a game, a table.

    Attributes:
        numeric: answers are numbers (the grader self-test then tries an answer that is off by one).
        checker: "rule" decides from the prompt, "gold" and "equal" read the sealed entry, "" cannot grade.

    A source whose grading needs an answer to be run has `program(task, answer)`, see `tasks.checkers`; no `check` runs one itself.
    """

    kind: ClassVar[str] = "tasks"
    numeric: ClassVar[bool] = False
    checker: ClassVar[str] = ""

    @abstractmethod
    def text(self) -> str:
        """The words that name this source on the command line."""

    @abstractmethod
    def draw(self, key: str, count: int, split: Split) -> list[Task]:
        """`count` tasks (fewer when there are no more) that depend on the key alone."""

    @abstractmethod
    def fingerprint(self, task: Task) -> str:
        """Equal for tasks that are the same question, whatever case, spacing, punctuation or wording."""

    def documents(self) -> Sequence[str]:
        """The texts its tasks are about, in order; none for most sources."""
        return ()

    def check(self, task: Task, answer: str, entry: Mapping[str, Any] | None) -> float:
        """Grade a canonical answer in [0, 1]; `entry` is the opened seal for a checker that reads it."""
        raise NotImplementedError(f"{self.name} cannot grade")


@dataclass(frozen=True, kw_only=True)
class Plan(Stage):
    """Which tasks a step attempts, how many times, and how they are sampled.

    Attributes:
        tasks: tasks a step.
        n: attempts a task (G).
        temperature: sampling temperature; None takes the run's stated sampler.
        max_tokens: most tokens of an attempt; 0 takes the run's.
    """

    kind: ClassVar[str] = "plan"
    tasks: int = 16
    n: int = 8
    temperature: float | None = None
    max_tokens: int = 0

    def __post_init__(self) -> None:
        if self.tasks < 1 or self.n < 1 or self.max_tokens < 0:
            raise BadInput(f"plan: tasks={self.tasks} and n={self.n} must be at least 1, max_tokens={self.max_tokens} at least 0")
        if self.temperature is not None and not 0 <= self.temperature < math.inf:
            raise BadInput(f"plan: temperature={self.temperature} must be at least 0, or none for the run's sampler")

    def plan(self, run: Run, pool: Pool) -> list[Request]:
        """The step's requests, one task each."""
        return [self.request(run, task) for task in self.drawn(run, pool)]

    @abstractmethod
    def drawn(self, run: Run, pool: Pool) -> list[Task]:
        """The step's tasks."""

    def request(self, run: Run, task: Task) -> Request:
        """The plan's line for one task."""
        settings = run.settings if self.temperature is None else replace(run.settings, temperature=self.temperature)
        settings = replace(settings, max_tokens=self.max_tokens) if self.max_tokens else settings
        return Request(task=task, n=self.n, settings=settings)


@dataclass(frozen=True, kw_only=True)
class Explore(Stage):
    """Makes the attempts that a plan asks for; `signal` is the source of rewards it gives by itself, or "gold" where it shows answers.

    Attributes:
        takes: what its tasks are made of: "words", "games", or the form of a payload ("rows", "graph").
        equips: it gives the model what the model has nowhere else (tools). Both sides of a run then answer by it, so that
            what was learned is told from what was given.
    """

    kind: ClassVar[str] = "explore"
    takes: ClassVar[str] = "words"
    equips: ClassVar[bool] = False

    @abstractmethod
    async def explore(self, run: Run, request: Request) -> Sequence[Group]:
        """The attempts of one request, in one group or in several (of different roles); without any when the budget is spent."""


@dataclass(frozen=True, kw_only=True)
class Reader(Stage):
    """A supervise or reflect part: reads the step's groups, adds scores (supervise) or attempts (reflect)."""

    @abstractmethod
    async def read(self, run: Run, groups: Sequence[Group]) -> list[Group]:
        """The groups, with what this part has to say."""

    def scores(self, task: Task) -> bool:
        """Whether it can score attempts at this task by itself; one that builds on others' scores cannot."""
        return bool(self.signal)


@dataclass(frozen=True, kw_only=True)
class PerGroup(Reader):
    """A reader that looks at one group at a time, whichever others there are; one that needs them too is a `Reader`.

    The loop lets those that come first in a recipe follow each group's attempts, while others are still made.
    """

    def __init_subclass__(cls, **named: Any) -> None:
        super().__init_subclass__(**named)
        if "read" in vars(cls):
            raise TypeError(f"{cls.__name__} reads one group at a time: give it read_group, or make it a Reader")

    async def read(self, run: Run, groups: Sequence[Group]) -> list[Group]:
        return list(await gather(*(self.read_group(run, group) for group in groups)))

    @abstractmethod
    async def read_group(self, run: Run, group: Group) -> Group:
        """One group, read."""


@dataclass(frozen=True, kw_only=True)
class Supervise(PerGroup):
    """Scores attempts, one group at a time."""

    kind: ClassVar[str] = "supervise"


@dataclass(frozen=True, kw_only=True)
class Reflect(PerGroup):
    """Lets the model read its own attempts, one group at a time."""

    kind: ClassVar[str] = "reflect"


@dataclass(frozen=True, kw_only=True)
class Select(Stage):
    """Drops, reorders or adds remembered groups; never alters a score."""

    kind: ClassVar[str] = "select"

    @abstractmethod
    def select(self, run: Run, groups: Sequence[Group]) -> list[Group]:
        """The groups that go on to credit."""


@dataclass(frozen=True, kw_only=True)
class Credit(Stage):
    """Turns scores into streams.

    Attributes:
        writes: names of the streams its examples carry.
    """

    kind: ClassVar[str] = "credit"
    writes: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    async def credit(self, run: Run, groups: Sequence[Group]) -> list[Example]:
        """The step's examples; attempts without signal give none."""


@dataclass(frozen=True, kw_only=True)
class Update(Stage):
    """Moves what a method keeps beside what it learns, after learning: named state, or named weights."""

    kind: ClassVar[str] = "update"

    @property
    def folds(self) -> tuple[tuple[str, str], ...]:
        """(source, into) of the weights it moves; none for one that writes state."""
        return ()

    @abstractmethod
    async def update(self, run: Run, groups: Sequence[Group]) -> None:
        """Look at the step's groups as they were read; write with `Run.write`, or `Run.average` for weights."""


@dataclass(frozen=True, kw_only=True)
class Grow(Stage):
    """Writes new tasks for the pool out of what happened."""

    kind: ClassVar[str] = "grow"

    @abstractmethod
    async def grow(self, run: Run, groups: Sequence[Group]) -> list[Task]:
        """New tasks, with origin "model" and their lineage."""


@dataclass(frozen=True, kw_only=True)
class Keep(Stage):
    """Measures a generation by label-free means; one that measures lower than the best is rolled back.

    Attributes:
        tolerance: how much lower than the best a generation may measure and still be kept.
    """

    kind: ClassVar[str] = "keep"
    tolerance: float = 0.01

    @abstractmethod
    async def measure(self, run: Run) -> float:
        """Higher is better; no answer is read."""


@dataclass(frozen=True, kw_only=True)
class Decide(Stage):
    """Ends a test-time method: which attempt of a group is the reply."""

    kind: ClassVar[str] = "decide"

    @abstractmethod
    async def decide(self, run: Run, group: Group) -> Attempt:
        """One attempt of the group."""


@dataclass(frozen=True, kw_only=True)
class Tool(Part):
    """Something a model may call by name while it answers; parts call it through `Run.call`, which journals and counts it.

    Attributes:
        about: one line that the model is shown, with an example call.
    """

    kind: ClassVar[str] = "tool"
    about: ClassVar[str] = ""

    def ready(self) -> None:
        """Raises BadInput where it cannot work on this machine; asked before anything is opened or spent."""

    @abstractmethod
    def call(self, argument: str, task: Task) -> Reply:
        """Answer; depends on the argument, the task and this part alone. What runs a model's text does so in `sandbox`."""


@dataclass(frozen=True, kw_only=True)
class State(Part):
    """A named piece of state a recipe keeps, JSON-ready: saved, promoted, handed back and rolled back with the generation."""

    kind: ClassVar[str] = "state"

    @abstractmethod
    def initial(self) -> Any:
        """Its value before the first step."""

    def files(self, value: Any) -> Mapping[str, str]:
        """Texts of it that are worth files of their own, by name: a generation has them in `state/NAME/`."""
        return {}


@dataclass(frozen=True, kw_only=True)
class Measure(Part):
    """A number about a method or a model, with the values it is the mean of.

    Attributes:
        label: what people call it in a table.
        unit: what one value belongs to: task, row, node, deal, seed or group. Two sides are paired by it.
        higher: whether more is better.
        share: whether it is a fraction, told in percent.
        takes: what it asks about: "words", "rows" or "games"; "" asks nothing and takes any.
        kept: the name under which a run's verdict holds it task by task already, "" where none does.
        baseline: what it can be compared with that is no other method (raw rows, one attempt), "" for nothing.
    """

    kind: ClassVar[str] = "measure"
    label: ClassVar[str] = ""
    unit: ClassVar[str] = "task"
    higher: ClassVar[bool] = True
    share: ClassVar[bool] = True
    takes: ClassVar[str] = "words"
    kept: ClassVar[str] = ""
    baseline: ClassVar[str] = ""

    @abstractmethod
    async def measure(self, subject: Subject) -> Evaluation:
        """The number for one side."""

    async def measure_baseline(self, subject: Subject) -> Evaluation:
        """The same number of the baseline, on the same units."""
        raise NotImplementedError(f"{self.name} names no baseline")
