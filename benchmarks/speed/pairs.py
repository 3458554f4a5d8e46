"""All sides in turn: A B A B, so that whatever else the machine does falls on all alike; and where it did too much, again."""

import os
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.speed.worker import Failed, Worker

Reply = dict[str, Any]
Unit = Callable[[Worker], Reply]
TICK = os.sysconf("SC_CLK_TCK")
# Work of others, in cores, during a unit beyond which it is done again, and how often at most.
FOREIGN, TRIES = 0.15, 3


def rate(reply: Reply) -> float:
    """Tokens a second of one unit of work."""
    return float(reply["tokens"] / reply["seconds"])


def busy() -> float:
    """Seconds the cores have been at work since the machine began, for anyone."""
    user, nice, system, _, _, *interrupts = map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9])
    return (user + nice + system + sum(interrupts)) / TICK


def own(worker: Worker) -> float:
    """Seconds a side's process has been at work."""
    fields = Path(f"/proc/{worker.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def watched(worker: Worker, unit: Unit) -> Reply:
    """One unit, with "foreign": how many cores were at work for others meanwhile."""
    all_before, own_before = busy(), own(worker)
    reply = unit(worker)
    others = (busy() - all_before) - (own(worker) - own_before)
    return reply | {"foreign": max(0.0, others / max(reply["seconds"], 1 / TICK))}


def in_turn(sides: Sequence[tuple[Worker, Unit]], rounds: int) -> tuple[list[tuple[Reply, ...]], str]:
    """`rounds` rows of one unit of each side, side by side in time.

    A row during which others used the machine is done again; when there are too many of those, the least disturbed are
    taken.

    Returns:
        The rows, and what to say of those that were not undisturbed, "" if all were.
    """
    rows: list[tuple[Reply, ...]] = []

    def disturbed(row: tuple[Reply, ...]) -> float:
        return max(float(reply["foreign"]) for reply in row)

    while len(rows) < TRIES * rounds and sum(disturbed(row) <= FOREIGN for row in rows) < rounds:
        rows.append(tuple(watched(worker, unit) for worker, unit in sides))
    kept = sorted(sorted(range(len(rows)), key=lambda i: max(disturbed(rows[i]), FOREIGN))[:rounds])
    noisy = sum(disturbed(rows[i]) > FOREIGN for i in kept)
    said = f"{len(rows) - rounds} rounds left out because others used the machine" if len(rows) > rounds else ""
    said += f"{'; ' if said else ''}{noisy} of those kept were disturbed too" if noisy else ""
    return [rows[i] for i in kept], said


def ratios(pairs: Sequence[tuple[Reply, ...]], of: Callable[[Reply], float] = rate, top: int = 0, bottom: int = 1) -> list[float]:
    """One side's number over another's, row by row."""
    return [of(row[top]) / of(row[bottom]) for row in pairs]


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
            rows, _ = in_turn([(worker, unit)], repeats)
            found[name] = round(statistics.median(rate(reply) for (reply,) in rows), 1)
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
