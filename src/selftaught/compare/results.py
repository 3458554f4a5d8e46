"""Committed results of claims: written, read back, told stale, carried over; docs/claims.md and the outcomes that ship are made of them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from selftaught.compare import carried, second
from selftaught.compare.page import page
from selftaught.compare.plans import SEEDS, SETTINGS, Arms, arms, asked, tasks_of
from selftaught.compare.runs import Settings
from selftaught.parts import record
from selftaught.recipe import get_recipe, recipe_names
from selftaught.run.files import read_json, write_json, write_whole
from selftaught.types import content_hash

RESULTS = Path("benchmarks/results/claims")
PAGE = Path("docs/claims.md")
OUTCOMES = Path("src/selftaught/recipes/outcomes.json")
UNTESTED = {"status": "untested", "model": "", "rows": []}
AS_COMMITTED = "take the file as it was committed"


def claim_key(name: str, mine: Arms) -> str:
    """Content hash of everything a claim's outcome rests on: what it asks, and every run."""
    claim = get_recipe(name).claim
    runs = {f"{text} {source}".strip(): [run.mark for run in of] for (text, source), of in mine.items()}
    return content_hash(record(claim.asks), claim.enough, record(claim.premise), runs)


def untested(name: str, reason: str) -> dict[str, Any]:
    """A claim that was not decided, and why."""
    return {"recipe": name, **UNTESTED, "reason": reason}


def results_of(settings: Settings) -> Path:
    """Where results are committed."""
    return RESULTS / settings.model if settings.model == second.SETTINGS.model else RESULTS


def write_results(found: Mapping[str, Mapping[str, Any]], root: Path, settings: Settings) -> None:
    """Write the results that decide something, and what is made of all of them."""
    for name, kept in found.items():
        if kept["status"] != "untested":
            (root / results_of(settings)).mkdir(parents=True, exist_ok=True)
            write_json(root / results_of(settings) / f"{name}.json", kept)
    write_page(root)


def write_page(root: Path = Path()) -> None:
    """Write docs/claims.md and the outcomes that ship with the package, from the committed results."""
    kept = current(root)
    for path in (PAGE, OUTCOMES):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
    tested = {name: {"status": one["status"], "model": one["model"]} for name, one in kept.items() if one["status"] != "untested"}
    write_json(root / OUTCOMES, {"claims": tested})
    write_whole(root / PAGE, page(kept, current(root, second.SETTINGS, second.SEEDS)).encode())


def current(root: Path = Path(), settings: Settings = SETTINGS, seeds: Sequence[int] = SEEDS) -> dict[str, dict[str, Any]]:
    """Recipe -> its committed result; `stale` when it was measured before what it rests on was last changed."""
    found: dict[str, dict[str, Any]] = {}
    for name in sorted(recipe_names()):
        path = root / results_of(settings) / f"{name}.json"
        if path.exists():
            kept = carried.in_form(read_json(path, AS_COMMITTED, dict), get_recipe(name).claim)
            found[name] = kept | {"stale": kept["key"] != claim_key(name, arms(name, Path(), settings, seeds))}
        else:
            found[name] = untested(name, "")
    return found


def carry(names: Sequence[str], *, settings: Settings = SETTINGS, seeds: Sequence[int] = SEEDS, root: Path = Path()) -> list[str]:
    """Take committed results for those of today's code, which is right after a change that moved no number; returns whose.

    Raises:
        BadInput: a result is of another question than its claim asks today (see `carried.refuse_others`).
    """
    done = []
    for name in asked(names, settings.model == second.SETTINGS.model):
        path, claim = root / results_of(settings) / f"{name}.json", get_recipe(name).claim
        if not path.exists():
            continue
        mine = arms(name, Path(), settings, seeds)
        kept = carried.in_form(read_json(path, AS_COMMITTED, dict), claim)
        today = {
            "tasks": tasks_of(name, settings), "options": dict(second.fitted(settings, claim).options), "budget": settings.budget,
            "seeds": seeds, "asks": record(claim.asks),
        }  # fmt: skip
        carried.refuse_others(name, kept, today)
        # Not `write_json`: a result keeps the version of the code that measured it.
        write_whole(path, (json.dumps(kept | {"key": claim_key(name, mine)}, indent=1) + "\n").encode())
        done.append(name)
    write_page(root)
    return done
