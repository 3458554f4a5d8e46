"""Claim: what a recipe says of itself, as asks that a measurement decides; and how that turned out."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from selftaught.parts import BadInput

START = "start"
Status = Literal["holds", "fails", "opposite", "premise", "untested"]


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One thing that must come true, paired unit by unit and crossed with training seeds.

    Attributes:
        measure: a measure as on the command line, `pass-1`, `probe:kind=linear`.
        against: what is to be beaten: "start", a recipe, `RECIPE/preset`, `RECIPE without PILLAR`, or the measure's own baseline.
        by: how much better it must be than `against`, in the measure's unit; below zero it may be that much worse.
        want: "more": the whole interval of the difference lies above `by`. "no more": it does not. "same": no unit differs at all.
        decides: whether the outcome depends on it; otherwise it is only described.
        at_least: on how many task sources it must come true, each looked at by itself; 0 pools them.
    """

    measure: str
    against: str = START
    by: float = 0.0
    want: Literal["more", "no more", "same"] = "more"
    decides: bool = True
    at_least: int = 0

    def __post_init__(self) -> None:
        if self.at_least < 0:
            raise BadInput(f"ask {self.measure}: at_least={self.at_least} must be 0 or a number of task sources")


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What must come true for the method to work as its paper says.

    Attributes:
        asks: the first is the primary one, by which a claim is known in tables.
        enough: whether all asks that decide must come true, or any one of them.
        premise: what the method presumes of the start; where it is not so, that is the outcome, and nothing is trained.
        text: the claim in one sentence.
        equal: what both sides get equally much of: "tokens" of the budget, or "steps" of their own.
        tasks: task sources it is tested on; empty takes those every claim is tested on.
        apart: whether each of the sources is a run of its own.
        options: options of both sides in its test.
        model: folder of the model it is tested on; empty takes the one every claim is tested on.
        called: that model in words; empty takes its name.
        made_by: the script that makes the model, for who does not have it.
    """

    asks: tuple[Ask, ...] = ()
    enough: Literal["all", "any"] = "all"
    premise: Ask | None = None
    text: str = ""
    equal: Literal["tokens", "steps"] = "tokens"
    tasks: tuple[str, ...] = ()
    apart: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    model: str = ""
    called: str = ""
    made_by: str = ""

    def __post_init__(self) -> None:
        if self.asks and not any(ask.decides for ask in self.asks):
            raise BadInput(f"claim '{self.text}': none of its asks decides: leave decides=False out of one")
        if self.premise and self.premise.against == START:
            raise BadInput(f"claim '{self.text}': a premise is about the start: name a baseline of '{self.premise.measure}' as against")


def beats(*others: str, by: float = 0.0) -> tuple[Ask, ...]:
    """More right answers than others, both as stated and with each side at its own best decoding."""
    return tuple(Ask(measure=measure, against=other, by=by) for other in others for measure in ("pass-1", "pass-1-best"))


def gains_nothing(text: str = "gains nothing: the interval of its gain contains zero or lies below it", **named: Any) -> Claim:
    """A control's claim: as stated or at its best decoding it is not shown to be better than its start."""
    asks = tuple(Ask(measure=measure, want="no more") for measure in ("pass-1", "pass-1-best"))
    return Claim(asks=asks, enough="any", text=text, **named)


class Outcome(NamedTuple):
    """How a claim turned out when it was last measured, and on which model."""

    status: Status = "untested"
    model: str = ""


@cache
def outcomes() -> Mapping[str, Outcome]:
    """Recipe -> outcome, as `selftaught compare --claims` wrote them into the package."""
    kept = json.loads(files("selftaught.recipes").joinpath("outcomes.json").read_text(encoding="utf-8"))
    return MappingProxyType({name: Outcome(**found) for name, found in kept["claims"].items()})


def outcome_of(name: str) -> Outcome:
    """The outcome of a recipe's claim; untested for one that has none."""
    return outcomes().get(name, Outcome())
