"""Runs inside a run, each kept going in a folder below its parent's."""

import shutil
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from selftaught.protocols import Model
from selftaught.recipe import Recipe
from selftaught.run.budget import Budget
from selftaught.run.files import write_json
from selftaught.run.folder import RunFolder, holds_run
from selftaught.run.training import TrainingRun
from selftaught.run.wishes import Wish
from selftaught.types import content_hash

CHILDREN, GIVEN = "children", "given"
# Seconds of a child whose parent has none left; its requests are refused.
SHORTEST = 1e-3
# The loop, which stands above what it drives.
Play = Callable[[Recipe, TrainingRun], Awaitable[bool]]
Open = Callable[[Recipe], Model]


class Children:
    """Performs child runs, one after the other, each in `children/HASH` of the parent's folder.

    A child has a model of its own, which begins as the parent's is then, optimizers and modules too, and the parent's format,
    sampler and tasks; checker calls and seconds are those its parent has left. Its seed depends on the parent's and on its key.
    One that was stopped goes on from its own journal when its parent asks again.
    """

    def __init__(self, parent: TrainingRun, open_model: Open, play: Play) -> None:
        self.parent, self.open_model, self.play = parent, open_model, play

    async def perform(self, wave: Sequence[Wish]) -> list[dict[str, Any]]:
        """What each child came to, JSON-ready: see `protocols.Run.child`; `ledger` holds its rows."""
        return [await self.one(wish) for wish in wave]

    def folder_of(self, wish: Wish) -> Path:
        """Where a child lives."""
        return self.parent.folder.path / CHILDREN / content_hash(wish.key)

    async def one(self, wish: Wish) -> dict[str, Any]:
        """One child, to its end."""
        parent, path, model = self.parent, self.folder_of(wish), self.open_model(wish.recipe)
        limit, used = parent.ledger.budget, parent.ledger.used()
        calls = None if limit.calls is None else max(1, limit.calls - parent.ledger.calls)
        seconds = None if limit.seconds is None else max(SHORTEST, limit.seconds - used["seconds"])
        run = TrainingRun(
            recipe=wish.recipe, model=model, pool=parent.pool.beside(wish.tasks), folder=RunFolder(path, holds_run(path)),
            settings=parent.settings, format=parent.format, seed=int(content_hash(parent.seed, wish.key)[:8], 16),
            budget=Budget(tokens=wish.budget, calls=calls, seconds=seconds),
        )  # fmt: skip
        if "text" in model.capabilities:
            run.asked_by(parent.format)
        run.grader.unsafe_checkers = parent.grader.unsafe_checkers
        try:
            if run.folder.fresh:
                write_json(path / "run.json", {"key": wish.key, "recipe": wish.recipe.name, "digest": wish.recipe.digest()})
            if not await run.resume():
                given = path / GIVEN
                given.mkdir(exist_ok=True)
                await parent.model.save(given)
                await model.load(given)
                await model.average(wish.weights, "policy", 0.0)
                await model.publish()
                await run.save()
                shutil.rmtree(given)
            await self.play(wish.recipe, run)
            await run.hand_back()
        finally:
            run.grader.close()
            run.folder.close()
        last = run.watcher.steps[-1] if run.watcher.steps else {}
        return {"steps": run.position, "state": dict(run.state), "numbers": dict(last), "ledger": run.ledger.snapshot()}
