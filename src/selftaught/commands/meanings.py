"""Meanings: what an option is for, what it takes and how its value is written, told from the declaration that holds it."""

import inspect
import re
import shlex
import typing
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from textwrap import wrap
from typing import Any

from selftaught.options import Leaf, leaves_of
from selftaught.parts import BadInput, Part, shelf
from selftaught.recipe import Recipe

ENTRY = re.compile(r"^ {4}(?P<names>\w+(?:, \w+)*): (?P<text>(?:.|\n {5,})*)", re.MULTILINE)
# Probes of a range, in order.
WHOLE, REAL = (-1, 0, 1, 2), (-1.0, 0.0, 1e-6, 1.0, 1.5, 1e6)
COLUMN, WIDTH = 34, 118


def meaning(owner: Any, name: str) -> str:
    """What a docstring says under Attributes of a field; of a field that is inherited, where it was declared."""
    for cls in type(owner).__mro__:
        if cls.__doc__ and name in (said := attributes(cls)):
            return said[name]
    return inspect.getdoc(getattr(type(owner), name, None)) or ""


def attributes(cls: type) -> dict[str, str]:
    """Field name -> its line under Attributes in the docstring of a class."""
    section = inspect.cleandoc(cls.__doc__ or "").partition("Attributes:\n")[2].split("\n\n")[0]
    return {name: " ".join(entry["text"].split()) for entry in ENTRY.finditer(section) for name in entry["names"].split(", ")}


def takes(owner: Any, name: str) -> str:
    """What a field takes, for people: found out by giving it values, as the declaration itself says what it refuses."""
    hint = typing.get_type_hints(type(owner)).get(name, int)
    options = [a for a in typing.get_args(hint) if a is not type(None)] if type(None) in typing.get_args(hint) else [hint]
    kinds = [kind_of(owner, name, option) for option in options]
    return " or ".join([*dict.fromkeys(kinds), *(["none"] if options != [hint] else [])])


def kind_of(owner: Any, name: str, hint: Any) -> str:
    """See `takes`, of one type."""
    if typing.get_origin(hint) is typing.Literal:
        return ", ".join(map(str, typing.get_args(hint)))
    if typing.get_origin(hint) is tuple:
        return f"{kind_of(owner, name, typing.get_args(hint)[0])}, several joined by +"
    if isinstance(hint, type) and issubclass(hint, Part):
        return f"a part: {', '.join(shelf(hint.kind))}"
    if hint is bool:
        return "true, false"
    if hint is int and not isinstance(getattr(owner, name), tuple):
        return f"whole number{span(accepted(owner, name, WHOLE))}"
    if hint is float and not isinstance(getattr(owner, name), tuple):
        return f"number{span(accepted(owner, name, REAL))}"
    return {int: "whole number", float: "number", str: "text"}.get(hint, "text")


def accepted(owner: Any, name: str, probes: Sequence[float]) -> list[float]:
    """Those of the probes that a declaration lets be."""

    def fine(value: float) -> bool:
        try:
            replace(owner, **{name: value})
        except (ValueError, TypeError):
            return False
        return True

    return [value for value in probes if fine(value)]


def span(values: Sequence[float]) -> str:
    """` from 0 to 1`, as far as the accepted probes tell."""
    if not values or values[0] < 0:
        return ""
    low = {0: " from 0", 1e-6: " above 0", 1: " from 1", 2: " from 2"}.get(values[0], "")
    return low + ({1.0: " to 1", 1e-6: " below 1"}.get(values[-1], "") if isinstance(values[-1], float) else "")


def written(value: Any) -> str:
    """A value as the command line takes it."""
    if isinstance(value, tuple):
        return shlex.quote("+".join(map(str, value)))
    return str(value).lower() if value is None or isinstance(value, bool) else shlex.quote(str(value))


def table(found: Iterable[tuple[str, Leaf]]) -> Iterator[str]:
    """One line an option, or more: how it is written, what it means, what it takes."""
    for name, leaf in found:
        said = meaning(leaf.owner, leaf.name).rstrip(".")
        lines = wrap(f"{said} [{takes(leaf.owner, leaf.name)}]".strip(), WIDTH - COLUMN, break_on_hyphens=False)
        first = f"  --{name} {written(leaf.value)}"
        yield f"{first:<{COLUMN}}{lines.pop(0)}" if len(first) < COLUMN else first
        yield from (" " * COLUMN + line for line in lines)


def usable(recipe: Recipe) -> Iterator[tuple[str, Leaf]]:
    """Every option of a recipe, under the shortest name by which it can be given as it is without changing anything else."""
    seen: set[str] = set()
    for leaf in leaves_of(recipe):
        name = leaf.key if unchanged(recipe, leaf.key, leaf.value) else leaf.place
        if name not in seen and not recipe.fixes(name):
            seen.add(name)
            yield name, leaf


def unchanged(recipe: Recipe, name: str, value: Any) -> bool:
    """Whether an option, written out, leaves a recipe as it is."""
    try:
        return recipe.with_options({name: "".join(shlex.split(written(value)))}).digest() == recipe.digest()
    except BadInput:
        return False
