"""Views of a task as attempts: drawn here, not by a model, so they need no journal to come out the same."""

from collections.abc import Callable
from typing import Any

import numpy as np

from selftaught.types import Attempt, Task, content_hash

Make = Callable[[np.random.Generator], Any]


def drawn(key: str, noise: str, task: Task, make: Make, n: int, **about: Any) -> list[Attempt]:
    """`n` attempts whose payloads `make` draws, each from numbers that depend on (noise, index) alone; `about` are further fields."""
    generators = (np.random.default_rng(int(content_hash(noise, i), 16)) for i in range(n))
    return [Attempt(id=f"{key}/{i}", task=task.id, payload=make(rng), view=i, **about) for i, rng in enumerate(generators)]
