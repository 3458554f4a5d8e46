"""What a language model is made of beside its renderer: a sampler that says tokens, and a trainer that holds the weights.

Neither knows the other. `LanguageModel` tells the sampler when weights change, and the trainer how to look up what the
sampler remembers; so any sampler goes with any trainer.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from torch import Tensor

from selftaught.models.language.draws import Draw, Drawn
from selftaught.stages import Objective
from selftaught.types import Example, Floats, ScoreRequest

# Last hidden states f32[T - start, H] under named weights that are remembered for a request; None where they are not.
Recall = Callable[[str, ScoreRequest], Tensor | None]


class Sampler(Protocol):
    """What named weights say. Noise belongs to a draw's key and the position alone.

    Attributes:
        capabilities: what it adds to a language model's ("decoder").
        limit: most tokens of a sequence.
        wave_rows: attempts of one wave that are best asked for together.
        warm: whether what was sampled since the last change of weights is remembered for those who continue it.
        metrics: what there is to say of the hand-over of weights, for the log.
    """

    capabilities: frozenset[str]

    @property
    def limit(self) -> int: ...

    @property
    def wave_rows(self) -> int: ...

    @property
    def warm(self) -> bool: ...

    @property
    def metrics(self) -> Mapping[str, float]: ...

    def draw(self, name: str, draws: Sequence[Draw]) -> Sequence[Drawn]:
        """What named weights say after each draw's context, in the order asked."""

    def recall(self, name: str, request: ScoreRequest) -> Tensor | None:
        """See `Recall`."""

    def mark(self, name: str) -> str:
        """What ends the digest of named weights whose noise or rounding is not the local sampler's."""

    def forget(self) -> None:
        """What was computed and remembered is no longer asked for."""

    def before_change(self, names: Collection[str]) -> None:
        """Named weights are about to change: what was computed with any is dropped."""

    def renew(self) -> None:
        """Take over the policy where it has changed since it was last taken over."""


class Trainer(Protocol):
    """Named weights, and everything that computes with or changes them but sampling.

    Attributes:
        parameters, generation: number of parameters, without adapter and heads; how often the policy was published.
        limit, vocabulary: most tokens of a sequence; width of the logits.
    """

    parameters: int
    generation: int
    limit: int
    vocabulary: int

    def held(self, name: str) -> int:
        """Places of a sequence that named weights take for themselves."""

    def score(self, requests: Sequence[ScoreRequest], recall: Recall) -> list[dict[str, Floats]]:
        """The outputs of each request, in the order asked."""

    def learn(self, examples: Sequence[Example], objectives: Sequence[Objective]) -> dict[str, float]:
        """Take the optimizer steps; returns metrics."""

    def average(self, source: str, into: str, decay: float) -> None:
        """Set into = decay * into + (1 - decay) * source."""

    def drop(self, name: str) -> None:
        """Forget named weights, and what was learned of them."""

    def save(self, folder: Path) -> None:
        """Write all of it, exactly."""

    def load(self, folder: Path) -> None:
        """The inverse of `save`."""

    def digest(self, name: str, ends: Collection[int]) -> str:
        """Content hash of named weights and of what else decides their text; `ends` are the ids that end an attempt."""
