"""Faults: single attempts, checks and verdicts that came to nothing are counted, and end the run where they are most of a step."""

from typing import Literal

from selftaught.parts import BadInput
from selftaught.run.ledger import Ledger
from selftaught.types import Purpose

Kind = Literal["attempts", "checks", "verdicts", "calls"]
# What is wrong with them, and what can be done.
KINDS: dict[Kind, tuple[str, str]] = {
    "attempts": ("attempts could not be made (prompts without room, or that the chat template refuses)", "mend the tasks or the template"),
    "checks": ("checks of answers failed", "mend the tasks' checker"),
    "calls": ("calls of tools failed", "mend the tools, or show the model how they are called"),
    "verdicts": ("verdicts of the judge could not be read", "ask it another question, or give another model"),
}
# The share of a step above which nothing is learned from it, and how many it takes to tell.
MOST, FEWEST = 0.5, 8


class Faults:
    """What came to nothing in the step under way, by kind, as (how many, of how many); all of it stands in the ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.step: dict[Kind, tuple[int, int]] = {}

    def count(self, kind: Kind, failed: int, tried: int, purpose: Purpose = "train") -> None:
        """Add so many of so many."""
        before, of = self.step.get(kind, (0, 0))
        self.step[kind] = before + failed, of + tried
        if failed:
            self.ledger.add("faults", kind, failed, purpose=purpose)

    def shares(self) -> dict[str, float]:
        """The share of each kind that came to nothing, where any did."""
        return {f"faults/{kind}": failed / tried for kind, (failed, tried) in self.step.items() if failed}

    def refuse_most(self, step: int) -> None:
        """Raises BadInput where more than half of one kind came to nothing: what would be learned is left over from a mistake."""
        for kind, (failed, tried) in self.step.items():
            if tried >= FEWEST and failed > MOST * tried:
                what, mend = KINDS[kind]
                raise BadInput(f"step {step}: {failed} of {tried} {what}; up to half would do: {mend}, and start a new run")
