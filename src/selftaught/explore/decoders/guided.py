"""Guided: away from what would be said without the question."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from selftaught.decoding import Decoder
from selftaught.parts import BadInput, part
from selftaught.types import Message


@part
@dataclass(frozen=True, kw_only=True)
class Guided(Decoder):
    """Classifier-free guidance for text (arXiv:2306.17806): l = l_beside + weight (l - l_beside).

    l_beside are the logits after the same reply to another question. A weight of 1 changes nothing, more follows the
    question closer; with `instead` an order to do the contrary, this is negative prompting. Each token costs two forward
    passes: the second context counts as prompted, the reply behind it as scored.
    Departs from the paper: what stands beside is a rendered conversation and not the prompt's last token, because a chat
    model says nothing sensible after less.

    Attributes:
        weight: of the difference, at least 0.
        instead: what the last user turn says in the second conversation.
    """

    paper: ClassVar[str] = "arXiv:2306.17806"
    weight: float = 1.5
    instead: str = "Say something."

    def __post_init__(self) -> None:
        if not 0 <= self.weight <= 100 or not math.isfinite(self.weight):
            raise BadInput(f"weight={self.weight} must lie in [0, 100]")

    def beside(self, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        """The conversation with another last question."""
        asked = [i for i, message in enumerate(messages) if message.role == "user"][-1:]
        return tuple(Message(m.role, self.instead) if i in asked else m for i, m in enumerate(messages))

    def logits(self, logits_n_V: Any, beside_n_V: Any) -> Any:
        """Logits differ from log-probabilities by a number a row, which a softmax does not see."""
        return beside_n_V + self.weight * (logits_n_V - beside_n_V)
