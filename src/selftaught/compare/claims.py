"""Claims put to the test, with settings that are committed before the runs they decide about, and docs/claims.md.

Tuning uses other seeds and tasks.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Any

from selftaught.ablate import PILLARS
from selftaught.compare import outcomes, second
from selftaught.compare.measures import MEASURES
from selftaught.compare.opened import open_recipe
from selftaught.compare.outcomes import Row
from selftaught.compare.page import page
from selftaught.compare.runs import Settings, ask_all, in_turn, slug
from selftaught.compare.stamp import recipe_file, stamp
from selftaught.compare.sweep import AGAIN, Say, Wanted, sweep
from selftaught.jobs.job import DEFAULT_TASKS
from selftaught.parts import BadInput, nearest
from selftaught.recipe import get_recipe, recipe_names
from selftaught.run.files import read_json, write_json, write_whole
from selftaught.types import content_hash

SEEDS = (31, 32, 33)
SETTINGS = Settings(held_out_count=200, evaluation_seed=31, budget=300_000, temperature=1.0)
# Claims whose sentence names more than the recipes in `beats`.
ALSO = {"selftaught": tuple(f"selftaught without {pillar}" for pillar in PILLARS), "t-jepa": ("t-jepa/no-token",)}
TABLES = ("table:breast_cancer", "table:wine", "table:digits", "table:diabetes")
# Claims on models other than sprout: which folder, what people call it, and the script that makes it.
KUHN = ("runs/models/kuhn-player", "a 2-layer model that knows the rules of Kuhn poker", "benchmarks/kuhn_player.py")
OTHERS = {"spiral": KUHN}
ENCODERS = {"t-jepa": "its encoder, from scratch"}
RESULTS = Path("benchmarks/results/claims")
PAGE = Path("docs/claims.md")
SPENT = ("prompted", "sampled", "scored", "trained")
Arms = dict[str, list[Wanted]]


def arms(name: str, out: Path, settings: Settings = SETTINGS, seeds: Sequence[int] = SEEDS) -> Arms:
    """The runs a claim is decided by: recipe (and table) -> one run a seed. Equal runs of two claims are one folder."""
    claim, found = get_recipe(name).claim, {}
    model = OTHERS[name][0] if name in OTHERS else settings.model
    chosen = replace(second.fitted(settings, claim), tasks=tasks_of(name, settings), model=model)
    for text in dict.fromkeys((name, *claim.beats, *ALSO.get(name, ()))):
        if claim.metric == "probe":
            for source in TABLES:
                found[f"{text} {source}"] = [measure(text, "probe", seed, out, replace(chosen, tasks=(source,))) for seed in seeds]
        elif claim.metric in MEASURES:
            found[text] = [measure(text, claim.metric, seed, out, chosen) for seed in seeds]
        elif claim.metric == "pass@1":
            found[text] = ask_all(text, seeds, out, chosen, marked=True)
        else:
            raise BadInput(f"claim of '{name}': metric {claim.metric}: {nearest(claim.metric, ('pass@1', *MEASURES))}")
    return found


def measure(text: str, metric: str, seed: int, out: Path, settings: Settings) -> Wanted:
    """One run that `selftaught.compare.measures` makes and looks at; where tokens are no budget, the recipe's own steps are."""
    spends = metric == "second turn minus first"
    _, job, _, declared = open_recipe(text, settings.options, until_spent=spends)
    spec = {
        "metric": metric, "recipe": job.recipe, "without": job.without, "options": job.options, "seed": seed, "model": settings.model,
        "tasks": settings.tasks, "held_out_count": settings.held_out_count, "evaluation_seed": settings.evaluation_seed,
        **({"budget": int(settings.budget)} if spends else {}),
    }  # fmt: skip
    mark = content_hash(declared, spec)
    folder = out / f"{slug(text)}-{seed}-{mark[:8]}"
    words = ("selftaught.compare.measures", json.dumps(spec | {"folder": str(folder)}))
    return Wanted(recipe=text, seed=seed, folder=folder, words=words, again=words, mark=mark)


def claim_key(name: str, mine: Arms) -> str:
    """Content hash of everything a claim's outcome rests on: what it asks, and every run."""
    claim = get_recipe(name).claim
    return content_hash(claim.beats, claim.metric, claim.by, {text: [run.mark for run in runs] for text, runs in mine.items()})


def outcome(name: str, mine: Arms) -> tuple[list[Row], str, str]:
    """Rows, status and reason of a claim whose runs are finished."""
    claim = get_recipe(name).claim
    folders = {text: [run.folder for run in runs] for text, runs in mine.items()}
    if claim.metric == "second turn minus first":
        return outcomes.corrects(name, folders, claim.by)
    if claim.metric == "exploitability":
        return outcomes.less_exploitable(name, folders)
    if claim.metric == "probe":
        return outcomes.features_help(name, folders)
    own = folders.pop(name)
    if folders:
        return outcomes.beats(own, folders, claim.by)
    return outcomes.changes_nothing(own) if name == "zero-lr" else outcomes.gains_nothing(own)


