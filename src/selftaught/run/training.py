"""TrainingRun: what the loop drives. Counts, journals, checks, saves; decides nothing."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from selftaught.monitors.base import Monitor
from selftaught.monitors.health import numbers
from selftaught.recipe import Phase
from selftaught.run.access import RunAccess
from selftaught.run.files import parsed
from selftaught.run.watcher import Watcher
from selftaught.stages import Objective
from selftaught.types import Example, Group, Task


class TrainingRun(RunAccess):
    """One run of one recipe: what parts use (`RunAccess`), and the hooks of the loop.

    Attributes:
        best_measure: label-free measure of the best generation kept so far.
        watch: called with each finished step's numbers.
        watcher: health beyond the step's groups, monitors and audit.
        alarms: what monitors have said, as {name, step, message}, each monitor once.
        ended: nothing more fits the budget; a run that is resumed after that takes no further step.
        heed: whether an alarm ends the run; otherwise it is only noted (controls that are to be seen to their end).
    """

    def __init__(
        self,
        *,
        watch: Callable[[Mapping[str, float]], None] | None = None,
        monitors: Sequence[Monitor] = (),
        audit: Sequence[Task] = (),
        heed: bool = True,
        **opened: Any,
    ) -> None:
        super().__init__(**opened)
        self.watch, self.best_measure, self.clock = watch, -math.inf, time.monotonic()
        self.watcher = Watcher(monitors, audit)
        self.alarms, self.heed, self.ended = self.watcher.alarms, heed, False

    @property
    def alarmed(self) -> bool:
        """Whether an alarm ends the run."""
        return self.heed and bool(self.alarms)

    async def take_step(self, examples: Sequence[Example], objectives: Sequence[Objective]) -> None:
        """Learn from a step's examples by the objectives that are due."""
        due = [objective for objective in objectives if objective.due(self.position)]
        self.settle_reserve()
        metrics = await self.learn(examples, due) if due else None
        if metrics is not None:
            self.notes |= metrics | {"learned": float(len(examples))}

    async def publish(self) -> None:
        """Let samplers see the policy."""
        self.generation = await self.model.publish()
        self.dispatcher.forget()

    def record(self, groups: Sequence[Group]) -> None:
        """Log the step's attempts and scores."""
        self.grader.faults.refuse_most(self.position)
        self.notes |= self.grader.faults.shares()
        rewards = [float(v) for group in groups for v in group.values() if not math.isnan(v)]
        self.note("groups", len(groups))
        if self.phase and any(objective.due(self.position) for objective in self.phase.objectives):
            self.note("learned", 0)
        self.note("attempts", sum(len(group.attempts_G) for group in groups))
        self.note("reward", float(np.mean(rewards)) if rewards else math.nan)
        sources = [score.source for group in groups for score in group.scores if score.name == "reward" and not math.isnan(score.value)]
        self.note("ruled", sources.count("rule") / len(sources) if sources else 0.0)
        self.note(
            "sampled_length",
            float(np.mean([a.sampled_count for g in groups for a in g.attempts_G if hasattr(a.payload, "sampled")] or [0])),
        )
        for name, value in numbers(groups, self.answer).items():
            self.note(name, value)
        self.folder.write_groups(self.position, groups)

    async def examine(self, groups: Sequence[Group]) -> None:
        """Look at the step's health before anything is learned from it; alarms may be raised."""
        await self.watcher.examine(self, groups)

    async def examine_end(self) -> None:
        """Look at what the last step has learned before it is handed back."""
        if not self.alarmed:
            await self.watcher.examine_end(self)

    async def audit(self) -> None:
        """Measure a generation on the audit set, where there is one."""
        await self.watcher.measure(self)

    def begin_step(self, phase: Phase, of: int) -> None:
        """Open a step."""
        self.phase, self.notes, self.clock = phase, {"of": of}, time.monotonic()
        self.grader.faults.step.clear()
        # No step continues the attempts of another.
        self.dispatcher.forget()

    def settle_reserve(self) -> None:
        """Give back what was set aside for training on attempts that were not trained on."""
        self.ledger.release(0, self.train_reserve)
        self.train_reserve, self.train_reserves = 0, {}

    def end_step(self) -> None:
        """Close a step: give back what was reserved, log its numbers."""
        self.settle_reserve()
        row = {"step": self.position, "generation": self.generation, "spent": self.ledger.spent} | self.notes
        self.folder.write_step(row | {"seconds": round(time.monotonic() - self.clock, 3)})
        self.watcher.steps.append(row)
        if self.watch:
            self.watch(row)

    def promote(self, measure: float) -> None:
        """The policy as it is becomes the best generation."""
        if measure > self.best_measure:
            self.best_measure = measure
        self.folder.mark_best = True

    async def retreat(self) -> None:
        """Go back to the newest generation that was saved before an alarm's trouble began; it becomes the best."""
        pointers = self.folder.pointers
        before = [name for name in pointers.values() if int(name) <= max(0, self.position - self.watcher.lag)]
        self.folder.pointers = pointers | {"best": max(before, key=int)}
        await self.return_to("best")

    async def return_to(self, which: str) -> None:
        """Go back to a saved generation: "start" or "best". Budget, position and pool stay."""
        saved = await self.folder.load(which, self.model)
        self.dispatcher.forget()
        self.states, self.generation = saved["state"], saved["generation"]
        self.note("rolled_back", 1.0)

    async def hand_back(self) -> None:
        """The best generation kept so far becomes the policy, and what it remembered what is remembered."""
        if self.folder.has("best") and self.folder.pointers["best"] != self.folder.pointers["latest"]:
            self.states = (await self.folder.load("best", self.model))["state"]
            self.dispatcher.forget()

    async def save(self) -> None:
        """Write a generation: all weights, all part states, and where the run stands."""
        self.settle_reserve()
        texts = {f"state/{name}/{file}": t for name, part in self.recipe.state.items() for file, t in part.files(self.states[name]).items()}
        await self.folder.save(self.model, self.snapshot(), texts)

    def snapshot(self) -> dict[str, Any]:
        """Everything but the weights, JSON-ready."""
        return {
            "position": self.position, "generation": self.generation, "best_measure": self.best_measure,
            "state": self.states, "pool": self.pool.snapshot(), "ledger": self.ledger.snapshot(), "health": self.watcher.snapshot(),
            "seconds": self.ledger.watch.snapshot(), "ended": self.ended,
        }  # fmt: skip

    async def resume(self) -> bool:
        """Load the last saved generation that is whole; False when there is none.

        Raises:
            BadInput: the logs or all generations are damaged.
        """
        saved = await self.folder.load_last(self.model)
        if saved is None:
            for log in ("steps.jsonl", "attempts.jsonl"):
                (self.folder.path / log).unlink(missing_ok=True)
            return False
        self.position, self.generation, self.best_measure = saved["position"], saved["generation"], saved["best_measure"]
        self.states, self.ended = saved["state"], saved.get("ended", False)
        self.pool.restore(saved["pool"])
        self.ledger.restore(saved["ledger"])
        self.ledger.watch.restore(saved.get("seconds", {}))
        self.folder.forget_after(self.position)
        lines = self.folder.path / "steps.jsonl"
        self.watcher.restore(saved["health"], [parsed(line, lines) for line in lines.read_bytes().splitlines()] if lines.exists() else ())
        return True
