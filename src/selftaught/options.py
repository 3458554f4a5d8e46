"""Dotted options: reading and replacing plain values and parts inside a declaration, by name."""

import dataclasses
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from selftaught.parts import BadInput, Part, build, convert, nearest, parse_options, shelf
from selftaught.stages import Objective, Reader


def texts(value: Any, where: str) -> tuple[str, ...]:
    """Texts or paths, one or several, as texts; raises BadInput for anything else.

    >>> texts("a.jsonl", "tasks"), texts(["a", "b"], "tasks")
    (('a.jsonl',), ('a', 'b'))
    """
    several = [value] if isinstance(value, (str, Path)) else list(value) if isinstance(value, Iterable) else [None]
    if not all(isinstance(item, (str, Path)) for item in several):
        raise BadInput(f"{where}={value!r}: give text, a path, or a list of them")
    return tuple(map(str, several))


def names_of(value: Any) -> list[str]:
    """Field names of a dataclass."""
    return [f.name for f in dataclasses.fields(value)]


def parts_of(value: Any) -> Iterator[Part]:
    """Every part inside a declaration, itself first."""
    if isinstance(value, Part):
        yield value
    if dataclasses.is_dataclass(value):
        for name in names_of(value):
            yield from parts_of(getattr(value, name))
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from parts_of(item)


class Leaf(NamedTuple):
    """A plain value inside a declaration.

    Attributes:
        key: dotted name that reaches it, and others like it.
        place: dotted name, with places in tuples, that reaches it alone.
        owner: the declaration that holds it.
        name: its name there.
        value: what it is.
    """

    key: str
    place: str
    owner: Any
    name: str
    value: Any

    def inside(self, key: str, place: str) -> "Leaf":
        """The same, seen from further out."""
        return self._replace(key=key + self.key, place=place + self.place)


def leaves(value: Any) -> Iterator[Leaf]:
    """Plain values inside a part, tuple or objective."""
    for name in names_of(value):
        inner = getattr(value, name)
        many = inner if isinstance(inner, tuple) else (inner,)
        if any(isinstance(item, (bool, int, float, str)) or item is None for item in many):
            yield Leaf(name, name, value, name, inner)
        for i, item in enumerate(many):
            place = f"{name}.{i}." if isinstance(inner, tuple) else f"{name}."
            if isinstance(item, Objective):
                # what an objective has in common with what holds it must be asked for by its place
                for leaf in leaves(item):
                    yield leaf.inside(f"{name}." if leaf.key.split(".")[0] in names_of(value) else "", place)
            elif isinstance(item, Part):
                tag = f"{item.name}." if isinstance(item, Reader) and many is inner else ""
                yield from (leaf.inside(f"{name}.{tag}", place) for leaf in leaves(item))


def leaves_of(recipe: Any) -> list[Leaf]:
    """Plain values of a recipe and its phases, those of one name in different phases one by one; `steps` are those in all."""
    whole = [Leaf(name, name, recipe, name, getattr(recipe, name)) for name in ("rounds", "steps")]
    for name, part in recipe.weights.items():
        whole += [leaf.inside(f"weights.{name}.", f"weights.{name}.") for leaf in leaves(part)]
    whole += [Leaf(key := f"models.{name}", key, recipe, "models", text) for name, text in recipe.models.items()]
    return [*whole, *(leaf.inside("", f"{i}.") for i, phase in enumerate(recipe.phases) for leaf in leaves(phase) if leaf.key != "steps")]


def set_in(value: Any, path: list[str], new: Any, where: str) -> tuple[Any, bool]:
    """Replace what a dotted path names inside frozen dataclasses and tuples: (new value, whether it was found)."""
    if isinstance(value, tuple):
        if path and path[0].isdecimal() and int(path[0]) < len(value):
            inner, done = set_in(value[int(path[0])], path[1:], new, where)
            return (*value[: int(path[0])], inner, *value[int(path[0]) + 1 :]), done
        named = [v for v in value if isinstance(v, Part) and path and v.name.replace("-", "_") == path[0]]
        results = [set_in(v, path[1:] if v in named else path, new, where) if not named or v in named else (v, False) for v in value]
        return tuple(v for v, _ in results), any(done for _, done in results)
    if isinstance(value, Mapping) and path and path[0] in value:
        held = value[path[0]]
        inner, done = set_in(held, path[1:], new, where) if path[1:] else (convert(new, type(held), f"--{where}"), True)
        return {**value, path[0]: inner}, done
    if not is_declared(value) or not path:
        return value, False
    if isinstance(value, Objective) and path[0] not in names_of(value):
        return value, False
    if path[0] not in names_of(value):
        if "objectives" in names_of(value):
            inner, done = set_in(value.objectives, path, new, where)
            return (replace(value, objectives=inner), True) if done else (value, False)
        return value, False
    old = getattr(value, path[0])
    if len(path) == 1:
        return replace(value, **{path[0]: chosen(type(value), path[0], old, new, where)}), True
    inner, done = set_in(old, path[1:], new, where)
    return (replace(value, **{path[0]: inner}), True) if done else (value, False)


def is_declared(value: Any) -> bool:
    """Whether a value is a dataclass."""
    return dataclasses.is_dataclass(value)


def chosen(owner: type, name: str, old: Any, new: Any, where: str) -> Any:
    """A new value for a field: another part by name where the field holds parts, else converted text."""
    hint = typing.get_type_hints(owner)[name]
    kinds = [a for a in (*typing.get_args(hint), hint) if isinstance(a, type) and issubclass(a, Part)]
    if kinds and isinstance(new, str):
        shelves = ("supervise", "reflect") if issubclass(kinds[0], Reader) else (kinds[0].kind,)
        known = {name: cls for kind in shelves for name, cls in shelf(kind).items()}
        if new == "none" and not isinstance(old, tuple) and type(None) not in typing.get_args(hint):
            raise BadInput(f"--{where}=none: there is no going without it: {nearest('', known)}")
        made = []
        for piece in [] if new == "none" else new.split("+"):
            key, _, options = piece.partition(":")
            if key not in known:
                raise BadInput(f"--{where}: no {' or '.join(shelves)} part is called '{key}': {nearest(key, known)}")
            made.append(build(known[key], parse_options(options), where))
        return tuple(made) if isinstance(old, tuple) else (made[0] if made else None)
    return convert(new, hint, f"--{where}")
