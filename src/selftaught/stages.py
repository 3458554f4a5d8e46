"""What each stage of a step is asked and gives. A part subclasses one of these and is done.

A step goes: plan -> explore -> read (supervise, reflect) -> select -> credit -> learn -> update -> publish -> grow.
"""

from abc import abstractmethod
from asyncio import gather
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from selftaught.objectives import Average, Loss, Module, Objective, Optimizer
from selftaught.parts import Part
from selftaught.protocols import Pool, Run
from selftaught.types import Attempt, Example, Group, Request, Source, Split, Task

__all__ = [
    "Average", "Credit", "Decide", "Explore", "Grow", "Keep", "Loss", "Module", "Objective", "Optimizer",
    "PerGroup", "Reader", "Reflect", "Select", "State", "Supervise", "TaskSource",
]  # fmt: skip


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

    def check(self, task: Task, answer: str, entry: Mapping[str, Any] | None) -> float:
        """Grade a canonical answer in [0, 1]; `entry` is the opened seal for a checker that reads it."""
        raise NotImplementedError(f"{self.name} cannot grade")


@dataclass(frozen=True, kw_only=True)
class Explore(Part):
    """Plans how many attempts each task gets, and makes them; `signal` is the source of rewards it gives by itself.

    Attributes:
        takes: what its tasks are made of: "words", "games", or the form of a payload ("rows", "graph").
    """

    kind: ClassVar[str] = "explore"
    takes: ClassVar[str] = "words"
    signal: ClassVar[tuple[Source, ...]] = ()

    @abstractmethod
    def plan(self, run: Run, pool: Pool) -> list[Request]:
        """The step's requests, one task each."""

    @abstractmethod
    async def explore(self, run: Run, request: Request) -> Group:
        """The attempts of one request; without any when the budget is spent."""


@dataclass(frozen=True, kw_only=True)
class Reader(Part):
    """A supervise or reflect part: reads the step's groups, adds scores (supervise) or attempts (reflect).

    Attributes:
        signal: source of the scores it gives, () for none; a recipe with "gold" in it is not label-free.
    """

    signal: ClassVar[tuple[Source, ...]] = ()

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
class Select(Part):
    """Drops, reorders or adds remembered groups; never alters a score."""

    kind: ClassVar[str] = "select"

    @abstractmethod
    def select(self, run: Run, groups: Sequence[Group]) -> list[Group]:
        """The groups that go on to credit."""


@dataclass(frozen=True, kw_only=True)
class Credit(Part):
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
class Grow(Part):
    """Writes new tasks for the pool out of what happened."""

    kind: ClassVar[str] = "grow"

    @abstractmethod
    async def grow(self, run: Run, groups: Sequence[Group]) -> list[Task]:
        """New tasks, with origin "model" and their lineage."""


@dataclass(frozen=True, kw_only=True)
class Keep(Part):
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
class Decide(Part):
    """Ends a test-time method: which attempt of a group is the reply."""

    kind: ClassVar[str] = "decide"

    @abstractmethod
    async def decide(self, run: Run, group: Group) -> Attempt:
        """One attempt of the group."""


@dataclass(frozen=True, kw_only=True)
class State(Part):
    """A named piece of state a recipe keeps: saved with every generation, JSON-ready."""

    kind: ClassVar[str] = "state"

    @abstractmethod
    def initial(self) -> Any:
        """Its value before the first step."""
