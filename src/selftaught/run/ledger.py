"""The ledger: every token, call and answer read, by stage, role and purpose, and the budget's hard stop."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from selftaught.run.budget import Budget
from selftaught.run.stopwatch import AHEAD, OUTSIDE, Stopwatch
from selftaught.types import PURPOSES, SOURCES

KINDS = ("prompted", "sampled", "scored", "trained", "evaluated")
CALLS = ("checker", "judge", "tool")
# Floating-point operations a parameter costs: a token that passes forward, and one that is trained on.
FORWARD, TRAINED = 2, 6


class Ledger:
    """Counts, and admits a request only if its worst case fits what is left.

    Tokens: prompted (each request's context once, whatever n), sampled, scored, trained (positions handed to the
    optimizer, per epoch) belong to the budget; evaluated (prompt and sampled, for gate and audit) does not.
    A row is (table, kind, role, purpose, stage) -> count, over the tables tokens, calls, gold (answers read; its kind
    is the purpose), source (examples by the source of their signal), failures (of checkers), refused (by a limit) and
    beyond: of tokens of another model than the policy's, how many parameters more than N (fewer, if below 0) they cost.

    Attributes:
        budget: the limits.
        parameters: N, how many parameters the model has, for FLOPs.
        stage: explore, read, select, credit, train, evaluate, keep or audit: what rows and seconds are put down to.
        spent, flops: tokens and FLOPs of the budget that are gone.
        reserved: tokens of the worst cases under way, forward and trained; of other models, the parameters beyond N.
    """

    def __init__(self, budget: "int | str | Budget | None" = None, parameters: int = 0, watch: Stopwatch | None = None) -> None:
        self.budget, self.parameters, self.watch = Budget.parse(budget), parameters, watch or Stopwatch()
        self.rows: Counter[tuple[str, ...]] = Counter()
        self._reserved, self._beyond = {FORWARD: 0, TRAINED: 0}, 0

    @property
    def stage(self) -> str:
        """The stage under way, or the one of a coroutine that has gone ahead."""
        return AHEAD.get() or self.watch.stage

    @stage.setter
    def stage(self, stage: str) -> None:
        self.watch.stage = stage

    @property
    def spent(self) -> int:
        """Tokens of the budget that are gone."""
        return sum(n for (table, kind, *_), n in self.rows.items() if table == "tokens" and kind != "evaluated")

    @property
    def flops(self) -> int:
        """FLOPs of the budget that are gone: 2 N a token forward, 6 N a token trained, N those of the model that did it."""
        return sum(self._flops(key, n) for key, n in self.rows.items() if key[0] == "tokens" and key[1] != "evaluated")

    def _flops(self, key: tuple[str, ...], tokens: int) -> int:
        """What a row of tokens cost."""
        return (tokens * self.parameters + self.rows["beyond", *key[1:]]) * (TRAINED if key[1] == "trained" else FORWARD)

    @property
    def calls(self) -> int:
        """Checker calls of the budget that are gone."""
        calls = {key: n for key, n in self.rows.items() if key[:2] == ("calls", "checker")}
        return sum(n for (*_, purpose, _), n in calls.items() if purpose not in OUTSIDE)

    @property
    def reserved(self) -> int:
        """Tokens of the worst cases under way."""
        return sum(self._reserved.values())

    def admit(self, worst: int, trained: int = 0, parameters: int | None = None) -> bool:
        """Reserve a worst case of forward and of trained tokens; False (and nothing reserved) when it does not fit.

        `parameters` are those of the model that is asked, where it is not the policy's.

        Nothing fits once the seconds are over. When a check was refused for want of calls, nothing more is explored.
        """
        limit, forward = self.budget, self._reserved[FORWARD] + worst
        held, beyond = self._reserved[TRAINED] + trained, self._beyond + self._more(worst, parameters)
        if limit.tokens is not None and self.spent + forward + held > limit.tokens:
            return False
        most = self.parameters * (FORWARD * forward + TRAINED * held) + FORWARD * beyond
        if limit.flops is not None and self.flops + most > limit.flops:
            return False
        if limit.seconds is not None and self.watch.seconds(counted=True)[0] >= limit.seconds:
            return False
        if self.stage == "explore" and self.total("refused", "calls"):
            return False
        self._reserved, self._beyond = {FORWARD: forward, TRAINED: held}, beyond
        return True

    def release(self, worst: int, trained: int = 0, parameters: int | None = None) -> None:
        """Give back a reservation, once what was really spent is counted or known not to come."""
        self._reserved[FORWARD] -= worst
        self._reserved[TRAINED] -= trained
        self._beyond -= self._more(worst, parameters)

    def _more(self, tokens: int, parameters: int | None) -> int:
        return 0 if parameters is None else tokens * (parameters - self.parameters)

    def checks(self, count: int, purpose: str = "train") -> bool:
        """Count checker calls; False (and a refusal counted) when they do not fit. Evaluation and audit always fit."""
        most = self.budget.calls
        if most is not None and purpose not in OUTSIDE and self.calls + count > most:
            self.add("refused", "calls")
            return False
        self.add("calls", "checker", count, purpose=purpose)
        return True

    def tokens(self, kind: str, count: int, role: str = "solver", purpose: str = "train", parameters: int | None = None) -> None:
        """Count tokens of a kind; those for evaluation and audit count as evaluated. `parameters` as in `admit`."""
        kind = "evaluated" if purpose in OUTSIDE else kind
        self.add("tokens", kind, count, role, purpose)
        if more := self._more(count, parameters):
            self.add("beyond", kind, more, role, purpose)

    def gold(self, purpose: str) -> None:
        """Count one answer read."""
        self.add("gold", purpose, purpose=purpose)

    def add(self, table: str, name: str, count: int = 1, role: str = "solver", purpose: str = "train") -> None:
        """Count something: calls, failures, sources of the training signal."""
        stage = purpose if purpose in OUTSIDE else "train" if name == "trained" else self.stage
        self.rows[table, name, role, purpose, stage] += count

    def take(self, rows: Iterable[Sequence[Any]], purpose: str = "") -> None:
        """Count what a run inside this one has counted, in the stage under way; all of it under a purpose where one is given."""
        for table, kind, role, was, _, n in rows:
            why = purpose or was
            self.add(table, "evaluated" if table in ("tokens", "beyond") and why in OUTSIDE else kind, n, role, why)

    def total(self, table: str, name: str) -> int:
        """Sum of a table's rows of that name."""
        return sum(n for key, n in self.rows.items() if key[:2] == (table, name))

    def used(self) -> dict[str, float]:
        """What is gone of the budget, by unit."""
        return {"tokens": self.spent, "seconds": self.watch.seconds(counted=True)[0], "calls": self.calls, "flops": self.flops}

    def by_stage(self) -> dict[str, dict[str, int]]:
        """Tokens by stage and kind."""
        rows = [(stage, kind, n) for (table, kind, _, _, stage), n in sorted(self.rows.items()) if table == "tokens"]
        return {at: {kind: sum(n for stage, k, n in rows if (stage, k) == (at, kind)) for kind in KINDS} for at, _, _ in sorted(rows)}

    def summary(self) -> dict[str, Any]:
        """The JSON part of a result: totals, and tokens by stage; `sources` are shares of the training signal."""
        signal = {source: self.total("source", source) for source in SOURCES}
        whole, (wall, cpu) = sum(signal.values()) or 1, self.watch.seconds()
        evaluated = self.parameters * self.total("tokens", "evaluated") + self.total("beyond", "evaluated")
        return {
            "tokens": {kind: self.total("tokens", kind) for kind in KINDS},
            "gold_read": {purpose: self.total("gold", purpose) for purpose in PURPOSES},
            "sources": {source: n / whole for source, n in signal.items()},
            "flops": {
                "spent": self.flops,
                "evaluated": FORWARD * evaluated,
            },
            "calls": {kind: self.total("calls", kind) for kind in CALLS},
            "stages": self.by_stage(),
            "wall_seconds": round(wall, 3),
            "cpu_seconds": round(cpu, 3),
        }

    def table(self) -> list[dict[str, Any]]:
        """Every row as {table, stage, role, purpose, kind, count}, with FLOPs beside tokens and seconds by stage."""
        rows: list[tuple[Any, ...]] = [(*key, n) for key, n in sorted(self.rows.items()) if key[0] != "beyond"]
        for table, *key, n in list(rows):
            if table == "tokens":
                rows.append(("flops", *key, self._flops((table, *key), n)))
        for stage, (wall, cpu) in self.watch.snapshot().items():
            rows += [("seconds", "wall", "", "", stage, wall), ("seconds", "cpu", "", "", stage, cpu)]
        return [dict(zip(("table", "kind", "role", "purpose", "stage", "count"), row, strict=True)) for row in rows]

    def snapshot(self) -> list[list[Any]]:
        """JSON-ready rows, without seconds, which no two runs share (see `Stopwatch.snapshot`)."""
        return [[*key, n] for key, n in sorted(self.rows.items())]

    def restore(self, rows: list[list[Any]]) -> None:
        """The inverse of `snapshot`."""
        self.rows = Counter({tuple(key): n for *key, n in rows})
        self._reserved, self._beyond = {FORWARD: 0, TRAINED: 0}, 0
