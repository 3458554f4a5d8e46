"""Explore: look at a row with part of it hidden, several times over."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from selftaught.parts import BadInput, part
from selftaught.protocols import Run
from selftaught.stages import Explore
from selftaught.types import Group, Request, Rows


@part
@dataclass(frozen=True, kw_only=True)
class MaskedViews(Explore):
    """Each attempt at a task without words is a view of its rows with some values hidden, drawn by the model.

    What is hidden is the target, the rest the context (T-JEPA, arXiv:2410.05016). The request's `max_tokens` is the
    number of values to hide; which ones depends on the noise key alone, so a resumed run sees the same views.

    Attributes:
        hidden: share of a row's values that is hidden, in (0, 1); at least one value is, and one is not.
    """

    takes: ClassVar[str] = "rows"
    hidden: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.hidden < 1:
            raise BadInput(f"masked-views: hidden={self.hidden} must lie between 0 and 1")

    async def explore(self, run: Run, request: Request) -> Sequence[Group]:
        task = request.task
        if not isinstance(task.payload, Rows) or task.payload.values.shape[1] < 2:
            raise BadInput("masked-views needs rows of two columns or more: give --tasks table:wine")
        columns = task.payload.values.shape[1]
        count = min(max(1, round(self.hidden * columns)), columns - 1)
        attempts = await run.sample("view", task, (), n=request.n, settings=replace(request.settings, max_tokens=count))
        views = (replace(attempt, view=i) for i, attempt in enumerate(attempts))
        return [Group(key=task.id, task=task, attempts_G=tuple(views))]
