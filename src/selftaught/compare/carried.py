"""Committed results carried over: into today's form, and, on request, to today's keys."""

import json
from collections.abc import Mapping
from typing import Any

from selftaught.claim import START, Ask, Claim
from selftaught.compare.outcomes import Row
from selftaught.parts import BadInput, named, record

# How measures that are no fractions stood in results without asks; of the first, less is better and signs were turned.
NUMBERS = ("exploitability", "log variance")


def in_form(kept: Mapping[str, Any], claim: Claim) -> dict[str, Any]:
    """A committed result in today's form; one without `asks` was written before claims were asks, and nothing in it is measured anew.

    Its rows get what their ask says beside them, and stand in the order of the asks.
    """
    if "asks" in kept:
        return dict(kept)
    rows = sorted((with_ask(Row(**row), claim) for row in kept["rows"]), key=lambda pair: pair[0])
    return {**kept, "asks": record(claim.asks), "rows": [row._asdict() for _, row in rows]}


def with_ask(row: Row, claim: Claim) -> tuple[int, Row]:
    """(place of its ask, the row); a row no ask matches comes last and is only described."""
    row = row._replace(share=row.at not in NUMBERS, differ=float(bool(row.gain or row.low or row.high)))
    if row.at == NUMBERS[0]:
        row = row._replace(before=-row.before, after=-row.after)
    for i, ask in enumerate(claim.asks):
        if (row.against, row.at) == (worded(ask), named("measure", ask.measure).label):
            return i, row._replace(want=ask.want, decides=ask.decides, asked=row.p if not ask.by else None)
    return len(claim.asks), row._replace(decides=False)


def worded(ask: Ask) -> str:
    """What an ask is against, as tables say it."""
    return "the start" if ask.against == START else ask.against


def refuse_others(name: str, kept: Mapping[str, Any], today: Mapping[str, Any]) -> None:
    """Raises BadInput where a result was measured with other tasks, options, budget, seeds or asks than its claim has today."""
    for key, now in json.loads(json.dumps(today)).items():
        if kept[key] != now:
            raise BadInput(f"result of '{name}' is of {key} {kept[key]}, and its claim has {now}: put it to the test again")
