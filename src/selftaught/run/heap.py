"""The collector of reference cycles, kept from looking again and again through what outlives a run."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def settled_heap() -> Iterator[None]:
    """Leave what is alive now (libraries, the model) out of collections, which would walk through all of it many times a step."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
