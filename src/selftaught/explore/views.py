"""Explore: look at what is not words with part of it hidden, several times over."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from selftaught.parts import BadInput, part
from selftaught.protocols import Run
from selftaught.stages import Explore
from selftaught.types import Group, Request


@dataclass(frozen=True, kw_only=True)
class Views(Explore):
    """Each attempt is a view of its task's payload, drawn here; no model is asked."""

    @abstractmethod
    def maker(self, payload: Any) -> Callable[[np.random.Generator], Any]:
        """What draws a view of a payload. Raises BadInput for one of which there is none."""

    async def explore(self, run: Run, request: Request) -> Sequence[Group]:
        views = run.view("view", request.task, self.maker(request.task.payload), n=request.n)
        return [Group(key=request.task.id, task=request.task, attempts_G=tuple(views))]


def share(part: Explore, **values: float) -> None:
    """Raises BadInput for a share outside (0, 1)."""
    for name, value in values.items():
        if not 0 < value < 1:
            raise BadInput(f"{part.name}: {name}={value} must lie between 0 and 1")


@part
@dataclass(frozen=True, kw_only=True)
class MaskedViews(Views):
    """Views of rows with some values hidden: what is hidden is the target, the rest the context (T-JEPA, arXiv:2410.05016).

    Attributes:
        hidden: share of a row's values that is hidden, in (0, 1); at least one value is, and one is not.
    """

    takes: ClassVar[str] = "rows"
    hidden: float = 0.5

    def __post_init__(self) -> None:
        share(self, hidden=self.hidden)

    def maker(self, payload: Any) -> Callable[[np.random.Generator], Any]:
        if payload.form != "rows" or payload.values.shape[1] < 2:
            raise BadInput("masked-views needs rows of two columns or more: give --tasks table:wine")
        return lambda rng: payload.hiding(self.hidden, rng)


@part
@dataclass(frozen=True, kw_only=True)
class MaskedNodes(Views):
    """Views of a graph with the features of some nodes hidden, which are to be predicted (GraphMAE, arXiv:2205.10803).

    Most hidden nodes show nothing, a few the features of another node, so that a node is not known as hidden by what it shows.

    Attributes:
        hidden: share of the nodes that is hidden, in (0, 1).
        swapped: share of the hidden nodes that show another's features, in [0, 1).
    """

    takes: ClassVar[str] = "graph"
    hidden: float = 0.5
    swapped: float = 0.05

    def __post_init__(self) -> None:
        share(self, hidden=self.hidden)
        if not 0 <= self.swapped < 1:
            raise BadInput(f"{self.name}: swapped={self.swapped} must lie in [0, 1)")

    def maker(self, payload: Any) -> Callable[[np.random.Generator], Any]:
        if payload.form != "graph" or len(payload) < 2:
            raise BadInput("masked-nodes needs a graph of two nodes or more: give --tasks graph:stdlib")
        return lambda rng: payload.hiding(self.hidden, self.swapped, rng)
