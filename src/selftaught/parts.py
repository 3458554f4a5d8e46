"""Part: a frozen dataclass that is code, configuration, registry entry and log record at once.

A part is declared once with the `part` decorator, found by its name, built from text
(`sums:terms=6,digits=2`), printed back to the same text, and written into the run folder as JSON.
"""

import dataclasses
import difflib
import gc
import importlib
import importlib.metadata
import math
import pkgutil
import re
import types as pytypes
import typing
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeVar

from selftaught.keys import options_with_keys, without_keys


class BadInput(ValueError):
    """A mistake the user can mend, in one line that repeats no keys; the command line prints it and exits with code 2."""

    def __init__(self, said: object = "") -> None:
        super().__init__(without_keys(" ".join(str(said).split())))


def refuse_keys(options: Mapping[str, Any]) -> None:
    """Raises BadInput when a key is among the options, which are written into folders and reports."""
    for name in options_with_keys(options):
        raise BadInput(f"{name} holds a password or token, which would be written into the run's folder: give it in the environment")


@dataclass(frozen=True, kw_only=True)
class Part:
    """Base of every part. Subclasses are frozen dataclasses whose constructor only stores and checks.

    Attributes:
        kind: which shelf of the registry the part stands on ("explore", "loss", "family" ...).
        name: the name on that shelf; the class name in kebab case unless set.
        asks: outputs of a model it has scored (see `models.outputs`), so that a model without them is refused early.
        continues: it continues attempts, or has them scored, so what a model computed for them should be remembered.
    """

    kind: ClassVar[str] = ""
    name: ClassVar[str] = ""
    paper: ClassVar[str] = ""
    asks: ClassVar[tuple[str, ...]] = ()
    continues: ClassVar[bool] = False

    def as_record(self) -> dict[str, Any]:
        """This part as JSON-ready data: its registry key and every field."""
        return dict(record(self))


P = TypeVar("P", bound=type[Part])
_SHELVES: dict[str, dict[str, type[Part]]] = {}
_WALKED: set[str] = set()
HOMES = ("tasks", "worlds", "tools", "explore", "supervise", "reflect", "train", "monitors", "measures")


def part(cls: P) -> P:
    """Register a part class under (kind, name); raises ValueError when the name is taken."""
    if "name" not in cls.__dict__:
        cls.name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()
    shelf = _SHELVES.setdefault(cls.kind, {})
    other = shelf.setdefault(cls.name, cls)
    if (other.__module__, other.__qualname__) != (cls.__module__, cls.__qualname__):
        raise ValueError(f"two parts are called {cls.kind} '{cls.name}': {other} and {cls}")
    shelf[cls.name] = cls
    return cls


@contextmanager
def uncollected() -> Iterator[None]:
    """Look for no garbage while much is imported: that makes hundreds of thousands of objects, and all of them stay."""
    going = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if going:
            gc.enable()


def walk(package: str) -> None:
    """Import every module of a package, so that its parts are registered; cheap when done before."""
    if package in _WALKED:
        return
    _WALKED.add(package)
    module = importlib.import_module(package)
    for info in pkgutil.walk_packages(module.__path__, package + "."):
        importlib.import_module(info.name)


def shelf(kind: str = "") -> dict[str, type[Part]]:
    """Every registered part of a kind by name (all kinds, keyed `kind/name`, when kind is empty)."""
    for home in HOMES:
        walk(f"selftaught.{home}")
    if "entry points" not in _WALKED:
        _WALKED.add("entry points")
        for entry in importlib.metadata.entry_points(group="selftaught.parts"):
            entry.load()
    if kind:
        return dict(sorted(_SHELVES.get(kind, {}).items()))
    return {f"{k}/{n}": cls for k, names in sorted(_SHELVES.items()) for n, cls in sorted(names.items())}


def nearest(word: str, known: Iterable[str]) -> str:
    """The tail of an error line: the closest known name, or all of them when none is close."""
    known = sorted(known)
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"did you mean '{close[0]}'?" if close else f"known: {', '.join(known) or 'none'}"


def find(kind: str, name: str) -> type[Part]:
    """The part class of that kind and name; raises BadInput naming the nearest one."""
    known = shelf(kind)
    if name not in known:
        raise BadInput(f"unknown {kind} '{name}': {nearest(name, known)}")
    return known[name]


def convert(value: Any, hint: Any, where: str) -> Any:
    """Text or JSON data as the type a field asks for; raises BadInput saying where and what was wanted."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, pytypes.UnionType):
        if value is None or (type(None) in args and value in ("none", "None")):
            return None
        hint = next(a for a in args if a is not type(None))
        return convert(value, hint, where)
    if origin is Literal and value not in args:
        raise BadInput(f"{where}={value!r}: give one of {', '.join(map(str, args))}")
    if hint is bool and str(value).lower() in ("true", "false", "1", "0", "yes", "no"):
        return str(value).lower() in ("true", "1", "yes")
    if origin is tuple:
        items = re.split(r"[+ ]", value) if isinstance(value, str) else value if isinstance(value, (tuple, list)) else [value]
        return tuple(convert(v, args[0], where) for v in items)
    if hint in (int, float, str) and isinstance(value, (str, int, float)):
        try:
            found = hint(value)
        except (ValueError, OverflowError):
            found = math.nan
        if hint is str or math.isfinite(found):
            return found
    elif not isinstance(hint, type) or isinstance(value, hint):
        return value
    raise BadInput(f"{where}={value!r} is not {getattr(hint, '__name__', hint)}: give another value")


def build(cls: type[Part], options: Mapping[str, Any], where: str = "") -> Any:
    """Make a part from named options; unknown names and bad values raise BadInput."""
    where = where or cls.name
    hints = typing.get_type_hints(cls)
    known = [f.name for f in dataclasses.fields(cls) if f.init]
    for key in options:
        if key.replace("-", "_") not in known:
            raise BadInput(f"unknown option '{key}' of {where}: {nearest(key, known)}")
    values = {k.replace("-", "_"): v for k, v in options.items()}
    try:
        return cls(**{k: convert(v, hints[k], f"{where}.{k}") for k, v in values.items()})
    except (TypeError, ValueError) as error:
        raise BadInput(str(error) if str(error).startswith(f"{where}: ") else f"{where}: {error}") from None


def parse_options(text: str) -> dict[str, str]:
    """`a=1,b=2` as a dict; raises BadInput on a piece without an equals sign, and on a name given twice."""
    pairs = [piece.partition("=") for piece in text.split(",") if piece]
    for key, equals, _ in pairs:
        if not equals:
            raise BadInput(f"'{key}' in '{text}' has no value: write {key}=VALUE")
    if twice := [key for key, count in Counter(key.strip() for key, _, _ in pairs).items() if count > 1]:
        raise BadInput(f"'{text}' gives {twice[0]} twice: leave one out")
    return {key.strip(): value.strip() for key, _, value in pairs}


def named(kind: str, text: str) -> Any:
    """A part of that kind from `name` or `name:a=1,b=2`; raises BadInput on what does not exist."""
    name, _, options = text.partition(":")
    return build(find(kind, name), parse_options(options))


def record(value: Any) -> Any:
    """Any declaration (part, recipe, tuple, number, function) as JSON-ready data."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        head = {"part": f"{value.kind}/{value.name}"} if isinstance(value, Part) else {}
        return head | {f.name: record(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(k): record(v) for k, v in value.items()}
    if isinstance(value, (tuple, list)):
        return [record(v) for v in value]
    if isinstance(value, Callable):  # type: ignore[arg-type]
        return f"{value.__module__}:{value.__qualname__}"
    return value
