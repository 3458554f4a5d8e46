"""Readable: a command's options as its help shows them, and what a value that is none of an option's is answered."""

import re
import types
import typing
from dataclasses import MISSING, Field, dataclass, fields
from typing import Annotated, Any

import tyro

from selftaught.parts import nearest

WORDS = {int: "NUMBER", float: "NUMBER", str: "TEXT"}
WANTED = {int: "a whole number", float: "a number", str: "text"}
# What says nothing that the help of an option does not say better.
EMPTY = ("", None, (), 0, False)
FAILED = re.compile(
    r"Error parsing (?P<name>[\w-]+)?: .*?(?:(?:from|arguments:) \[(?P<several>.*?)\]|base 10: '(?P<whole>.*?)'|to float: '(?P<real>.*?)')",
    re.DOTALL,
)
LACKING = re.compile(r"Missing from [^:]*: (?P<name>[A-Z_]+) (?P<what>.*?)\.? *\(required\)")
VALUELESS = re.compile(r"Missing value for argument '(?P<name>[\w-]+)'")
UNKNOWN = re.compile(r"Unrecognized options: (?P<name>[^,]+)")
CHOICE = re.compile(r"invalid choice '(?P<value>.*?)' for argument '(?P<name>[\w-]+)'\. Expected one of \((?P<known>.*?)\)", re.DOTALL)


def readable(cls: type[Any]) -> type[Any]:
    """The same options with plain words for their types, and a default only where it says something."""
    hints = typing.get_type_hints(cls, include_extras=True)
    shown = {f.name: Annotated[hints[f.name], tyro.conf.arg(metavar=word(f, cls), help_behavior_hint=default(f))] for f in fields(cls)}
    body = {"__annotations__": shown, "__doc__": cls.__doc__, "__module__": cls.__module__}
    return dataclass(kw_only=True)(type(cls.__name__, (cls,), body))


def plain_type(field: Field[Any], cls: type[Any]) -> tuple[Any, bool]:
    """What a value of a field is, and whether there may be several."""
    hint = typing.get_type_hints(cls)[field.name]
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        hint = next(a for a in typing.get_args(hint) if a is not type(None))
    several = typing.get_origin(hint) is tuple
    return (typing.get_args(hint)[0] if several else hint), several


def word(field: Field[Any], cls: type[Any]) -> str | None:
    """What stands for a value in the help; None where it has choices, which say more."""
    kind, several = plain_type(field, cls)
    if tyro.conf.Positional in typing.get_args(typing.get_type_hints(cls, include_extras=True)[field.name]):
        return field.name.upper()
    if kind not in WORDS:
        return None
    return f"[{WORDS[kind]} ...]" if several else WORDS[kind]


def default(field: Field[Any]) -> str | None:
    """`(default: 5)`; "" for nothing in particular, None for what must be given."""
    if field.default is MISSING:
        return None
    several = field.default if isinstance(field.default, tuple) else (field.default,)
    return "" if field.default in EMPTY else f"(default: {' '.join(map(str, several))})"


def complaint(text: str, cls: type[Any]) -> str:
    """What the parser says of bad arguments, in a line that names the option and what it takes."""
    text = re.sub(r"\s+", " ", text).split("For full helptext")[0].strip(" -")
    if found := CHOICE.search(text):
        known = " or ".join(re.findall("'(.*?)'", found["known"]))
        return f"{found['name']} takes {known}, not '{found['value']}'"
    if found := LACKING.search(text):
        return f"give {found['name']}, {found['what']}"
    if found := VALUELESS.search(text):
        return f"{found['name']} has no value: write {found['name']} VALUE"
    if (found := UNKNOWN.search(text)) and not found["name"].startswith("-"):
        return f"unexpected '{found['name']}': options begin with --"
    if found:
        known = nearest(found["name"].strip("-"), [f.name.strip("_").replace("_", "-") for f in fields(cls)])
        return f"unknown option {found['name']}: {known}"
    if found := FAILED.search(text):
        kinds = {f.name: plain_type(f, cls)[0] for f in fields(cls)}
        value = (found["several"] or "").strip("'") or found["whole"] or found["real"] or ""
        kind: Any = kinds.get((found["name"] or "").strip("-").replace("-", "_"))
        wanted = WANTED.get(kind, "another value")
        return f"{found['name']} takes {wanted}, not '{value}'"
    line = text.split("Got errors")[0].split("Argument helptext")[0]
    return re.sub(r"^(Value|Parsing) error ", "", line.strip(" -:")).strip(" -:") or "bad arguments"
