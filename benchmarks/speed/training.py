"""Whole steps of this package's loop, one at a time, through what anyone can import."""

import asyncio
import inspect
import tempfile
import time
from asyncio import gather
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from benchmarks.speed import memory
from benchmarks.speed.setting import BETAS, CLIP, FOLDER, GROUP, MAX_NORM, NEW_TOKENS, PROMPTS, TEMPERATURE

from selftaught.explore import Even, Sample
from selftaught.format import Format
from selftaught.loop import improve
from selftaught.models.language.local import open_local
from selftaught.models.language.model import LanguageModel
from selftaught.monitors.alarms import DEFAULT_MONITORS
from selftaught.protocols import Run
from selftaught.recipe import Phase, Recipe
from selftaught.run.folder import RunFolder
from selftaught.run.training import TrainingRun
from selftaught.stages import Credit, Objective
from selftaught.supervise import Rule
from selftaught.train import AdamW, GroupCentred, PolicyGradient, Signal
from selftaught.train.credit.group_centred import centred
from selftaught.train.credit.streams import comparable, differ, policy_example, source_of
from selftaught.types import Example, Group, SamplerSettings

LONG = 1000
# An advantage that teaches nothing, but which no learner may take for nothing and leave out.
NEARLY_ZERO = 1e-12
SETTINGS = SamplerSettings(temperature=TEMPERATURE, max_tokens=NEW_TOKENS)


def dtypes() -> list[str]:
    """Precisions the sampler can be asked for."""
    return ["float32", "bfloat16"] if "dtype" in inspect.signature(open_local).parameters else ["float32"]


def worth() -> list[str]:
    """Those among which a side may be fastest: a processor without instructions for bfloat16 takes ten times as long for it."""
    from selftaught.models.loading.opening import slow_bfloat16

    return [name for name in dtypes() if name == "float32" or not slow_bfloat16()]


def open_model(dtype: str = "", folder: str | Path = FOLDER, **options: Any) -> LanguageModel:
    """The model at a precision; "" leaves the choice to it."""
    given = {"dtype": dtype} if dtype and len(dtypes()) > 1 else {}
    return open_local(str(folder), device="cpu", **given, **options)


@dataclass(frozen=True, kw_only=True)
class EveryGroup(Credit):
    """GroupCentred with the zero-signal skip off: groups whose rewards are all equal are trained on too."""

    name: ClassVar[str] = "every-group"
    writes: ClassVar[tuple[str, ...]] = ("advantage", "mask", "sampler_logprobs")

    async def credit(self, run: Run, groups: Sequence[Group]) -> list[Example]:
        wishes = []
        for group in groups:
            values_G = group.values()
            for indices in comparable(group, "reward", True):
                told = differ(values_G[indices])
                advantages = centred(values_G[indices], "std") if told else [NEARLY_ZERO] * len(indices)
                for i, advantage in zip(indices, advantages, strict=True):
                    attempt = group.attempts_G[i]
                    wishes.append(policy_example(run, attempt, float(advantage), source_of(group, attempt, "reward"), False))
        return [example for example in await gather(*wishes) if example is not None]


def recipe(lr: float, skip: bool = True, tasks: int = PROMPTS, n: int = GROUP) -> Recipe:
    """Policy gradients on a rule, with the arithmetic the trainer of the other side is told to use."""
    optimizer = AdamW(lr=lr, betas=BETAS, max_norm=MAX_NORM)
    phase = Phase(
        plan=Even(tasks=tasks, n=n), explore=Sample(), read=(Rule(),), select=(Signal(),) if skip else (),
        credit=GroupCentred(scale="std") if skip else EveryGroup(),
        objectives=(Objective(loss=PolicyGradient(clip=CLIP), optimizer=optimizer),), steps=LONG, every=LONG,
    )  # fmt: skip
    return Recipe(name="speed", signal="rule", phases=(phase,))


class Seen(TrainingRun):
    """A run that keeps the groups of its last step. Attributes: those groups."""

    groups: Sequence[Group] = ()

    def record(self, groups: Sequence[Group]) -> None:
        """Log the step's attempts and scores, and keep them."""
        self.groups = groups
        super().record(groups)


class Steps:
    """A run in a folder that is thrown away; an alarm does not end it."""

    def __init__(
        self, model: LanguageModel, recipe: Recipe, pool: Any, seed: int = 0, settings: SamplerSettings = SETTINGS, monitored: bool = True
    ) -> None:
        """Open the run; `recipe` says how a step goes. `monitored` has the monitors every run has, whose first look costs extra."""
        self.folder = tempfile.TemporaryDirectory()
        self.model, self.recipe = model, recipe
        self.run = Seen(
            recipe=recipe, model=model, pool=pool, folder=RunFolder(Path(self.folder.name)), settings=settings, format=Format(),
            seed=seed, monitors=DEFAULT_MONITORS if monitored else (), heed=False,
        )  # fmt: skip
        self.base = memory.rss()

    def step(self) -> dict[str, Any]:
        """Take one; returns its seconds, tokens (prompt and completion of all attempts), extra memory, share of groups without signal."""
        turns = iter((False, True))
        memory.reset_peak()
        began = time.perf_counter()
        asyncio.run(improve(self.recipe, self.run, stop=lambda: next(turns)))
        seconds, extra = time.perf_counter() - began, memory.peak() - self.base
        attempts = [attempt for group in self.run.groups for attempt in group.attempts_G]
        flat = [not differ(group.values()) for group in self.run.groups]
        return {
            "seconds": seconds, "tokens": sum(len(a.payload) for a in attempts), "sampled": sum(a.sampled_count for a in attempts),
            "attempts": len(attempts), "extra_bytes": extra, "flat": sum(flat) / len(flat),
        }  # fmt: skip

    def close(self) -> None:
        """Drop the folder."""
        self.run.grader.close()
        self.run.folder.journal.close()
        self.folder.cleanup()
