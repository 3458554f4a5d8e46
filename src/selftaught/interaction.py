"""What passes between a model and a world, a tool or a run inside a run: a turn, its outcome, a reply, an end."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """What a world shows whoever moves next.

    Attributes:
        seat: who moves.
        view: what that seat sees that it has not seen before: text, or a payload.
        actions: all that may be done now, where the world can list it; None where anything may be said.
        tools: names of the tools that may be called now.
    """

    seat: int = 0
    view: Any = ""
    actions: tuple[str, ...] | None = None
    tools: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What an action led to.

    Attributes:
        rewards: paid for this action, one a seat; () pays nobody.
        over: nothing follows.
        error: one line when the action was none that is allowed.
    """

    rewards: tuple[float, ...] = ()
    over: bool = False
    error: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What a tool answered.

    Attributes:
        text: as the model is shown it.
        ok: whether the call did what it was meant to.
        value: a number that goes with it (a score, a distance), NaN where there is none.
    """

    text: str
    ok: bool = True
    value: float = math.nan


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """What a run inside a run came to.

    Attributes:
        steps: how many it took.
        state: what its recipe remembered, by name.
        numbers: those of its last step.
        tokens: what it spent, in tokens of the budget.
    """

    steps: int
    state: Mapping[str, Any]
    numbers: Mapping[str, float]
    tokens: int


class World(Protocol):
    """A game, a maze, a program to be used. It owns its random key; what it is in is JSON-ready."""

    seats: int
    rules: str

    def reset(self, key: str) -> None:
        """Begin anew; every draw depends on the key alone."""

    def observe(self) -> Turn:
        """Whose move it is, and what there is to see."""

    def step(self, action: str) -> Outcome:
        """Act for the seat that moves."""

    def snapshot(self) -> Any:
        """JSON-ready state."""

    def restore(self, snapshot: Any) -> None:
        """The inverse of `snapshot`."""
