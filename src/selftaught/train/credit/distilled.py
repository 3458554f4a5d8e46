"""What another model finds likeliest at every token an attempt chose."""

from asyncio import gather
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from selftaught.parts import BadInput, part
from selftaught.protocols import Run
from selftaught.stages import Credit
from selftaught.train.credit.streams import mask_of, trainable
from selftaught.types import Attempt, Example, Floats, Group

# What models give (see `models.outputs`).
MOST = 1024


@part
@dataclass(frozen=True, kw_only=True)
class Distilled(Credit):
    """The `top` likeliest tokens of a teacher at each sampled token, for TopDistillation (on-policy, arXiv:2306.13649).

    Departs from the paper, which takes the divergence over the whole vocabulary and may train on the teacher's own text.

    Attributes:
        weights: whose tokens: a model of the recipe, or other named weights.
        top: how many (K).

    Raises:
        BadInput: for a `top` out of range.
    """

    paper: ClassVar[str] = "arXiv:2306.13649"
    writes: ClassVar[tuple[str, ...]] = ("teacher_ids", "teacher_logprobs", "mask")
    asks: ClassVar[tuple[str, ...]] = ("top:1",)
    weights: str = "teacher"
    top: int = 20

    def __post_init__(self) -> None:
        if not 1 <= self.top <= MOST:
            raise BadInput(f"top={self.top} must be from 1 to {MOST}")

    async def credit(self, run: Run, groups: Sequence[Group]) -> list[Example]:
        """One example for each attempt with sampled tokens, as far as the budget goes."""
        attempts = [attempt for group in groups for attempt in group.attempts_G if trainable(attempt)]
        made = await gather(*(self.example(run, attempt) for attempt in attempts))
        return [example for example in made if example is not None]

    async def example(self, run: Run, attempt: Attempt) -> Example | None:
        """None when the scoring no longer fits the budget."""
        payload, name = attempt.payload, f"top:{self.top}"
        reply = await run.score(
            f"distilled:{attempt.id}", payload, outputs=(name,), weights=self.weights, role="teacher", start=payload.opened
        )
        if not reply:
            return None
        mask_T: Floats = mask_of(payload)
        streams = {
            "teacher_ids": reply[f"{name}/ids"].astype(np.float32), "teacher_logprobs": reply[name].astype(np.float32), "mask": mask_T,
        }  # fmt: skip
        return Example(payloads=(payload,), streams=streams, attempt=attempt.id, source="teacher", generation=attempt.generation)
