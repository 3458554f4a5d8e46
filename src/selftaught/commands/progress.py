"""Progress for people: a live line in a terminal, plain lines elsewhere. Everything goes to standard error."""

import sys
import time
from collections.abc import Mapping

from selftaught.shown import tell


class Progress:
    """Says where a run stands after each step.

    Attributes:
        budget: tokens the run may spend, None without a limit.
        quiet: say nothing.
    """

    def __init__(self, budget: int | None = None, quiet: bool = False) -> None:
        self.budget, self.quiet = budget, quiet
        self.first: tuple[float, float] | None = None
        self.live = sys.stderr.isatty()
        self.clear = "\r\033[K" if self.live else ""
        self.last = 0.0

    def say(self, line: str) -> None:
        """One line of its own."""
        if not self.quiet:
            tell(line, error=True, before=self.clear)

    def step(self, numbers: Mapping[str, float]) -> None:
        """The line of a finished step; outside a terminal at most one in five seconds."""
        now, done, of = time.monotonic(), numbers["step"], numbers["of"]
        self.first = self.first or (now, done)
        if self.quiet or (not self.live and now - self.last < 5 and done < of):
            return
        self.last = now
        taken = done - self.first[1]
        # how long a step takes is not known before the second
        left = f" · {(of - done) * (now - self.first[0]) / taken:.0f}s left" if taken else ""
        tokens = f"{numbers['spent'] / 1000:,.0f}k" + (f" of {self.budget / 1000:,.0f}k" if self.budget else "") + " tokens"
        reward = numbers.get("reward", float("nan"))
        line = (
            f"step {done:.0f}/{of:.0f} · {tokens} · reward by its own lights "
            f"{reward:.2f} · no signal in {numbers.get('zero_signal_groups', 0):.0%} of groups{left}"
        )
        tell(line, error=True, before=self.clear, end="" if self.live and done < of else "\n")
