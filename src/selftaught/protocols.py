"""The seam between parts and machines: the seven verbs of a model, and the run that parts speak through."""

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, TypeVar, runtime_checkable

import numpy as np

from selftaught.interaction import Ended, Reply
from selftaught.types import (
    Attempt,
    Example,
    Floats,
    Group,
    Message,
    Purpose,
    SampleRequest,
    SamplerSettings,
    ScoreRequest,
    Task,
    Tokens,
)

T = TypeVar("T")


class Member(NamedTuple):
    """Who answers to a name of weights: its name in a cast, "" for the model itself, and its number of parameters."""

    name: str
    parameters: int


@runtime_checkable
class Model(Protocol):
    """Seven async verbs: sample, score, learn, average, publish, save, load. Batching, devices and optimizers live behind them.

    Verbs name weights: "policy" (what is trained and, once published, sampled), "start" (frozen), "ema", "teacher",
    "value" and others a recipe declares. A name nothing was written to yet reads as the policy. Each call to `sample` and
    `score` is one wave, sorted by key; a backend may order the work inside as it likes, and answers in the order asked.

    Attributes:
        capabilities: what it can be asked for (see `models.capabilities`).
        parameters: how many it has, for FLOPs.
        lexicon: what its token ids mean, as a hash: models with equal ones read each other's tokens.
    """

    capabilities: frozenset[str]
    parameters: int

    @property
    def lexicon(self) -> str: ...

    async def sample(self, requests: Sequence[SampleRequest]) -> list[list[Attempt]]:
        """`n` attempts a request; noise belongs to (noise key or key, index, position)."""

    async def score(self, requests: Sequence[ScoreRequest]) -> list[dict[str, Floats]]:
        """Named outputs a request: "logprobs" f32[T] (0 at the first token), "entropy" f32[T], "value" f32[T] ..."""

    async def learn(self, examples: Sequence[Example], objectives: Sequence[Any]) -> dict[str, float]:
        """Take the optimizer steps the objectives ask for; returns metrics by name."""

    async def average(self, source: str, into: str, decay: float) -> None:
        """Set into = decay * into + (1 - decay) * source; at decay 0 this copies. `into` starts as a copy of `source`."""

    async def publish(self, weights: str = "policy") -> int:
        """Let the samplers see what was learned; returns the new generation number."""

    async def save(self, folder: Path) -> None:
        """All named weights and optimizer states, exactly."""

    async def load(self, folder: Path) -> None:
        """The inverse of `save`."""

    def count(self, messages: tuple[Message, ...], after: Attempt | None = None, cut: int | None = None, weights: str = "policy") -> int:
        """Tokens the context of a request has for whoever answers to the weights, for the budget."""

    def drop(self, weights: str) -> None:
        """Forget named weights and what was learned of them; the name reads as the policy again."""

    def member(self, weights: str = "policy") -> Member:
        """Who answers to a name of weights: a model alone does to all of them, a cast has several."""

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

    def tokens(self, messages: tuple[Message, ...], reply: str) -> Tokens:
        """A conversation and a reply to it as tokens, the reply's marked as sampled, of unknown probability (0)."""

    def asked_by(self, format: Any) -> None:
        """Render and read by another format from now on."""


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
    settings: SamplerSettings
    pool: Pool

    @property
    def state(self) -> Mapping[str, Any]:
        """What the recipe remembers, by the names it declared; not to be changed in place."""

    def write(self, name: str, value: Any) -> None:
        """Set a state; raises BadInput outside the stages `update` and `keep`, and for a name the recipe does not declare."""

    async def average(self, source: str, into: str, decay: float) -> None:
        """Fold named weights into others: into = decay * into + (1 - decay) * source."""

    async def learn(self, examples: Sequence[Example], objectives: Sequence[Any]) -> dict[str, float] | None:
        """Learn outside the loop's own learning, usually of scratch weights; None when the budget is spent.

        A resumed run learns it again: what is learned in between is not journaled, and depends on the examples alone.
        """

    def scratch(self, source: str = "policy") -> AbstractAsyncContextManager[str]:
        """The name of weights that begin as `source`, may be learned and asked inside, and are dropped; one at a time."""

    async def child(
        self, tag: str, recipe: Any, *, budget: int, weights: str = "policy", tasks: tuple[str, ...] = ()
    ) -> Ended | None:  # fmt: skip
        """A run of another recipe inside this one, of at most `budget` tokens; None when they no longer fit.

        It begins from named weights as they are now, learns in a model of its own, and lives in a folder below this run's; its
        ledger is added to this one's. Journaled as one reply: a resumed run takes what it came to, or goes on with it.
        `tag` as in `sample`; `tasks` are its sources, this run's when empty.
        """

    def tokens(self, messages: tuple[Message, ...], reply: str = "") -> Tokens:
        """A conversation, and a reply that was not sampled, as the payload of an attempt; see `Model.tokens`."""

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
        decoder: Any = None,
    ) -> list[Attempt]:
        """`n` attempts; an empty list when their worst case no longer fits the budget.

        `tag` must be unique among this step's calls for the same task and role; `decoder` is a `decoding.Decoder`.
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

        Without `gold` only a checker answers that decides from the prompt, or from the key its author gave the task. With it,
        an answer may be read, which is counted under the purpose.
        """

    async def call(self, tag: str, task: Task, tool: Any, argument: str, *, role: str = "solver") -> Reply:
        """What a tool answers; a call that fails is a reply that says so. `tag` as in `sample`."""

    def reveal(self, task: Task, purpose: Purpose = "train") -> str | None:
        """The answer of a task, to be shown (a hint, an answer to explain), "" where it has none: counted, and refused unless a
        part declares "gold". None where nothing may be told: a method that is asked beside its run.
        """

    def answer(self, text: str, task: Task) -> str | None:
        """The canonical answer in a reply to a task by the run's Format; equal answers are equal strings."""

    def written(self, answer: str, task: Task) -> str:
        """A reply that says an answer as the run's Format reads it: the inverse of `answer`."""

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """The text of each token by itself, as the model's tokenizer has it."""

    def rng(self, *key: Any) -> random.Random:
        """Random numbers that depend on the run's seed, the step and the key alone."""

    def note(self, name: str, value: float) -> None:
        """Record a number of this step for the log."""

    def fault(self, kind: Literal["attempts", "checks", "verdicts", "calls"], failed: int, tried: int) -> None:
        """Count what came to nothing of so many; the run goes on, unless it is most of a step (see `run.faults`)."""

    def world(self, name: str, options: Mapping[str, Any]) -> Any:
        """A world by name."""


