"""One battery over every registered part: a frozen declaration that can be copied, printed, recorded and refused."""

import copy
import dataclasses
import json
import pickle
import re
import types
import typing

import pytest

from selftaught.parts import HOMES, BadInput, Part, build, find, part, record, shelf

PARTS = shelf()
# Numbers for which every finite value means something.
UNBOUNDED = {"credit/kept.threshold", "reflect/revise.below", "state/settings.threshold", "keep/agreement.tolerance"}


@pytest.fixture(params=list(PARTS))
def key(request):
    return request.param


@pytest.fixture
def cls(key):
    return PARTS[key]


def numeric_fields(cls):
    """Names of the fields that take a number, or none."""
    hints = typing.get_type_hints(cls)
    for f in dataclasses.fields(cls):
        hint = hints[f.name]
        kinds = set(typing.get_args(hint) if isinstance(hint, types.UnionType) else [hint]) - {type(None)}
        if f.init and kinds in ({int}, {float}):
            yield f.name, kinds.pop()


def test_stands_on_its_shelf(key, cls):
    assert key == f"{cls.kind}/{cls.name}" and find(cls.kind, cls.name) is cls
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", cls.name)
    assert cls.__module__.split(".")[1] in HOMES


def test_is_a_frozen_dataclass(cls):
    made = cls()
    assert dataclasses.is_dataclass(cls) and cls.__dataclass_params__.frozen
    for f in dataclasses.fields(cls):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(made, f.name, None)


def test_is_documented(cls):
    assert cls.__doc__ and not cls.__doc__.startswith(f"{cls.__name__}("), "the docstring is dataclass's own"
    documented = "\n".join(base.__doc__ or "" for base in cls.__mro__ if issubclass(base, Part))
    missing = [f.name for f in dataclasses.fields(cls) if f.init and not re.search(rf"^\s*{f.name}:", documented, re.M)]
    assert not missing, f"not under Attributes: {missing}"


def test_copies(cls):
    made = cls()
    for twin in (pickle.loads(pickle.dumps(made)), copy.deepcopy(made), dataclasses.replace(made), build(cls, {})):
        assert twin == made and hash(twin) == hash(made) and type(twin) is cls


def test_prints(cls):
    shown = repr(cls())
    assert shown.startswith(f"{cls.__name__}(") and all(f"{f.name}=" in shown for f in dataclasses.fields(cls) if f.repr)


def test_records_as_json(key, cls):
    made = cls()
    data = json.loads(json.dumps(record(made), allow_nan=False))
    assert data["part"] == key and data == json.loads(json.dumps(made.as_record()))
    assert set(data) == {"part", *(f.name for f in dataclasses.fields(cls))}


def test_is_built_from_its_own_text(cls):
    made = cls()
    plain = {f.name: getattr(made, f.name) for f in dataclasses.fields(cls) if f.init}
    plain = {name: value for name, value in plain.items() if isinstance(value, (bool, int, float)) or value is None}
    assert build(cls, {name.replace("_", "-"): str(value) for name, value in plain.items()}) == made


def test_refuses_unknown_options(cls):
    names = [f.name for f in dataclasses.fields(cls) if f.init]
    with pytest.raises(BadInput, match="unknown option 'zzz'"):
        build(cls, {"zzz": 1})
    for name in names:
        with pytest.raises(BadInput, match="did you mean"):
            build(cls, {name + "x": 1})


def test_refuses_bad_numbers(key, cls):
    for name, kind in numeric_fields(cls):
        with pytest.raises(BadInput):
            build(cls, {name: "many"})
        if f"{key}.{name}" in UNBOUNDED:
            continue
        refused = []
        for bad in (-1, -(10**9), 10**9):
            try:
                dataclasses.replace(cls(), **{name: kind(bad)})
            except ValueError as error:
                refused.append(error)
                assert name in str(error), f"{key}: the message does not name {name}: {error}"
        assert refused, f"{key}.{name} takes any number"


def test_names_are_taken_once():
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Sample(Part):
        """Another one."""

        kind = "explore"

    with pytest.raises(ValueError, match="two parts are called explore 'sample'"):
        part(Sample)
    assert find("explore", "sample") is PARTS["explore/sample"]
