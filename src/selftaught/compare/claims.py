"""Claims put to the test: premises, runs, measurements, and what they decide.

Settings are committed before the runs they decide about (`compare.plans`); tuning uses other seeds and tasks.
"""

from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from selftaught.compare import second
from selftaught.compare.outcomes import Row, decided, presumed, rows_of
from selftaught.compare.plans import SEEDS, SETTINGS, Arms, arms, asked, looks, premise_of, seen_by, sources_of, tasks_of
from selftaught.compare.results import claim_key, untested, write_results
from selftaught.compare.runs import Settings, in_turn
from selftaught.compare.sweep import AGAIN, Say, Wanted, sweep
from selftaught.parts import record
from selftaught.recipe import get_recipe
from selftaught.run.files import read_json
from selftaught.statistics.evaluated import unit_means

SPENT = ("prompted", "sampled", "scored", "trained")


def put_to_test(
    names: Sequence[str], out: Path, jobs: int, say: Say, *, settings: Settings = SETTINGS, seeds: Sequence[int] = SEEDS,
    root: Path = Path(),
) -> dict[str, dict[str, Any]]:  # fmt: skip
    """Run what claims need, decide them, and write results, docs/claims.md and the outcomes that ship.

    Premises are measured first; where one does not hold, nothing is trained.

    Args:
        names: recipes; all when empty.
        out: folder of the runs; finished ones are shared among claims and not repeated.
        jobs: runs at once.
        say: called with a line when a run ends.
        settings: of every run; a claim's own tasks and options come first, but on the second model (`compare.second`).
        seeds: of the training runs.
        root: where `benchmarks/results/claims` and `docs/claims.md` are written.

    Returns:
        Recipe -> its result, as written.
    """
    beside = settings.model == second.SETTINGS.model
    names = asked(names, beside)
    found: dict[str, dict[str, Any]] = {name: untested(name, why) for name in names if (why := missing(name))}
    presume = {name: run for name in names if name not in found and (run := premise_of(name, out, settings))}
    failed = sweep(list(presume.values()), out, jobs, say) if presume else {}
    for name, run in presume.items():
        if run.folder in failed:
            found[name] = untested(name, f"its premise was not measured: {failed[run.folder]}")
        elif not (row := premise_row(name, run)).true:
            found[name] = result(name, {}, [row], "premise", row.words(), settings, seeds)
    plan = {name: arms(name, out, settings, seeds) for name in names if name not in found}
    failed = sweep(in_turn(runs for mine in plan.values() for runs in mine.values()), out, jobs, say) if plan else {}
    whole = {name: mine for name, mine in plan.items() if not any(run.folder in failed for runs in mine.values() for run in runs)}
    measured = {name: looks(name, mine, out) for name, mine in whole.items()}
    if further := in_turn(runs for mine in measured.values() for runs in mine.values()):
        failed |= sweep(further, out, jobs, say)
    for name, mine in plan.items():
        every = [run for found in (mine, measured.get(name, {})) for runs in found.values() for run in runs]
        if whys := [failed[run.folder] for run in every if run.folder in failed]:
            found[name] = untested(name, f"a run ended with: {whys[0]}")
            continue
        claim, seen = get_recipe(name).claim, seen_by(name, mine, measured[name])
        rows = [rows_of(name, ask, seen, sources_of(name, settings)) for ask in claim.asks]
        found[name] = result(name, mine, [row for of_ask in rows for row in of_ask], *decided(claim, rows), settings, seeds)
    write_results({name: found[name] for name in names}, root, settings)
    return {name: found[name] for name in names}


def premise_row(name: str, run: Wanted) -> Row:
    """What became of a claim's premise."""
    premise = get_recipe(name).claim.premise
    assert premise is not None
    sides = read_json(run.folder / "measured.json", AGAIN, dict)[premise.measure]
    start, baseline = (unit_means(sides[side])[None] for side in ("model", premise.against))
    return presumed(premise, start, baseline)


def missing(name: str) -> str:
    """Why a claim cannot be tested on this machine, "" when it can."""
    claim = get_recipe(name).claim
    if not claim.asks:
        return "it asks nothing"
    if claim.model and not Path(claim.model).exists():
        return f"its model is not there: python {claim.made_by} makes it"
    return ""


def result(
    name: str, mine: Arms, rows: Sequence[Row], status: str, reason: str, settings: Settings, seeds: Sequence[int]
) -> dict[str, Any]:
    """What is committed about a tested claim."""
    claim = get_recipe(name).claim
    ledgers = {
        f"{text} {source}".strip(): [read_json(run.folder / "result.json", AGAIN) for run in runs] for (text, source), runs in mine.items()
    }
    return {
        "recipe": name, "key": claim_key(name, mine or arms(name, Path(), settings, seeds)), "status": status,
        "model": claim.called or claim.model or settings.model or "sprout", "reason": reason, "asks": record(claim.asks),
        "tasks": tasks_of(name, settings), "options": dict(second.fitted(settings, claim).options),
        "budget": settings.budget, "seeds": seeds,
        "rows": [row._asdict() for row in rows],
        "tokens": {text: round(mean(sum(x["tokens"][kind] for kind in SPENT) for x in found)) for text, found in ledgers.items()},
        "seconds": {text: round(mean(x["seconds"] for x in found), 1) for text, found in ledgers.items()},
    }  # fmt: skip
