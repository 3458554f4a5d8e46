"""Both sides in turn: A B A B, so that whatever else the machine does falls on both alike."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.speed.worker import Failed, Worker

Reply = dict[str, Any]
Unit = Callable[[Worker], Reply]


def rate(reply: Reply) -> float:
    """Tokens a second of one unit of work."""
    return float(reply["tokens"] / reply["seconds"])


def interleaved(a: Worker, b: Worker, unit_a: Unit, unit_b: Unit, rounds: int) -> list[tuple[Reply, Reply]]:
    """Pairs of one unit of each side, side by side in time."""
    return [(unit_a(a), unit_b(b)) for _ in range(rounds)]


def ratios(pairs: Sequence[tuple[Reply, Reply]], of: Callable[[Reply], float] = rate) -> list[float]:
    """A's number over B's, pair by pair."""
    return [of(a) / of(b) for a, b in pairs]


def fastest(openings: Mapping[str, Callable[[], Worker]], unit: Unit, repeats: int = 2) -> tuple[str, Worker, dict[str, Any]]:
    """Try each setting in a process of its own, after one unit to warm up.

    Returns:
        The fastest setting's name and its worker, left open; and tokens a second by setting, or why it cannot be run.
    """
    found: dict[str, Any] = {}
    best: tuple[str, Worker] | None = None
    for name, open_worker in openings.items():
        try:
            worker = open_worker()
        except Failed as error:
            found[name] = str(error)
            continue
        try:
            unit(worker)
            found[name] = round(statistics.median(rate(unit(worker)) for _ in range(repeats)), 1)
        except Failed as error:
            found[name] = str(error)
            worker.close()
            continue
        if best and found[best[0]] >= found[name]:
            worker.close()
        else:
            if best:
                best[1].close()
            best = name, worker
    if best is None:
        raise Failed("no setting could be run: " + "; ".join(f"{name}: {why}" for name, why in found.items()))
    return *best, found
