"""Proof: one side of a run or a checkpoint, measured whole, and two sides made into a verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from selftaught.prove.cache import CachedSampler
from selftaught.prove.decision import decided
from selftaught.prove.held_out import HeldOut
from selftaught.prove.looks import level_at, told, why_ended
from selftaught.prove.off_task import family_rows
from selftaught.prove.plan import WHOLE, Plan
from selftaught.prove.record import AS_IS
from selftaught.prove.sampling import MethodSampler, RunSampler
from selftaught.prove.verdict import Side, measure_side, reach, verdict, widen, zero_families
from selftaught.recipe import Recipe
from selftaught.run.training import TrainingRun
from selftaught.types import Split, Task

OFF_TASK = 2
MARGIN = 0.05
Splits = Mapping[Split, Sequence[Task]]
# A method, and what it remembers.
Remembered = tuple[Recipe, Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Measured:
    """One side, measured.

    Attributes:
        digest: content hash of the weights that every number is of.
        side: its numbers on the held-out tasks.
        off: its numbers on tasks it was not trained for, None without any.
        unreached: task sources on which not one of 64 attempts a task was right; only looked for in the start.
        rows: its attempts as people read them, by task id.
        ledger: summary of the run's ledger after the measurement.
    """

    digest: str
    side: Side
    off: Side | None
    unreached: tuple[str, ...]
    rows: Mapping[str, Any]
    ledger: Mapping[str, Any]

    def record(self) -> dict[str, Any]:
        """JSON-ready, without the ledger."""
        off = self.off.record() if self.off else None
        return {"digest": self.digest, "side": self.side.record(), "off": off, "unreached": list(self.unreached), "rows": dict(self.rows)}

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Self:
        """The inverse of `record`; raises BadInput for anything else."""
        off = record.get("off")
        return cls(
            digest=record.get("digest", ""), side=Side.of(record.get("side", {})), off=Side.of(off) if off else None,
            unreached=tuple(record.get("unreached", ())), rows=record.get("rows", {}), ledger={},
        )  # fmt: skip


async def measure(
    run: TrainingRun, label: str, splits: Splits, seed: int, *, weights: str = "policy", off: Splits | None = None,
    before: Measured | None = None, full: bool = False, plan: Plan = WHOLE, margin: float = MARGIN,
    state: Mapping[str, Any] | None = None,
) -> Measured:  # fmt: skip
    """Measure the start of a run, or, given the start as `before`, what became of it; the run is left as it was.

    The start is asked plainly (see `sampler_for`), 16 attempts a held-out task, and found again when it was asked before. The result
    answers by the recipe's own method where it has one, 4 attempts a task; when a plain result shows a gain, the
    attempts that are missing to 16 are drawn, because the kind of a gain is read from pass@16. Of a plan with looks the
    start is measured whole (it is in the cache afterwards, and every later look needs it) and the result in stages, until a
    look ends it.

    Args:
        run: whose model, ledger and journal are used.
        label: "start" or "result"; keeps requests apart.
        splits: held-out and development tasks.
        seed: evaluation seed.
        weights: whose numbers these are, in all of them: "start" of a run that may have learned already, "policy" of a
            model as it was opened or loaded.
        off: tasks that were not trained for, 2 attempts each.
        before: the start, when this is the result.
        full: 16 attempts of the result too, and 64 of the start where it solves nothing in 16.
        plan: how many attempts, and when to look.
        margin: a change within it is called no change, as a fraction.
        state: what the start remembered, where that is what changes; what the run remembers now when left out.

    Raises:
        RuntimeError: the weights changed meanwhile.
    """
    cached, held, tasks = CachedSampler(run=run, seed=seed), HeldOut(run), splits["held-out"]
    sampler = sampler_for(run, seed, before is None, state)
    plain, keep = not isinstance(sampler, MethodSampler), held.keep(label)
    n = plan.start if full or (plain and not before) else plan.result
    looks = plan.staged(len(tasks)) if before else (len(tasks),)

    async def stage(first: int, last: int, chosen: Side | None = None) -> Side:
        return await measure_side(
            sampler, label, weights, tasks[first:last], splits["development"], run.settings, n, n_best=plan.best, n_development=plan.tries,
            chosen=chosen, keep=keep,
        )  # fmt: skip

    side, look = await stage(0, looks[0]), 0
    while before and look < len(looks) - 1 and not ended(before.side, side, looks, look, compared(full, plan), margin):
        side, look = side.joined(await stage(looks[look], looks[look + 1], side)), look + 1
    if before and plain and n < plan.start and verdict(before.side, side)["verdict"] == "improved":
        side = await widen(sampler, side, weights, tasks, plan.start, keep)
    zero = zero_families(side) if full and not before else ()
    unreached = await reach(cached, weights, [t for t in tasks if t.source in zero], run.settings, label=label)
    found = None
    if off:
        found = await measure_side(
            cached, f"{label}-off", weights, off["held-out"], off["development"], run.settings, OFF_TASK,
            temperatures=(), templates=(AS_IS,),
        )  # fmt: skip
    digest = sampler.digest(weights)
    for one in (sampler, cached):
        one.settle()
    return Measured(digest=digest, side=side, off=found, unreached=unreached, rows=held.sides[label], ledger=run.ledger.summary())


def sampler_for(run: TrainingRun, seed: int, start: bool = False, state: Mapping[str, Any] | None = None) -> RunSampler:
    """How a side of a run is drawn.

    The result by its method where the recipe decides, else plainly. The start plainly, unless what the method remembers
    is what changes, or the method gives it tools: then by the method with that `state`, so that only the difference is told.
    """
    if start and run.recipe.by_method:
        return MethodSampler(run=run, seed=seed, state=state)
    return CachedSampler(run=run, seed=seed) if start else (MethodSampler if run.recipe.decide else RunSampler)(run=run, seed=seed)


def compared(full: bool, plan: Plan = WHOLE) -> int:
    """Attempts a task that are compared at the stated sampler: the first ones of both sides, which share their noise."""
    return plan.start if full else plan.result


def ended(before: Side, side: Side, looks: Sequence[int], look: int, n: int, margin: float) -> str:
    """Why the result need not be measured on more tasks, "" when it must."""
    level = level_at(tuple(looks), look)
    found = decided([before.first(looks[look])], [side.first(looks[look])], n=n, margin=margin, level=level)
    return why_ended(found, tuple(looks), look, margin)


def decide(
    before: Measured, after: Measured, full: bool = False, plan: Plan = WHOLE, margin: float = MARGIN, **options: Any
) -> dict[str, Any]:
    """The verdict on two measured sides, at the look at which the second ended; `options` go to `prove.verdict.verdict`."""
    # Measured once, they are told at the full level whichever look was the last.
    off = family_rows([(before.off, after.off)]) if before.off and after.off else []
    seen, looks, n = len(after.side.tasks_B), plan.staged(len(before.side.tasks_B)), compared(full, plan)
    look, start = looks.index(seen), before.side.first(seen)
    found = verdict(
        start, after.side, n=n, off_task=off, unreached=before.unreached, margin=margin, level=level_at(looks, look), **options
    )  # fmt: skip
    return told(found, looks, look, ended(start, after.side, looks, look, n, margin))