class Answered(Protocol):
    """What one side said on B held-out tasks, and whether it was right: f32[B,n] as stated, answers read, f32[B,m] at its best."""

    @property
    def correct_B_n(self) -> Floats: ...

    @property
    def answers_B_n(self) -> tuple[tuple[str | None, ...], ...]: ...

    @property
    def best_B_m(self) -> Floats: ...


class Subject(Protocol):
    """What a measure looks at: one side of a run or a checkpoint. What it is asked is outside any budget.

    Attributes:
        run: grades replies (as evaluated), reads answers, opens worlds.
        model, weights: who is asked, and by which of its weights.
        tasks: held-out tasks; both sides meet the same ones.
        sources: the task sources, for what is no task (a table's other rows, a game's rules).
        settings: the stated sampler.
        seed: of the noise, which both sides share.
        steps: the numbers of each step of its run, none of a model that stands alone.
    """

    run: Run
    model: Model
    weights: str
    tasks: Sequence[Task]
    sources: tuple[Any, ...]
    settings: SamplerSettings
    seed: int
    steps: Sequence[Mapping[str, float]]

    async def once(self, key: str, ask: Callable[[], Awaitable[T]]) -> T:
        """What `ask` gives, which several measures look at, asked the first time alone."""

    async def answered(self, n: int, best: bool = False) -> Answered:
        """`n` attempts a held-out task as the gate draws them, journaled; with `best` those at the side's best decoding too."""

    async def right_replies(self, count: int) -> Floats:
        """f32[B]: whether the method's one reply to each of the first `count` held-out tasks is right, NaN where there is none."""

    async def replied(self, n: int) -> Answered:
        """`n` replies a held-out task of the run's whole method (explore, read, decide), tools and memory and all, on either side."""

    async def made(self, tasks: Sequence[Task]) -> Sequence[Group]:
        """What the run's method makes of any tasks, explored and read; nothing is learned."""
