"""Claim: what a recipe says of itself, and how that turned out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What must come true for the method to work as its paper says.

    Attributes:
        beats: names of the recipes it must beat at equal tokens.
        metric: which number is compared.
        by: how much higher it must be, as a fraction.
        tasks: task sources it is tested on; empty takes those every claim is tested on.
        options: options of both sides in its test.
        text: the claim in one sentence.
        status: holds, fails, opposite or untested, as last measured.
        model: the model that was measured.
    """

    beats: tuple[str, ...] = ()
    metric: str = "pass@1"
    by: float = 0.0
    tasks: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    status: Literal["holds", "fails", "opposite", "untested"] = "untested"
    model: str = ""
