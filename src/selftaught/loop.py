"""improve(): the only training loop. New behavior is a part; this file does not grow a branch for it.

A run is a flat schedule of steps. Whatever leaves the process passes through `run`, which journals it: to resume is
to load the last saved generation and run the same coroutines again, fed from the journal as far as it goes.
"""

import math
from collections.abc import Callable, Sequence

from selftaught.recipe import Phase, Recipe
from selftaught.run.heap import settled_heap
from selftaught.run.method import attempted
from selftaught.run.training import TrainingRun
from selftaught.types import Example, Group


async def improve(recipe: Recipe, run: TrainingRun, stop: Callable[[], bool] = lambda: False) -> bool:
    """Run a recipe's schedule from where the run stands, until it ends, the budget is spent or a monitor raises an alarm.

    `stop` is asked before each step; the answer True leaves the run as it is, to be resumed, and returns False.
    """
    with settled_heap():
        return await play(recipe, run, stop)


async def play(recipe: Recipe, run: TrainingRun, stop: Callable[[], bool]) -> bool:
    """The schedule, phase by phase; see `improve`."""
    schedule = list(recipe.schedule())
    while run.position < len(schedule) and not run.alarmed and not run.ended:
        if stop():
            return False
        phase, first, last = schedule[run.position]
        run.begin_step(phase, of=len(schedule))
        if first and phase.start == "start":
            await run.return_to("start")
        if phase.keep and run.position == 0:
            run.stage = "keep"
            # A start that cannot be measured (NaN) leaves minus infinity: max takes its second only when that is greater.
            run.best_measure = max(run.best_measure, await phase.keep.measure(run))
        going = await step(phase, run)
        if last or not going:
            await run.audit()
        run.position += 1
        run.ended = not going
        run.end_step()
        if run.position == len(schedule) or not going:
            await run.examine_end()
        if last or not going:
            await settle(phase, run)
        if not going:
            break
    return True


async def step(phase: Phase, run: TrainingRun) -> bool:
    """Plan to publish, once. False when not one more group fits the budget, or when an alarm forbids learning."""
    run.stage = "plan"
    groups: Sequence[Group] = await attempted(phase, run, phase.plan.plan(run, run.pool))
    if not groups:
        return False
    read = groups
    run.record(groups)
    await run.examine(groups)
    if run.alarmed:
        return False
    run.stage = "select"
    for choice in phase.select:
        groups = choice.select(run, groups)
    run.stage = "credit"
    examples: Sequence[Example] = await phase.credit.credit(run, groups) if phase.credit else ()
    run.stage = "train"
    if examples:
        await run.take_step(examples, phase.objectives)
    run.stage = "update"
    for update in phase.updates:
        await update.update(run, read)
    await run.publish()
    if phase.grow:
        run.stage = "grow"
        run.pool.add(await phase.grow.grow(run, groups))
    return True


async def settle(phase: Phase, run: TrainingRun) -> None:
    """End a generation: keep it when it measures no worse than the best so far, else go back to that one.

    After an alarm nothing is measured: the run goes back to what was saved before the trouble.
    """
    if run.alarmed:
        await run.retreat()
        await run.save()
        return
    run.stage = "keep"
    measure = await phase.keep.measure(run) if phase.keep else math.nan
    # What could not be measured (NaN: the budget is spent) has not measured worse.
    if phase.keep is None or not measure < run.best_measure - phase.keep.tolerance:
        run.promote(measure)
    else:
        await run.return_to("best")
    await run.save()
