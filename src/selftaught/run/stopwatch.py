"""Stopwatch: seconds by the clock and of processor time, by the stage that was under way."""

import os
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Generator, Iterator, Mapping, Set
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Generic, TypeVar

T = TypeVar("T")
# The stage of a coroutine that has gone ahead of the loop, "" in all others.
AHEAD: ContextVar[str] = ContextVar("ahead", default="")
OUTSIDE = ("evaluate", "audit")


def processor_seconds() -> float:
    """Processor time of this process and of the children it has waited for."""
    return sum(os.times()[:4])


class Stopwatch:
    """Adds up seconds by stage. What is measured for the gate or a monitor goes under "evaluate" and "audit".

    Attributes:
        stage: the stage that time is put down to.
        wall_cpu: seconds by the clock and of processor time so far, by stage.
    """

    def __init__(self, wall: Callable[[], float] = time.monotonic, cpu: Callable[[], float] = processor_seconds) -> None:
        """Both clocks only ever rise; tests bring their own."""
        self._clocks, self._stage = (wall, cpu), "explore"
        self._last = self._now()
        self._outside: Counter[str] = Counter()
        self._lent = ""
        self.wall_cpu: dict[str, tuple[float, float]] = {}

    @property
    def stage(self) -> str:
        """The stage under way."""
        return self._stage

    @stage.setter
    def stage(self, stage: str) -> None:
        self._settle()
        self._stage = stage

    @contextmanager
    def outside(self, purpose: str) -> Iterator[None]:
        """Time spent inside belongs to "evaluate" or "audit" (other purposes change nothing); blocks may overlap, as coroutines do."""
        self._enter(purpose, 1)
        try:
            yield
        finally:
            self._enter(purpose, -1)

    @contextmanager
    def lent(self, stages: Set[str]) -> Iterator[None]:
        """Time spent inside belongs to another stage than the loop's; to the loop's when several are named, or "" is."""
        before, [stage] = self._lent, stages if len(stages) == 1 else {""}
        if stage != before:
            self._settle()
        self._lent = stage
        try:
            yield
        finally:
            if stage != before:
                self._settle()
            self._lent = before

    def seconds(self, counted: bool = False) -> tuple[float, float]:
        """(by the clock, of processor time) in all, or without evaluation and audit."""
        self._settle()
        kept = [pair for stage, pair in self.wall_cpu.items() if not (counted and stage in OUTSIDE)]
        return sum(wall for wall, _ in kept), sum(cpu for _, cpu in kept)

    def snapshot(self) -> dict[str, list[float]]:
        """JSON-ready."""
        self._settle()
        return {stage: [round(seconds, 3) for seconds in pair] for stage, pair in self.wall_cpu.items()}

    def restore(self, saved: Mapping[str, list[float]]) -> None:
        """Add what earlier sittings took; what passed between their last save and their end is lost."""
        self._settle()
        for stage, pair in saved.items():
            self._add(stage, pair)

    def _enter(self, purpose: str, change: int) -> None:
        # The clocks are read only where what time is put down to may change: there are thousands of blocks a second.
        if purpose in OUTSIDE:
            if 0 in (self._outside[purpose], self._outside[purpose] + change):
                self._settle()
            self._outside[purpose] += change

    def _now(self) -> tuple[float, float]:
        return self._clocks[0](), self._clocks[1]()

    def _settle(self) -> None:
        now, last = self._now(), self._last
        self._last = now
        self._add(
            next((purpose for purpose in OUTSIDE if self._outside[purpose]), self._lent or self._stage),
            [now[0] - last[0], now[1] - last[1]],
        )

    def _add(self, stage: str, pair: list[float]) -> None:
        wall, cpu = self.wall_cpu.get(stage, (0.0, 0.0))
        self.wall_cpu[stage] = wall + pair[0], cpu + pair[1]


class Ahead(Generic[T]):
    """Awaits a coroutine that goes ahead of the loop: its rows and its time, while it runs, are put down to its own stage."""

    def __init__(self, watch: Stopwatch, stage: str, coroutine: Coroutine[Any, Any, T]) -> None:
        self.watch, self.stage, self.coroutine = watch, stage, coroutine

    def __await__(self) -> Generator[Any, Any, T]:
        token, error = AHEAD.set(self.stage), None
        try:
            while True:
                # What others do until it is its turn again is not its time.
                with self.watch.lent({self.stage}):
                    waits_for = self.coroutine.throw(error) if error else self.coroutine.send(None)
                try:
                    yield waits_for
                    error = None
                except BaseException as thrown:
                    error = thrown
        except StopIteration as done:
            result: T = done.value
            return result
        finally:
            AHEAD.reset(token)
