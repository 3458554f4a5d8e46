"""Payload: what an attempt or example is made of. A new modality is one class, known to journal, pool and hashes by being there."""

import base64
import hashlib
import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, ClassVar

import numpy as np

_CLASSES: dict[str, type["Payload"]] = {}


class Payload:
    """Base of every payload: a frozen dataclass of arrays and plain values, whose items streams run over.

    Attributes:
        form: what a task made of it is made of ("words", "rows", "graph"), which explore parts and networks name.
    """

    __slots__ = ()
    form: ClassVar[str] = ""

    def __init_subclass__(cls, **named: Any) -> None:
        super().__init_subclass__(**named)
        other = _CLASSES.setdefault(cls.__name__, cls)
        if (other.__module__, other.__qualname__) != (cls.__module__, cls.__qualname__):
            raise ValueError(f"two payloads are called '{cls.__name__}': {other} and {cls}")
        # A dataclass with slots is made twice; the second is the one that stays.
        _CLASSES[cls.__name__] = cls

    def __len__(self) -> int:
        """Number of items (tokens, rows, nodes, frames) that streams run over."""
        raise NotImplementedError

    @property
    def size(self) -> int:
        """What it counts in a budget when it is looked at: its items, unless a modality says otherwise."""
        return len(self)

    @property
    def hidden_items(self) -> int:
        """Items a view hides, which are to be predicted."""
        return 0

    @property
    def sampled_count(self) -> int:
        """Items the model chose."""
        return 0

    def contents(self) -> dict[str, Any]:
        """Every field by name."""
        return {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]


def payload_class(name: str) -> type[Payload] | None:
    """The payload of that name, None where there is none."""
    if name not in _CLASSES:
        home = importlib.import_module("selftaught.payloads")
        for info in pkgutil.iter_modules(home.__path__, "selftaught.payloads."):
            importlib.import_module(info.name)
    return _CLASSES.get(name)


def hashable(value: Any) -> Any:
    """What JSON has no word for, as data that differs where it does: arrays by type, shape and bytes, payloads by their fields."""
    if isinstance(value, np.ndarray):
        digest = hashlib.blake2b(np.ascontiguousarray(value).tobytes(), digest_size=16).hexdigest()
        return {"array": value.dtype.str, "shape": value.shape, "hash": digest}
    if isinstance(value, Payload):
        return {"payload": type(value).__name__} | value.contents()
    return str(value)


def as_json(payload: Payload | None) -> Any:
    """A payload as JSON-ready data, bit for bit; None stays None."""
    if payload is None:
        return None

    def plain(value: Any) -> Any:
        if not isinstance(value, np.ndarray):
            return value
        return {"array": value.dtype.str, "shape": list(value.shape), "base64": base64.b64encode(value.tobytes()).decode()}

    return {"payload": type(payload).__name__} | {name: plain(value) for name, value in payload.contents().items()}


def from_json(data: Any) -> Any:
    """The inverse of `as_json`; raises ValueError for a payload nobody knows."""
    if not isinstance(data, Mapping) or "payload" not in data:
        return data
    cls = payload_class(str(data["payload"]))
    if cls is None:
        raise ValueError(f"no payload is called {data['payload']!r}")

    def whole(value: Any) -> Any:
        if not isinstance(value, Mapping) or "array" not in value:
            return value
        return np.frombuffer(base64.b64decode(value["base64"]), value["array"]).reshape(value["shape"]).copy()

    return cls(**{name: whole(value) for name, value in data.items() if name != "payload"})