def put_to_test(
    names: Sequence[str], out: Path, jobs: int, say: Say, *, settings: Settings = SETTINGS, seeds: Sequence[int] = SEEDS,
    root: Path = Path(),
) -> dict[str, dict[str, Any]]:  # fmt: skip
    """Run what claims need, decide them, and write results, docs/claims.md and each recipe's status.

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
    names = names or sorted(name for name in recipe_names() if not beside or second.asked(name))
    if refused := [name for name in names if beside and not second.asked(name)]:
        raise BadInput(f"compare --claims {refused[0]}: that claim is not about questions a language model answers: leave out --model")
    plan = {name: arms(name, out, settings, seeds) for name in names if not missing(name)}
    asked = in_turn(runs for mine in plan.values() for runs in mine.values())
    failed = sweep(asked, out, jobs, say)
    found = {}
    for name in names:
        whys = [failed[run.folder] for runs in plan.get(name, {}).values() for run in runs if run.folder in failed]
        if name not in plan or whys:
            found[name] = {"recipe": name, "status": "untested", "model": "", "reason": missing(name) or f"a run ended with: {whys[0]}"}
            continue
        rows, status, reason = outcome(name, plan[name])
        found[name] = result(name, plan[name], rows, status, reason, settings, seeds)
    folder = root / results_of(settings)
    for name, kept in found.items():
        if kept["status"] != "untested":
            folder.mkdir(parents=True, exist_ok=True)
            write_json(folder / f"{name}.json", kept)
    write_page(root, () if beside else names)
    return found


def results_of(settings: Settings) -> Path:
    """Where results are committed."""
    return RESULTS / settings.model if settings.model == second.SETTINGS.model else RESULTS


def write_page(root: Path = Path(), names: Sequence[str] = ()) -> None:
    """Write docs/claims.md from the committed results, and the statuses of these recipes into their files."""
    kept = current(root)
    for name in names:
        if (path := recipe_file(name)).is_relative_to(root.resolve()):
            stamp(path, kept[name]["status"], kept[name]["model"])
    (root / PAGE).parent.mkdir(parents=True, exist_ok=True)
    write_whole(root / PAGE, page(kept, current(root, second.SETTINGS, second.SEEDS)).encode())


def current(root: Path = Path(), settings: Settings = SETTINGS, seeds: Sequence[int] = SEEDS) -> dict[str, dict[str, Any]]:
    """Recipe -> its committed result; `stale` when it was measured before what it rests on was last changed."""
    found: dict[str, dict[str, Any]] = {}
    for name in sorted(recipe_names()):
        path = root / results_of(settings) / f"{name}.json"
        if path.exists():
            kept = read_json(path, "take the file as it was committed")
            found[name] = kept | {"stale": kept["key"] != claim_key(name, arms(name, Path(), settings, seeds))}
        else:
            found[name] = {"recipe": name, "status": "untested", "model": "", "reason": "", "rows": []}
    return found


def missing(name: str) -> str:
    """Why a claim cannot be tested on this machine, "" when it can."""
    if name in OTHERS and not Path(OTHERS[name][0]).exists():
        return f"its model is not there: python {OTHERS[name][2]} makes it"
    return ""


def result(
    name: str, mine: Arms, rows: Sequence[Row], status: str, reason: str, settings: Settings, seeds: Sequence[int]
) -> dict[str, Any]:
    """What is committed about a tested claim."""
    claim = get_recipe(name).claim
    file = "measured.json" if claim.metric in MEASURES else "result.json"
    ledgers = {text: [read_json(run.folder / file, AGAIN) for run in runs] for text, runs in mine.items()}
    model = OTHERS[name][1] if name in OTHERS else ENCODERS.get(name, settings.model or "sprout")
    return {
        "recipe": name, "key": claim_key(name, mine), "status": status, "model": model, "reason": reason, "metric": claim.metric,
        "tasks": TABLES if claim.metric == "probe" else tasks_of(name, settings), "options": dict(second.fitted(settings, claim).options),
        "budget": settings.budget, "seeds": seeds,
        "rows": [row._asdict() for row in rows],
        "tokens": {text: round(mean(sum(x["tokens"][kind] for kind in SPENT) for x in found)) for text, found in ledgers.items()},
        "seconds": {text: round(mean(x["seconds"] for x in found), 1) for text, found in ledgers.items()},
    }  # fmt: skip


def tasks_of(name: str, settings: Settings) -> tuple[str, ...]:
    """The tasks a claim is tested on: its own, those of the test, its recipe's, the default ones."""
    recipe = get_recipe(name)
    if settings.model == second.SETTINGS.model:
        return settings.tasks
    return recipe.claim.tasks or settings.tasks or recipe.tasks or DEFAULT_TASKS
