"""The dispatcher between parts and machines: the six verbs of a model, and the run that parts speak through."""

import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np

from selftaught.types import (
    Attempt,
    Example,
    Floats,
    Message,
    Purpose,
    SampleRequest,
    SamplerSettings,
    ScoreRequest,
    Task,
)


@runtime_checkable
class Model(Protocol):
    """Six async verbs. Batching, devices and optimizers live behind them.

    Every verb names weights: "policy" (what is trained and, once published, sampled), "start" (frozen),
    "ema", "teacher", "value" and others a recipe declares. Each call to `sample` and `score` is one wave,
    sorted by key; a backend may order the work inside as it likes, and answers in the order asked.
    """

    capabilities: frozenset[str]
    parameters: int

    async def sample(self, requests: Sequence[SampleRequest]) -> list[list[Attempt]]:
        """`n` attempts a request; noise belongs to (noise key or key, index, position)."""

    async def score(self, requests: Sequence[ScoreRequest]) -> list[dict[str, Floats]]:
        """Named outputs a request: "logprobs" f32[T] (0 at the first token), "entropy" f32[T], "value" f32[T] ..."""

    async def learn(self, examples: Sequence[Example], objectives: Sequence[Any]) -> dict[str, float]:
        """Take the optimizer steps the objectives ask for; returns metrics by name."""

    async def publish(self, weights: str = "policy") -> int:
        """Let the samplers see what was learned; returns the new generation number."""

    async def save(self, folder: Path) -> None:
        """All named weights and optimizer states, exactly."""

    async def load(self, folder: Path) -> None:
        """The inverse of `save`."""

    def count(self, messages: tuple[Message, ...], after: Attempt | None = None, cut: int | None = None) -> int:
        """Tokens the context of a request has, for the budget."""

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """The text of each token by itself."""

    def digest(self, weights: str = "policy") -> str:
        """Content hash of named weights and of whatever else decides what they sample; equal for equal ones."""


class TextModel(Protocol):
    """What a model that is asked in words has beside the verbs ("text" is among its capabilities).

    Attributes:
        limit: most tokens of a sequence.
        chat: whether a chat template of its own is used.
    """

    limit: int

    @property
    def chat(self) -> bool: ...

    def count(self, messages: tuple[Message, ...]) -> int:
        """Tokens of a rendered conversation."""

    def shown(self, messages: tuple[Message, ...]) -> str:
        """A rendered conversation as text, special tokens and all."""

    def asked_by(self, format: Any) -> None:
        """Render and read by another format from now on."""


class Environment(Protocol):
    """A game or world. It owns its random key; `snapshot` and `restore` make tree search and resume possible."""

    seats: int

    def reset(self, key: str) -> None:
        """Begin anew; every draw depends on the key alone."""

    def observe(self) -> tuple[int, str]:
        """(seat to move, what that seat sees)."""

    def step(self, action: str) -> tuple[float, ...] | None:
        """Play; returns one return per seat when the game is over. An illegal action loses."""

    def snapshot(self) -> Any:
        """JSON-ready state."""

    def restore(self, snapshot: Any) -> None:
        """The inverse of `snapshot`."""


class Pool(Protocol):
    """The tasks a run may draw from: its sources and the tasks parts have added. Saved with a generation."""

    sources: tuple[str, ...]

    def draw(self, rng: random.Random, count: int, source: str = "") -> list[Task]:
        """Up to `count` distinct training tasks (of one source, or evenly of all), none of them held out."""

    def add(self, tasks: Sequence[Task]) -> int:
        """Put tasks in; returns how many were new and not held out."""


class Run(Protocol):
    """What a part may use. Everything that leaves the process passes here: it is journaled and counted."""

    generation: int
    seed: int
    state: dict[str, Any]
    settings: SamplerSettings

    @property
    def step(self) -> int:
        """Index of the step that is under way."""

    async def sample(
        self,
        tag: str,
        task: Task,
        messages: tuple[Message, ...],
        *,
        n: int = 1,
        settings: SamplerSettings | None = None,
        role: str = "solver",
        view: int = 0,
        weights: str = "policy",
        after: Attempt | None = None,
        cut: int | None = None,
    ) -> list[Attempt]:
        """`n` attempts; an empty list when their worst case no longer fits the budget.

        `tag` must be unique among this step's calls for the same task and role.
        """

    def view(self, tag: str, task: Task, make: Callable[[np.random.Generator], Any], *, n: int = 1, role: str = "solver") -> list[Attempt]:
        """`n` views of a task's payload as attempts, which no model is asked for; an empty list when they no longer fit the budget.

        `make` draws a view from the numbers it is given, which depend on the run's seed, the step, task, tag and index
        alone. Looking at the task counts `Payload.size`, once.
        """

    async def score(
        self, tag: str, payload: Any, *, outputs: tuple[str, ...] = ("logprobs",), weights: str = "policy", role: str = "solver",
        attempt: str = "", start: int = 0,
    ) -> dict[str, Floats]:  # fmt: skip
        """Log-probabilities (or other outputs) of a payload; an empty dict when the budget is spent.

        Outputs are wanted only from the item `start` on, and are 0 before; `attempt` names the attempt it is of.
        """

    async def check(self, task: Task, texts: Sequence[str], purpose: Purpose = "train", gold: bool = False) -> list[float]:
        """Grade texts by the task's checker, in [0, 1]; NaN where it cannot tell.

        Without `gold` only a checker that decides from the prompt answers. With it, an answer may be read,
        which is counted under the purpose.
        """

    def answer(self, text: str, task: Task) -> str | None:
        """The canonical answer in a reply to a task by the run's Format; equal answers are equal strings."""

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """The text of each token by itself, as the model's tokenizer has it."""

    def rng(self, *key: Any) -> random.Random:
        """Random numbers that depend on the run's seed, the step and the key alone."""

    def note(self, name: str, value: float) -> None:
        """Record a number of this step for the log."""

    def fault(self, kind: Literal["attempts", "checks", "verdicts"], failed: int, tried: int) -> None:
        """Count what came to nothing of so many; the run goes on, unless it is most of a step (see `run.faults`)."""

    def environment(self, name: str, options: Mapping[str, Any]) -> Any:
        """A game or world by name."""
