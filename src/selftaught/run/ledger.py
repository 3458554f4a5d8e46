"""The ledger: every token, call and answer read, by stage, role and purpose, and the budget's hard stop."""

from collections import Counter
from typing import Any

from selftaught.parts import BadInput
from selftaught.types import PURPOSES, SOURCES

KINDS = ("prompted", "sampled", "scored", "trained", "evaluated")


class Ledger:
    """Counts, and admits a request only if its worst case fits what is left.

    Tokens: prompted (each request's context once, whatever n), sampled, scored, trained (positions handed to the
    optimizer, per epoch) belong to the budget; evaluated (prompt and sampled, for gate and audit) does not.

    Attributes:
        budget: most tokens the run may spend, None for no limit.
        spent: prompted + sampled + scored + trained so far.
        reserved: worst cases of what is under way.
    """

    def __init__(self, budget: int | None = None) -> None:
        if budget is not None and budget < 1:
            raise BadInput(f"budget={budget} tokens: give a positive number")
        self.budget = budget
        self.rows: Counter[tuple[str, ...]] = Counter()
        self.reserved = 0

    @property
    def spent(self) -> int:
        """Tokens of the budget that are gone."""
        return sum(n for (table, kind, *_), n in self.rows.items() if table == "tokens" and kind != "evaluated")

    def admit(self, worst: int) -> bool:
        """Reserve a worst case; False (and nothing reserved) when it does not fit."""
        if self.budget is not None and self.spent + self.reserved + worst > self.budget:
            return False
        self.reserved += worst
        return True

    def release(self, worst: int) -> None:
        """Give back a reservation, once what was really spent is counted or known not to come."""
        self.reserved -= worst

    def tokens(self, kind: str, count: int, role: str = "solver", purpose: str = "train") -> None:
        """Count tokens of a kind; anything that is not for training counts as evaluated."""
        self.rows["tokens", kind if purpose == "train" else "evaluated", role, purpose] += count

    def gold(self, purpose: str) -> None:
        """Count one answer read."""
        self.rows["gold", purpose] += 1

    def add(self, table: str, name: str, count: int = 1) -> None:
        """Count something else: checker calls, failures, sources of the training signal."""
        self.rows[table, name] += count

    def total(self, table: str, name: str) -> int:
        """Sum of a table's rows of that name."""
        return sum(n for key, n in self.rows.items() if key[:2] == (table, name))

    def summary(self) -> dict[str, Any]:
        """The JSON part of a result: tokens, gold_read, and the share of the signal by source."""
        signal = {source: self.total("source", source) for source in SOURCES}
        whole = sum(signal.values()) or 1
        return {
            "tokens": {kind: self.total("tokens", kind) for kind in KINDS},
            "gold_read": {purpose: self.total("gold", purpose) for purpose in PURPOSES},
            "sources": {source: n / whole for source, n in signal.items()},
        }

    def snapshot(self) -> list[list[Any]]:
        """JSON-ready rows."""
        return [[*key, n] for key, n in sorted(self.rows.items())]

    def restore(self, rows: list[list[Any]]) -> None:
        """The inverse of `snapshot`."""
        self.rows = Counter({tuple(key): n for *key, n in rows})
        self.reserved = 0
