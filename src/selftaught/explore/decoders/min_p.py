"""Min-p: a token must be at least so many times as probable as the likeliest."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from selftaught.decoding import Decoder
from selftaught.parts import BadInput, part


@part
@dataclass(frozen=True, kw_only=True)
class MinP(Decoder):
    """Leave out tokens with p < share * max p (arXiv:2407.01082), so that the nucleus is wide only where the model is unsure.

    Departs from the paper: probabilities are those at temperature 1, whatever the temperature that is then applied, so
    that share and temperature can be chosen apart.

    Attributes:
        share: of the largest probability, in (0, 1].
    """

    paper: ClassVar[str] = "arXiv:2407.01082"
    share: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise BadInput(f"share={self.share} must lie in (0, 1]")

    def logits(self, logits_n_V: Any, beside_n_V: Any) -> Any:
        """P < share * max p is l < max l + log share, without a softmax."""
        least_n_1 = logits_n_V.amax(-1, keepdim=True) + math.log(self.share)
        return logits_n_V.masked_fill(logits_n_V < least_n_1, -math.inf)
