"""Phase: a set of stages, and for how long they run."""

from dataclasses import dataclass
from typing import Literal

from selftaught.parts import BadInput
from selftaught.stages import Credit, Explore, Grow, Keep, Objective, Plan, Reader, Select, Update

# Beyond this a number is a slip of the hand.
MOST_ATTEMPTS = 10**6


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A set of stages, and for how long they run.

    Attributes:
        plan: which tasks are attempted, how often and how.
        explore: makes the attempts.
        read: supervise and reflect parts, in order.
        select: which groups go on.
        credit: scores to streams; None when nothing is learned.
        objectives: losses, optimizers and what they change.
        updates: what moves after learning: states, and weights that follow others.
        grow: writes new tasks.
        keep: measures a generation; a worse one is rolled back.
        steps: how many steps the phase takes; 0 is a phase that is never played, for a last one that says how questions are answered.
        every: steps of a generation: after so many the run is saved, measured and promoted or rolled back.
        start: weights it begins from: "previous" phase's, or "start".
    """

    plan: Plan
    explore: Explore
    read: tuple[Reader, ...] = ()
    select: tuple[Select, ...] = ()
    credit: Credit | None = None
    objectives: tuple[Objective, ...] = ()
    updates: tuple[Update, ...] = ()
    grow: Grow | None = None
    keep: Keep | None = None
    steps: int = 40
    every: int = 10
    start: Literal["previous", "start"] = "previous"

    @property
    def continues(self) -> bool:
        """Whether any part comes back to attempts (`Part.continues`)."""
        return any(part.continues for part in (self.explore, *self.read))

    @property
    def epochs(self) -> int:
        """How often its optimizers go over an attempt."""
        return sum(getattr(optimizer, "epochs", 1) for optimizer in {objective.optimizer for objective in self.objectives})

    def __post_init__(self) -> None:
        if self.steps < 0 or self.every < 1:
            raise BadInput(f"steps={self.steps} must be at least 0, and every={self.every} at least 1")
        attempts = self.plan.tasks * self.plan.n
        if attempts > MOST_ATTEMPTS:
            raise BadInput(f"a step of {attempts:,} attempts (tasks x n) is more than any machine holds: give at most {MOST_ATTEMPTS:,}")
        if self.objectives and self.credit is None:
            raise BadInput("objectives without credit: nothing would be learned; give credit=")
        written = set(self.credit.writes) if self.credit else set()
        for objective in self.objectives:
            if missing := set(objective.loss.reads) - written:
                reads, name = ", ".join(sorted(missing)), self.credit.name if self.credit else ""
                raise BadInput(f"loss '{objective.loss.name}' reads {reads}, which credit '{name}' does not write: give one that does")
