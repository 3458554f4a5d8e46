"""Groups that can teach: those whose attempts were scored differently."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from selftaught.parts import part
from selftaught.protocols import Run
from selftaught.stages import Select
from selftaught.train.credit.streams import comparable, differ
from selftaught.types import Group


@part
@dataclass(frozen=True, kw_only=True)
class Signal(Select):
    """Drops groups whose scores are all equal or missing (DAPO's dynamic sampling, arXiv:2503.14476).

    Departs from the paper: nothing is sampled in their place. The share dropped is noted as
    `zero_signal_groups`.

    Attributes:
        score: name of the scores that are compared.
        by_view: compare attempts at the same wording only, as GroupCentred does by default.
    """

    paper: ClassVar[str] = "arXiv:2503.14476"
    score: str = "reward"
    by_view: bool = True

    def select(self, run: Run, groups: Sequence[Group]) -> list[Group]:
        """The groups with two different scores, in order."""
        kept = [g for g in groups if any(differ(g.values(self.score)[i]) for i in comparable(g, self.score, self.by_view))]
        if groups:
            run.note("zero_signal_groups", 1 - len(kept) / len(groups))
        return kept
