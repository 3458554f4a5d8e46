"""Bench: what any two models are measured on, whoever trained them, so that they can be told apart."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self, cast

from selftaught.format import Format
from selftaught.jobs.asking import choose_wording, fitting, refused, try_reading
from selftaught.parts import BadInput
from selftaught.protocols import Model, TextModel
from selftaught.prove.cache import count_reuse, held_out_key
from selftaught.prove.plan import WHOLE, Plan
from selftaught.prove.proof import MARGIN, Measured, Splits, decide, measure
from selftaught.prove.verdict import not_tested
from selftaught.recipe import get_recipe
from selftaught.recipes import ASKING
from selftaught.run.folder import RunFolder
from selftaught.run.training import TrainingRun
from selftaught.types import SamplerSettings

# Tasks of a foreign family; fewest that a decoding is chosen on; room behind a prompt; training tasks looked at before a run.
OFF_COUNT, DEVELOPMENT, ROOM, TRIED = 100, 24, 16, 64


@dataclass(frozen=True, kw_only=True, eq=False)
class Bench:
    """What both sides are measured on, and how.

    Attributes:
        splits: held-out and development tasks.
        off: tasks of other families, to see whether anything was unlearned.
        settings: the stated sampler.
        seed: evaluation seed; attempt i of a task has the same noise on both sides.
        pool: what a run needs beside tasks to be judged by; nothing is drawn from it.
        reads: answers read to test the graders.
        format: how prompts are rendered and answers read.
        plan: how many attempts are drawn of how many tasks, and when a result is looked at.
    """

    splits: Splits
    off: Splits
    settings: SamplerSettings
    seed: int
    pool: Any
    reads: int
    format: Format = field(default_factory=Format)
    plan: Plan = WHOLE

    def lines(self) -> list[str]:
        """How many questions each source had and lost, for people."""
        return [line for found in self.pool.found if (line := found.line())]

    def planned(self, plan: Plan) -> Self:
        """The same with as much as is planned."""
        return replace(self, plan=plan, splits=plan.cut(self.splits))

    async def measure(
        self, model: Model, label: str, folder: Path, before: Measured | None = None, full: bool = False, margin: float = MARGIN
    ) -> Measured:
        """Measure one model as it is loaded, asked plainly, in a run of its own; see `proof.measure`.

        Args:
            model: opened, and left open.
            label: "start" or "result"; keeps requests apart.
            folder: for the journal; must not exist yet.
            before: the start, when this is the result.
            full: draw as much of the result as of the start.
            margin: a change within it is called no change.
        """
        run = self.beside(model, folder)
        for _ in range(0 if before else self.reads):
            run.ledger.gold("audit")
        try:
            return await measure(
                run, label, self.splits, self.seed, weights="policy", off=self.off or None, before=before, full=full, plan=self.plan,
                margin=margin,
            )  # fmt: skip
        finally:
            run.grader.close()
            run.folder.journal.close()

    def beside(self, model: Model, folder: Path) -> TrainingRun:
        """A run that trains nothing, to ask a model through."""
        plain = replace(get_recipe(ASKING), decide=None)
        return TrainingRun(
            recipe=plain, model=model, pool=self.pool, folder=RunFolder(folder), settings=self.settings, format=self.format, seed=self.seed
        )

    async def asked_of(self, model: Model, folder: Path, say: Callable[[str], None], first: bool) -> Self:
        """This bench as both models are asked: by one format, without tasks that the `first` of them cannot be given.

        Raises:
            BadInput: replies that cannot be read, or tasks that the second model cannot be given.
        """
        if "text" not in model.capabilities:
            return self
        cast(TextModel, model).asked_by(self.format)
        fitted, said = self.fitted(model)
        if said and not first:
            raise BadInput(f"the base could be asked what the candidate cannot: {'; '.join(said)}")
        for line in said:
            say(line)
        run = fitted.beside(model, folder)
        try:
            await choose_wording(run, fitted.splits["development"], self.seed, say)
            await try_reading(run, fitted.splits["development"], self.seed)
        finally:
            run.grader.close()
            run.folder.journal.close()
        return replace(fitted, format=run.format)

    def fitted(self, model: Model, training: bool = False) -> tuple[Self, tuple[str, ...]]:
        """This bench without what cannot be put to a model, and what there is to say about that; where it trains, likewise the pool.

        Raises:
            BadInput: more than 5% of the tasks of a split cannot.
        """
        if "text" not in model.capabilities:
            return self, ()
        asked, room = cast(TextModel, model), min(self.settings.max_tokens, ROOM)
        named = {"splits": self.splits, "off": self.off}
        kept = {name: {split: fitting(asked, tasks, room, split) for split, tasks in splits.items()} for name, splits in named.items()}
        if training and hasattr(self.pool, "fits"):
            fitting(asked, self.pool.peek(random.Random(self.seed), TRIED), room, "training")
            self.pool.fits = lambda task: not refused(asked, task, room)
        said = tuple(line for splits in kept.values() for _, line in splits.values() if line)
        return replace(self, **{name: {split: tasks for split, (tasks, _) in splits.items()} for name, splits in kept.items()}), said  # type: ignore[arg-type]

    def decide(self, before: Measured, after: Measured, full: bool = False, *, spent: int = 0, margin: float = MARGIN) -> dict[str, Any]:
        """The verdict, which is counted as one more on these tasks; see `proof.decide`.

        With `spent` unknown (0) nothing is said at equal tokens.
        """
        reuse = count_reuse(held_out_key(self.splits["held-out"]))
        found = decide(before, after, full, self.plan, spent=spent, margin=margin, reuse=reuse)
        unknown = not_tested("")
        return found if spent else found | {key: unknown[key] for key in ("equal_tokens", "break_even")}


def apart(tasks: Sequence[str]) -> tuple[str, ...]:
    """Sources that nothing here trains on: a file or data set among them serves whole, three fifths of it as held-out tasks."""
    from selftaught.tasks.data.columns import Columns
    from selftaught.tasks.source import parse_source

    sources = [parse_source(text) for text in tasks]
    return tuple(replace(source, whole=True).text() if isinstance(source, Columns) else source.text() for source in sources)


def open_bench(
    tasks: Sequence[str], settings: SamplerSettings, *, held_out: Sequence[str] = (), count: int = 200, seed: int = 1,
    off_task: Sequence[str] = (), ungraded: bool = False, format: Format | None = None, otherwise: str = "",
    unsafe_checkers: bool = False,
) -> Bench:  # fmt: skip
    """Draw the tasks and test their graders; nothing is loaded.

    Args:
        tasks: task sources.
        settings: the stated sampler.
        held_out: where held-out tasks come from; empty takes `tasks`.
        count: how many held-out tasks decide.
        seed: evaluation seed.
        off_task: sources of other families, 100 tasks each.
        format: how prompts are rendered and answers read.
        ungraded: also take held-out tasks that nobody can grade, for labels by hand.
        otherwise: what else the caller can do about tasks without answers, for the error.
        unsafe_checkers: take sources whose answers run as code where nothing can hold them.

    Raises:
        BadInput: no tasks, too few, ungradable ones, or a grader that fails its self-test.
    """
    from selftaught.tasks.grading.selftest import self_test
    from selftaught.tasks.source import parse_source
    from selftaught.tasks.splits import COUNTS, split

    if count < 1:
        raise BadInput(f"held-out-count={count}: give a number of held-out tasks (200 is usual)")
    if not tasks:
        raise BadInput("no tasks to compare on: give --tasks (a family such as sums:level=5, gym:NAME, a file, a data-set id)")
    # to choose a decoding for a few tasks must not cost more than to measure them
    development = min(COUNTS["development"], max(DEVELOPMENT, count))
    pool, splits = split(tasks, held_out, seed, {**COUNTS, "held-out": count, "development": development})
    off: Splits = {}
    if off_task:
        _, off = split(off_task, (), seed, {"held-out": OFF_COUNT * len(off_task), "development": 8})
    for drawn in (splits, off):
        if drawn and (len(drawn["held-out"]) < 2 or not drawn["development"]):
            found = f"{len(drawn['held-out'])} held-out and {len(drawn['development'])} development tasks"
            said = "; ".join(line for one in (pool.found if drawn is splits else ()) if (line := one.line()))
            names = said or ", ".join(tasks if drawn is splits else off_task)
            raise BadInput(f"{names}: only {found}: give a source with more questions{' that have answers' if 'without' in said else ''}")
        if drawn and not ungraded and not any(task.checker for task in drawn["held-out"]):
            said = "; ".join(line for one in pool.found if (line := one.line()))
            raise BadInput(f"no held-out task can be graded ({said}): give tasks with answers{otherwise}")
    reads: list[None] = []
    graders = [parse_source(text) for text in dict.fromkeys((*tasks, *held_out, *off_task))]
    if problems := self_test(graders, read=lambda: reads.append(None), unsafe_checkers=unsafe_checkers):
        raise BadInput("grader self-test failed, nothing was spent: " + "; ".join(problems[:3]))
    return Bench(splits=splits, off=off, settings=settings, seed=seed, pool=pool, reads=len(reads), format=format or Format())
