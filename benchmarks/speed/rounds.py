"""Memory over 200 rounds of a small loop: its slope once warm, as a share of the memory a round."""

from typing import Any

import numpy as np
from benchmarks.speed import memory
from benchmarks.speed.options import Found, Options, opening
from benchmarks.speed.setting import TASKS_SEED, opened
from benchmarks.speed.training import Steps, dtypes, open_model, recipe

ROUNDS, WARM, TASKS, GROUP = 200, 50, 8, 4
SOURCES = ("linear:level=5",)


class Side:
    """A small run that goes on and on."""

    def __init__(self, channel: Any) -> None: ...

    def start(self, dtype: str) -> dict[str, Any]:
        """Open it."""
        self.steps = Steps(open_model(dtype), recipe(1e-6, tasks=TASKS, n=GROUP), opened(SOURCES, TASKS_SEED)[0])
        return {}

    def rounds(self, count: int) -> dict[str, Any]:
        """Bytes resident after each of so many rounds."""
        held = []
        for _ in range(count):
            self.steps.step()
            held.append(memory.rss())
        return {"bytes": held}


def slope(held: list[int], warm: int = WARM) -> float:
    """Least-squares growth a round after the first `warm` ones, as a share of the mean held then."""
    late = np.asarray(held[warm:], float)
    return float(np.polyfit(np.arange(len(late)), late, 1)[0] / late.mean())


def run(options: Options) -> Found:
    """The larger slope of both precisions, and what each started and ended at."""
    slopes, said = [], []
    for dtype in dtypes():
        with opening("rounds", options, "start", dtype=dtype)() as worker:
            held = worker.ask("rounds", count=ROUNDS)["bytes"]
        slopes.append(slope(held))
        first, warm, last = (held[i] / 2**20 for i in (0, WARM, ROUNDS - 1))
        said.append(
            f"{dtype} {first:.0f} MiB after 1 round, {warm:.0f} after {WARM + 1}, {last:.0f} after {ROUNDS}, slope {slopes[-1]:.3%}"
        )
    return {"memory_slope": max(slopes), "footnotes": {"memory": f"{TASKS} x {GROUP} attempts: {'; '.join(said)}"}}
