"""Views of a task as attempts: drawn here, not by a model, so they need no journal to come out the same."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from selftaught.types import Attempt, Task, content_hash

if TYPE_CHECKING:
    from selftaught.run.requests import Requests

Make = Callable[[np.random.Generator], Any]


def drawn(run: "Requests", tag: str, task: Task, make: Make, n: int, role: str) -> list[Attempt]:
    """`n` views, counted as one look at the task, and what learning from them takes set aside; see `protocols.Run.view`."""
    size, train = task.payload.size, n * len(task.payload) * run.epochs
    if run.counted and not run.ledger.admit(size, train):
        return []
    run.ledger.release(size if run.counted else 0)
    run.train_reserve += train if run.counted else 0
    for kind, count in (("prompted", size), ("sampled", 0)):
        run.ledger.tokens(kind, count, role, run.purpose)
    key = f"{run.mark}/{role}/{task.id}/{tag}"
    noise = (np.random.default_rng(int(content_hash(f"{run.seed}/{key}", i), 16)) for i in range(n))
    return [
        Attempt(id=f"{key}/{i}", task=task.id, payload=make(rng), role=role, view=i, generation=run.generation)
        for i, rng in enumerate(noise)
    ]
