"""Prefix: weights that are not the model's, a few key-value pairs before every context."""

from dataclasses import dataclass
from typing import ClassVar

from selftaught.parts import BadInput, Part, part


@part
@dataclass(frozen=True, kw_only=True)
class Prefix(Part):
    """Trained keys and values of `tokens` places in every layer, in front of whatever is read (cartridges, arXiv:2506.06266).

    A name of weights that stands for a prefix is the policy with those places before its context: `weights="notes"` samples
    and scores behind it, an objective that updates "notes" changes it alone. "notes+facts" is both, one behind the other.
    They begin as the keys and values of the first tokens of a corpus or text, or of tokens drawn by the seed where none is given;
    a file NAME.safetensors that a run has saved is taken up as it is.

    Departs from the paper: keys are kept as they were rotated, so the places of a second prefix do not know that they come
    later.

    Attributes:
        tokens: places (K).
        fixed: how many of them, from the first on, are not trained: without one that all look at, training is unstable.
        corpus: what they begin as: a file or folder of text, a saved prefix, "tasks" for the documents of the task sources or "tasks:0"
            for those of the first, "" for none.
        text: this text, in place of a corpus.

    Raises:
        BadInput: for sizes that leave nothing to train, and a text beside a corpus.
    """

    kind: ClassVar[str] = "weights"
    paper: ClassVar[str] = "arXiv:2506.06266"
    tokens: int = 64
    fixed: int = 1
    corpus: str = ""
    text: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.tokens <= 2**20 or not 0 <= self.fixed < self.tokens:
            raise BadInput(f"tokens={self.tokens} must be from 1 to {2**20:,}, and fixed={self.fixed} at least 0 and below it")
        if self.corpus and self.text:
            raise BadInput(f"prefix: it can begin as text or as corpus '{self.corpus}', not as both: leave one of them out")

    @property
    def source(self) -> int | None:
        """Which task source's documents it begins as, -1 for those of all; None for none."""
        kind, colon, which = self.corpus.partition(":")
        if kind != "tasks" or not (which.isdecimal() or not colon):
            return None
        return int(which) if which else -1
