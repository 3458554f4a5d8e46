"""What a sampler is told beyond temperature and nucleus: a decoder, which says what logits tokens are drawn from."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from selftaught.parts import Part
from selftaught.types import Message


@dataclass(frozen=True, kw_only=True)
class Decoder(Part):
    """How tokens are chosen from logits, step by step. Temperature and nucleus are applied to what it gives.

    It works on tensors of all rows at once and never reads one back, so that any device can repeat a step. An attempt's
    log-probabilities stay those of the weights themselves, as importance ratios need them.
    """

    kind: ClassVar[str] = "decoder"

    def beside(self, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        """A second conversation that is continued with the same tokens, for its logits; () for none."""
        return ()

    @abstractmethod
    def logits(self, logits_n_V: Any, beside_n_V: Any) -> Any:
        """The logits f32[n,V] to draw from: of those after a context, and those after the second one (the same where none)."""


def second_question(decoder: Any, messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """The conversation that a decoder, or none, compares with; () for none."""
    return decoder.beside(messages) if decoder is not None else ()
