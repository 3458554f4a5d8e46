"""selftaught: a model teaches itself, and proves that it got better."""

from importlib.metadata import version
from typing import Any

__version__ = version("selftaught")
__all__ = ["BadInput", "__version__", "evaluate", "gate", "improve", "solve"]


def __getattr__(name: str) -> Any:
    """Functions are imported when they are used, so that `import selftaught` stays quick."""
    if name in __all__:
        from selftaught import api

        return getattr(api, name)
    raise AttributeError(f"module 'selftaught' has no attribute {name!r}")
