"""Proof: one side of a run or a checkpoint, measured whole, and two sides made into a verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from selftaught.evaluate.gate import Side, measure_side, reach, verdict, widen, zero_families
from selftaught.evaluate.record import AS_IS
from selftaught.run.cache import CachedDrawer
from selftaught.run.drawer import drawer_for
from selftaught.run.heldout import HeldOut
from selftaught.run.live import LiveRun
from selftaught.types import Split, Task

START, RESULT, OFF_TASK = 16, 4, 2
Splits = Mapping[Split, Sequence[Task]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Measured:
    """One side, measured.

    Attributes:
        side: its numbers on the held-out tasks.
        off: its numbers on tasks it was not trained for, None without any.
        unreached: task sources on which not one of 64 attempts a task was right; only looked for in the start.
        rows: its attempts as people read them, by task id.
        ledger: summary of the run's ledger after the measurement.
    """

    side: Side
    off: Side | None
    unreached: tuple[str, ...]
    rows: Mapping[str, Any]
    ledger: Mapping[str, Any]


async def measure(
    run: LiveRun, label: str, splits: Splits, seed: int, *, off: Splits | None = None, before: Measured | None = None, full: bool = False
) -> Measured:
    """Measure the start of a run, or, given the start as `before`, its policy; the run is left as it was.

    The start is always asked plainly, 16 attempts a held-out task, and found again when it was asked before. The result
    answers by the recipe's own method where it has one, 4 attempts a task; when a plain result shows a gain, the
    attempts that are missing to 16 are drawn, because the kind of a gain is read from pass@16.

    Args:
        run: whose policy, ledger and journal are used.
        label: "start" or "result"; keeps requests apart.
        splits: held-out and development tasks.
        seed: evaluation seed.
        off: tasks that were not trained for, 2 attempts each.
        before: the start, when this is the result.
        full: 16 attempts of the result too, and 64 of the start where it solves nothing in 16.
    """
    cached, held, tasks = CachedDrawer(run=run, seed=seed), HeldOut(run), splits["held-out"]
    # Once a run is resumed its policy is no start any more.
    drawer, weights = (drawer_for(run, seed), "policy") if before else (cached, "start")
    plain, keep = not before or run.recipe.decide is None, held.keep(label)
    n = START if full or not before else RESULT
    side = await measure_side(drawer, label, "policy", tasks, splits["development"], run.settings, n, keep=keep)
    if before and plain and n < START and verdict(before.side, side)["verdict"] == "improved":
        side = await widen(drawer, side, weights, tasks, START, keep)
    zero = zero_families(side) if full and not before else ()
    unreached = await reach(cached, weights, [t for t in tasks if t.source in zero], run.settings, label=label)
    found = None
    if off:
        found = await measure_side(
            cached, f"{label}-off", weights, off["held-out"], off["development"], run.settings, OFF_TASK,
            temperatures=(), templates=(AS_IS,),
        )  # fmt: skip
    return Measured(side=side, off=found, unreached=unreached, rows=held.sides[label], ledger=run.ledger.summary())


def decide(before: Measured, after: Measured, full: bool = False, **options: Any) -> dict[str, Any]:
    """The verdict on two measured sides; `options` go to `evaluate.gate.verdict`."""
    off = [(before.off, after.off)] if before.off and after.off else []
    return verdict(before.side, after.side, n=START if full else RESULT, off_task=off, unreached=before.unreached, **options)
