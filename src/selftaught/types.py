"""Every type that crosses a stage. Suffix letters: P groups, G attempts of a group, T tokens, D examples,
V views, B rows, N all items of a batch. Arrays are numpy; `f32[T]` is dtype and shape.

    Task -explore-> Attempt[G] -supervise, reflect-> Score, Attempt -train-> Example[D] -> generation+1
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from selftaught.payload import Payload, hashable
from selftaught.seals import Sealed as Sealed

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Bools = NDArray[np.bool_]
Source = Literal["self", "peer", "rule", "gold", "teacher", "human"]
Purpose = Literal["train", "select", "audit", "evaluate"]
Split = Literal["train", "development", "audit", "held-out"]
Stop = Literal["end", "length", "error"]
SOURCES: tuple[Source, ...] = ("self", "peer", "rule", "gold", "teacher", "human")
PURPOSES: tuple[Purpose, ...] = ("train", "select", "audit", "evaluate")


def content_hash(*content: Any) -> str:
    """16 hexadecimal digits that depend on nothing but the content."""
    return hashlib.blake2b(json.dumps(content, sort_keys=True, default=hashable).encode(), digest_size=8).hexdigest()


class Message(NamedTuple):
    """One turn of a conversation; role is system, user, assistant or tool."""

    role: str
    content: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """One question, game, row or goal.

    Attributes:
        id, prompt: content hash of prompt, payload and source; text, or a conversation.
        start, payload: context token ids or a snapshot to begin from; what is not text (a table row, an image).
        sealed: gold, which opens for the run's grader alone (see `seals`); None when there is none.
        key: an answer that is no secret: one a question is to be written for, or one its author, a model, says it has.
        checker: who grades: "" (nobody), "equal" (the sealed answer), "own" (the key), "rule" or "gold" (the source decides).
        numeric: its answer is known to be a number, so that a reply without a mark is read for its last one.
        reads: how a reply is read where the format leaves it open ("auto"), in the words of `Format.answer`; "" says nothing.
        source: the text that names the task source, e.g. `sums:level=5`.
        split: which tasks it belongs to; nothing looks at held-out tasks between start and end.
        origin, lineage: "data", or "model" for a task the model wrote, with ids of the attempts it came from.
    """

    id: str
    prompt: str | tuple[Message, ...]
    start: Any = None
    payload: Any = None
    sealed: Sealed | None = None
    key: str = ""
    checker: str = ""
    numeric: bool = False
    reads: str = ""
    source: str = ""
    split: Split = "train"
    origin: Literal["data", "model"] = "data"
    lineage: tuple[str, ...] = ()

    @property
    def messages(self) -> tuple[Message, ...]:
        """The prompt as a conversation."""
        return (Message("user", self.prompt),) if isinstance(self.prompt, str) else self.prompt

    @property
    def text(self) -> str:
        """The prompt as one string."""
        return self.prompt if isinstance(self.prompt, str) else "\n".join(m.content for m in self.prompt)


@dataclass(frozen=True, kw_only=True, slots=True)
class SamplerSettings:
    """How tokens are drawn; hashed into caches and shown by the gate.

    Attributes:
        temperature, top_p: 0 is greedy, logits are divided by it otherwise; nucleus mass in (0, 1].
        max_tokens: most new tokens of one attempt (or of one step of a tree).
        stop: an attempt ends after a token whose text contains one of these.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    max_tokens: int = 64
    stop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < math.inf or not 0 < self.top_p <= 1 or self.max_tokens < 1:
            raise ValueError(f"temperature >= 0, 0 < top_p <= 1 and max_tokens >= 1 are needed, got {self}")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Tokens(Payload):
    """A token sequence that is only ever appended to.

    Attributes:
        ids, sampled: i32[T] token ids, prompt included; bool[T], True where the model chose the token.
        logprobs: f32[T] natural-log probability under the sampling weights at temperature 1 before top_p,
            0 where sampled is False.
    """

    form: ClassVar[str] = "words"
    ids: Ints
    sampled: Bools
    logprobs: Floats

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def sampled_count(self) -> int:
        return int(np.count_nonzero(self.sampled))

    @property
    def opened(self) -> int:
        """Where what the model chose begins: all before it is the prompt. The length, if it chose nothing."""
        return int(np.argmax(self.sampled)) if self.sampled.any() else len(self)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Attempt:
    """A rollout: one sequence, and how it came about. A failed attempt is data.

    Attributes:
        id: request key and index; unique in a run.
        task: id of the task.
        payload: tokens with the prompt in them, or another modality.
        text, messages: what the model wrote last, and the conversation before it.
        role: label on attempts, scores and ledger rows.
        view: which view (wording, crop) of the task it answers, 0 the original.
        sampler, settings, generation: name of the weights that sampled it, how, and their version.
        stop: why it ended.
        parents, fork: attempts whose content its context holds; index in T where it leaves the one it continues.
        error: one line when stop is "error".
    """

    id: str
    task: str
    payload: Any
    text: str = ""
    messages: tuple[Message, ...] = ()
    role: str = "solver"
    view: int = 0
    sampler: str = "policy"
    settings: SamplerSettings = field(default_factory=SamplerSettings)
    generation: int = 0
    stop: Stop = "end"
    parents: tuple[str, ...] = ()
    fork: int | None = None
    error: str = ""

    @property
    def logprob(self) -> float:
        """Sum of log-probabilities of the sampled tokens, in nats."""
        return float(self.payload.logprobs[self.payload.sampled].sum())

    @property
    def sampled_count(self) -> int:
        """Number of items (tokens) the model chose."""
        return int(self.payload.sampled_count)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Score:
    """One judgment of one attempt; an attempt may have several.

    Attributes:
        attempt: id of the attempt.
        name, value: "reward" unless several are kept apart; NaN means not scored: excluded, never zeroed.
        source, judge: who says so, and the name of the part that said it.
        confidence, per_item: in [0, 1]; f32[T] where items differ (step values), else None.
        note: one line for the report (the winning answer, a critique).
    """

    attempt: str
    value: float
    source: Source
    judge: str
    name: str = "reward"
    confidence: float = 1.0
    per_item: Floats | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Group:
    """Attempts that are compared with each other (one task's, one game's, one view pair's)."""

    key: str
    task: Task
    attempts_G: tuple[Attempt, ...]
    scores: tuple[Score, ...] = ()

    def values(self, name: str = "reward") -> Floats:
        """f32[G]: the last score of that name of each attempt, NaN where there is none."""
        last = {s.attempt: s.value for s in self.scores if s.name == name}
        return np.array([last.get(a.id, np.nan) for a in self.attempts_G], np.float32)

    def scored(self, scores: Sequence[Score]) -> Self:
        """This group with further scores."""
        return replace(self, scores=(*self.scores, *scores))

    def joined(self, attempts: Sequence[Attempt], scores: Sequence[Score] = ()) -> Self:
        """This group with further attempts (and their scores)."""
        return replace(self, attempts_G=(*self.attempts_G, *attempts), scores=(*self.scores, *scores))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Example:
    """What the learner is given: payloads and named streams over their items, end to end.

    Attributes:
        payloads: 1, or V views (chosen and rejected, two crops).
        streams: name -> f32[items] or f32[items, K]; losses say which they read.
        attempt, source, generation: id of the first attempt, where its signal came from, and the sampler's version.
    """

    payloads: tuple[Any, ...]
    streams: Mapping[str, Floats]
    attempt: str = ""
    source: Source = "self"
    generation: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleRequest:
    """A wish for n attempts from one context. `key` is unique in a run and, with the index, seeds the noise.

    Attributes:
        messages: turns that open the conversation; with `after`, turns appended to that attempt's tokens.
        after, cut: continue this attempt's tokens, or only the first `cut` of them (a tree node's fork).
        noise: noise key, when it must differ from `key` (paired evaluation).
        remember: what is computed for it will be wanted again, because attempts are continued or scored.
        decoder: a part that says what logits tokens are drawn from (see `decoding.Decoder`); None takes them as they are.
    """

    key: str
    task: Task
    messages: tuple[Message, ...]
    n: int = 1
    settings: SamplerSettings = field(default_factory=SamplerSettings)
    role: str = "solver"
    view: int = 0
    weights: str = "policy"
    after: Attempt | None = None
    cut: int | None = None
    noise: str = ""
    remember: bool = False
    decoder: Any = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreRequest:
    """A wish for log-probabilities of a payload's tokens, and for other outputs by name ("value", "top:20"; see `models.outputs`).

    Attributes:
        attempt: id of the attempt the payload is of, of which the model may remember what it computed; "" for none.
        start: outputs of the items before it are not wanted, and may be 0.
    """

    key: str
    payload: Any
    outputs: tuple[str, ...] = ("logprobs",)
    weights: str = "policy"
    role: str = "solver"
    attempt: str = ""
    start: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One line of a plan: how many attempts a task gets, and how."""

    task: Task
    n: int
    settings: SamplerSettings


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Evaluation:
    """A number about one generation, with its interval and the values it is the mean of.

    Attributes:
        name, value: the measure; its mean over units, NaN where nothing could be measured.
        low, high, n: 95% interval over the units, NaN where there is one; how many units.
        unit: what a value belongs to (task, row, deal, seed ...), so that two sides can be paired.
        per_item: f32[units], or f32[units, n] with n values each; NaN where a unit could not be measured.
    """

    name: str
    value: float
    low: float
    high: float
    n: int
    unit: str = "task"
    seed: int = 0
    split: Split = "held-out"
    generation: int = 0
    per_item: Floats = field(default_factory=lambda: np.zeros(0, np.float32))
