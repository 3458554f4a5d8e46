"""Overhead: how much of a step passes outside the model's verbs and the checkers."""

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import numpy as np

from selftaught.run.live import LiveRun

VERBS = ("learn", "average", "publish", "save", "load")


class Overhead:
    """Watches a run's clock, step by step. Attach it before the first step.

    Attributes:
        steps: (seconds of the step, those of them in which no verb and no checker was at work), one a step. The first
            also holds what came before it.
    """

    def __init__(self, run: LiveRun, clock: Callable[[], float] = time.perf_counter) -> None:
        """Put a meter around every verb of the run's model and around its checkers."""
        self.clock, self.steps, self.watch = clock, list[tuple[float, float]](), run.watch
        # Checkers may work while the model does: what counts is whether anything is at work.
        self._at_work, self._began, self._worked = 0, 0.0, 0.0
        self._last = clock(), 0.0
        run.watch = self._step
        for kind, perform in run.seam.performers.items():
            run.seam.performers[kind] = self._metered(perform)
        for verb in VERBS:
            if hasattr(run.model, verb):
                setattr(run.model, verb, self._metered(getattr(run.model, verb)))

    @property
    def share(self) -> float:
        """Median over the steps of the share of a step that is overhead, in [0, 1]; the first, which opens much, is left out."""
        return float(np.median([outside / whole for whole, outside in self.steps[1:]]))

    def _metered(self, work: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def metered(*given: Any, **named: Any) -> Any:
            if self._at_work == 0:
                self._began = self.clock()
            self._at_work += 1
            try:
                return await work(*given, **named)
            finally:
                self._at_work -= 1
                if self._at_work == 0:
                    self._worked += self.clock() - self._began

        return metered

    def _step(self, row: Mapping[str, float]) -> None:
        now, (then, worked) = self.clock(), self._last
        self.steps.append((now - then, now - then - (self._worked - worked)))
        self._last = now, self._worked
        if self.watch:
            self.watch(row)
