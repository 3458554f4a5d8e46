"""Seals: answers stand outside the objects that carry them, and open only to a reader that counts.

What this holds off: reading an answer from a task by attribute, `vars`, `repr`, `copy`, `pickle` or JSON, and opening a
seal without its being counted under a purpose. What nothing inside one Python process can hold off: code that sets out
to search the memory. A policy's own text is no such code unless a checker runs it, which is done elsewhere: see `sandbox`.
"""

import sys
from collections.abc import Callable, Mapping
from typing import Any, NoReturn
from weakref import WeakKeyDictionary

REMEDY = "declare signal = ('gold',) and go through run.check(..., gold=True)"


class SealBroken(RuntimeError):
    """An answer was asked for by a part that has not declared that it reads answers."""


class GoldReader:
    """Permission to open seals for one purpose. The run's grader and the graders' self-test make these, nobody else does.

    Attributes:
        purpose: train, select, audit or evaluate.
        count: called before every opening; it may refuse by raising.
    """

    __slots__ = ("count", "purpose")

    def __init__(self, purpose: str, count: Callable[[], None]) -> None:
        self.purpose, self.count = purpose, count


class Sealed:
    """An answer and whatever else a checker reads. Opened by the run alone, which counts every reading."""

    __slots__ = ("__weakref__",)

    def __init__(self, entry: Mapping[str, Any]) -> None:
        _put(self, dict(entry))

    def open(self, reader: GoldReader) -> Mapping[str, Any]:
        """A copy of the entry, once the reader has counted; raises SealBroken for anything but a `GoldReader`."""
        if not isinstance(reader, GoldReader):
            caller = sys._getframe(1).f_globals.get("__name__", "?")
            raise SealBroken(f"{caller} opened a sealed answer without a reader: {REMEDY}")
        reader.count()
        return dict(_get(self))

    def __copy__(self) -> "Sealed":
        return self

    def __deepcopy__(self, memo: Any) -> "Sealed":
        return self

    def __reduce__(self) -> NoReturn:
        raise SealBroken(f"a sealed answer does not travel: send replace(task, sealed=None); to grade, {REMEDY}")

    def __repr__(self) -> str:
        return "Sealed(...)"


def _vault() -> tuple[Callable[[Sealed, dict[str, Any]], None], Callable[[Sealed], dict[str, Any]]]:
    """(put, get) over a store that no attribute leads to."""
    entries: WeakKeyDictionary[Sealed, dict[str, Any]] = WeakKeyDictionary()

    def put(sealed: Sealed, entry: dict[str, Any]) -> None:
        entries[sealed] = entry

    def get(sealed: Sealed) -> dict[str, Any]:
        return entries[sealed]

    return put, get


_put, _get = _vault()
