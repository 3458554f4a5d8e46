"""Waves: requests of one kind that are performed together, and how what waits is divided into them."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True, eq=False)
class Waiting:
    """A request that waits.

    Attributes:
        kind, key, request, reply: what is asked, and where the answer goes.
        whole: whoever asks waits for others of its wave too, so that dividing the wave would gain nothing.
        checked: processes will check its attempts, and can do so while others are sampled.
        stage: the stage of a coroutine that has gone ahead of the loop, "" of all others.
    """

    kind: str
    key: str
    request: Any
    reply: asyncio.Future[Any]
    whole: bool = False
    checked: bool = False
    stage: str = ""

    @property
    def rows(self) -> int:
        """How many attempts are asked for."""
        return getattr(self.request, "n", 1)


class Wave:
    """Requests of one kind, sorted by key, and what came of them; `fresh` when that is not in the journal yet."""

    def __init__(self, kind: str, asked: Iterable[Waiting]) -> None:
        self.kind, self.asked = kind, sorted(asked, key=lambda a: a.key)
        self.keys, self.requests = [a.key for a in self.asked], [a.request for a in self.asked]
        self.replies: list[Any] | None = None
        self.fresh = False


def waves_of(asked: Iterable[Waiting]) -> list[Wave]:
    """One wave a kind, in the order of their names."""
    kinds: dict[str, list[Waiting]] = {}
    for one in asked:
        kinds.setdefault(one.kind, []).append(one)
    return [Wave(kind, kinds[kind]) for kind in sorted(kinds)]


def divided(asked: Iterable[Waiting], rows: int) -> list[list[Wave]]:
    """Waves by ticks: samples in the order of their keys, at most `rows` attempts (or one request) a tick, all else in the first.

    Half as many where processes check them: the checks of one part are then made while the next is sampled.
    """
    parts: list[list[Waiting]] = [[]]
    samples: list[Waiting] = []
    for one in asked:
        (samples if one.kind == "sample" and not one.whole else parts[0]).append(one)
    taken, rows = 0, rows // (1 + any(one.checked for one in samples))
    for one in sorted(samples, key=lambda a: a.key):
        if taken and taken + one.rows > rows:
            parts.append([])
            taken = 0
        parts[-1].append(one)
        taken += one.rows
    return [waves_of(part) for part in parts if part]
