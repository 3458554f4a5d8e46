"""Off-context distillation: what the model says with a document before it is taught without the document."""

from asyncio import gather
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from selftaught.parts import BadInput, part
from selftaught.protocols import Run
from selftaught.stages import Credit
from selftaught.train.credit.streams import trainable
from selftaught.types import Attempt, Example, Floats, Group, Ints, Tokens


@part
@dataclass(frozen=True, kw_only=True)
class OffContext(Credit):
    """The teacher's K likeliest tokens with a system turn before the conversation, for the same tokens without it (arXiv:2506.06266).

        teacher_logprobs_tk = log p_teacher(token k | document, conversation before t),  k the K largest

    An example is the conversation without its system turn, ids as they were sampled. Every token of it is taught that has the same
    token before it in both, which leaves out the first of them: question and answer both, as in the paper's released code.
    Attempts without a system turn teach nothing.

    Attributes:
        top: tokens kept (K), from 1 to 1024.
        teacher: name of the weights that see the document.
        question: teach the question's tokens too, and not the answer's alone.

    Raises:
        BadInput: for another K.
    """

    paper: ClassVar[str] = "arXiv:2506.06266"
    writes: ClassVar[tuple[str, ...]] = ("teacher_ids", "teacher_logprobs", "mask")
    top: int = 20
    teacher: str = "policy"
    question: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.top <= 1024:
            raise BadInput(f"off-context: top={self.top} must be from 1 to 1024 tokens")

    @property
    def asks(self) -> tuple[str, ...]:  # type: ignore[override]
        return (f"top:{self.top}",)

    async def credit(self, run: Run, groups: Sequence[Group]) -> list[Example]:
        """One example for each attempt with a document before it."""
        told = [a for group in groups for a in group.attempts_G if trainable(a) and a.messages and a.messages[0].role == "system"]
        found = await gather(*(self.example(run, attempt) for attempt in told))
        return [example for example in found if example is not None]

    async def example(self, run: Run, attempt: Attempt) -> Example | None:
        """One conversation without its document; None when the budget is spent."""
        [name] = self.asks
        seen, bare = attempt.payload, without_system(run, attempt)
        first = bare.opened if not self.question else len(bare) - alike(seen.ids, bare.ids) + 1
        start = first + len(seen) - len(bare)
        given = await run.score(f"teacher:{attempt.id}", seen, outputs=(name,), weights=self.teacher, attempt=attempt.id, start=start)
        if not given:
            return None
        taught_T = np.arange(len(bare)) >= first
        streams: dict[str, Floats] = {"mask": taught_T.astype(np.float32)}
        for stream, output in (("teacher_ids", f"{name}/ids"), ("teacher_logprobs", name)):
            streams[stream] = np.zeros((len(bare), self.top), np.float32)
            streams[stream][taught_T] = given[output][start:]
        return Example(payloads=(bare,), streams=streams, attempt=attempt.id, source="self", generation=attempt.generation)


def without_system(run: Run, attempt: Attempt) -> Tokens:
    """An attempt's tokens as a reply to its conversation without the system turn."""
    context, reply = run.tokens(attempt.messages[1:]).ids, slice(attempt.payload.opened, None)
    payload = attempt.payload
    ahead = np.zeros(len(context))
    return Tokens(
        ids=np.concatenate([context, payload.ids[reply]]).astype(np.int32),
        sampled=np.concatenate([ahead > 0, payload.sampled[reply]]),
        logprobs=np.concatenate([ahead, payload.logprobs[reply]]).astype(np.float32),
    )


def alike(one: Ints, other: Ints) -> int:
    """How many last ids are the same."""
    n = min(len(one), len(other))
    differ = np.flatnonzero(one[len(one) - n :] != other[len(other) - n :])
    return n if not len(differ) else n - 1 - int(differ[-1])
