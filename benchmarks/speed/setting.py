"""What both sides are given: the model, the same tasks in the same order, the same lengths and the same reward."""

import os
import random
from functools import lru_cache
from pathlib import Path

from benchmarks.speed.worker import MODEL, SIZES

from selftaught.format import Format
from selftaught.jobs.job import SPROUT
from selftaught.tasks.pool import TaskPool
from selftaught.tasks.source import parse_source
from selftaught.tasks.splits import split
from selftaught.types import Task

# A folder of another model, for this process and those it starts; such a model is trained by an adapter.
OTHER = os.environ.get(MODEL, "")
FOLDER, ADAPTER = (Path(OTHER), "lora") if OTHER else (SPROUT, "")
# Two rules that decide from the prompt; about half the groups of 8 are all right or all wrong, as in the wild.
SOURCES = ("sort:level=7", "subset:level=5")
PROMPTS, GROUP, NEW_TOKENS = map(int, os.environ.get(SIZES, "64x8x48").split("x"))
TEMPERATURE = 1.0
# Small, so that what is timed stays what it was: lengths and signal of the start.
STILL = 1e-7
CLIP, BETAS, MAX_NORM = 0.2, (0.9, 0.99), 1.0
TASKS_SEED, HELD_OUT = 5, 400


@lru_cache(maxsize=8)
def opened(sources: tuple[str, ...], seed: int) -> tuple[TaskPool, tuple[Task, ...]]:
    """A pool to train on, and held-out tasks it never meets."""
    pool, splits = split(list(sources), seed=seed, counts={"held-out": HELD_OUT})
    return pool, tuple(splits["held-out"])


def draws(sources: tuple[str, ...], seed: int, steps: int, count: int = PROMPTS) -> list[list[Task]]:
    """The tasks of each step, equal in every process."""
    pool, _ = opened(sources, TASKS_SEED)
    return [pool.draw(random.Random(f"{seed}/{step}"), count) for step in range(steps)]


def held_out(sources: tuple[str, ...]) -> list[Task]:
    """Held-out tasks, equal in every process."""
    return list(opened(sources, TASKS_SEED)[1])


def reward(task: Task, text: str) -> float:
    """What `supervise.Rule` gives an attempt with this text."""
    answer = Format().canonical(text)
    return 0.0 if answer is None else float(parse_source(task.source).check(task, answer, None))


class Listed:
    """A pool that hands out the tasks of each step in turn. Attributes: what `models.base.Pool` asks for."""

    def __init__(self, steps: list[list[Task]], sources: tuple[str, ...]) -> None:
        self.steps, self.sources = iter(steps), sources

    def draw(self, rng: random.Random, count: int, source: str = "") -> list[Task]:
        """The next step's tasks."""
        return next(self.steps)[:count]

    def add(self, tasks: object) -> int:
        """Nothing is added."""
        return 0

    def snapshot(self) -> dict[str, object]:
        """Nothing to save."""
        return {}

    def restore(self, snapshot: object) -> None:
        """Nothing to restore."""
