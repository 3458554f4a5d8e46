"""`selftaught compare`: recipes side by side at equal budgets."""

import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from selftaught.commands.progress import Progress
from selftaught.parts import BadInput
from selftaught.shown import tell

WORDS = "recipes"


@dataclass(kw_only=True)
class Options:
    """Recipes side by side at equal budgets, over several training seeds, with controls beside them.

    Every recipe runs once a seed, in a process of its own with one thread; the same command goes on where it was stopped.
    Options of the recipes' parts (--optimizer.lr 1e-4) go to every recipe that has them.

    Attributes:
        recipes: names, `name/preset` or "name without PILLAR"; also the first words after `compare`.
        tasks: task sources; the default ones when left out.
        held_out: where held-out tasks come from; the training sources when left out.
        model: a transformers or PEFT folder, a GGUF file, smollm2 or a hub id; the model that ships (sprout) when left out.
        adapter: "lora" trains an adapter instead of the weights.
        temperature: the stated sampler's temperature; what suits the model, else 1, when left out.
        max_tokens: length limit of an attempt in tokens; 64 for sprout and 512 for other models when left out.
        template: how prompts are rendered, as in improve.
        system: text of a system turn.
        answer: how answers are read, as in improve.
        stop: an attempt ends after a token whose text contains one of these.
        chat_template_kwargs: a JSON object of further arguments of the chat template.
        budget: what each run that trains may spend: tokens (300k, and so when left out), or FLOPs (2T) with --equal flops.
        equal: what budgets are equal in.
        seeds: how many training seeds (1, 2, ...), or the seeds themselves when there are several numbers.
        held_out_count: how many held-out tasks decide.
        evaluation_seed: seed of the held-out tasks and their noise.
        jobs: runs at once; as many as there are cores when 0.
        out: folder of the runs; one named after the settings, under runs/, when left out.
        controls: --no-controls leaves the controls out.
        claims: put the claims of these recipes to the test, of all when none is named, and write docs/claims.md; with
            --model smollm2 on that model instead of sprout.
        carry: with --claims, run nothing and take committed results for those of today's code: for a change that moved no number.
        write: also write the table as JSON to this file.
        json: print one JSON object as the last line of standard output.
    """

    recipes: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    held_out: tuple[str, ...] = ()
    model: str = ""
    adapter: str = ""
    temperature: float | None = None
    max_tokens: int = 0
    template: str = "auto"
    system: str = ""
    answer: str = "auto"
    stop: tuple[str, ...] = ()
    chat_template_kwargs: str = ""
    budget: str = ""
    equal: Literal["tokens", "flops"] = "tokens"
    seeds: tuple[int, ...] = (5,)
    held_out_count: int = 100
    evaluation_seed: int = 1
    jobs: int = 0
    out: str = ""
    controls: bool = True
    claims: tuple[str, ...] | None = None
    carry: bool = False
    write: str = ""
    json: bool = False


def run(options: Options, extra: dict[str, str]) -> int:
    """Run what is missing, and print the table."""
    jobs = options.jobs or os.cpu_count() or 1
    try:
        return run_claims(options, jobs) if options.claims is not None else run_table(options, extra, jobs)
    except KeyboardInterrupt:
        return 130


def run_table(options: Options, extra: dict[str, str], jobs: int) -> int:
    """Recipes and controls in one table; exit code 1 when a run failed."""
    from selftaught.cli import emit
    from selftaught.compare.runs import Settings, compare
    from selftaught.compare.table import lines
    from selftaught.recipes import CONTROLS, DEFAULT
    from selftaught.run.files import write_json
    from selftaught.run.place import check_file
    from selftaught.types import content_hash

    if not options.recipes:
        raise BadInput(f"compare: no recipe is named: `selftaught compare {DEFAULT}`, or --claims to test every claim: name one")
    if options.carry:
        raise BadInput("compare: --carry is about results of claims: give --claims beside it, or leave it out")
    if options.jobs < 0 or not options.seeds or min(options.seeds) < (len(options.seeds) == 1):
        raise BadInput(f"compare: --jobs {options.jobs} and --seeds {' '.join(map(str, options.seeds))} must be positive")
    shared = {name: value for name, value in asdict(options).items() if name in Settings.__dataclass_fields__}
    settings = Settings(**shared | {"budget": amount(options), "options": extra})
    if options.write:
        check_file(Path(options.write), "--write")
    seeds = options.seeds if len(options.seeds) > 1 else tuple(range(1, options.seeds[0] + 1))
    out = Path(options.out or f"runs/compare-{content_hash(asdict(settings))[:8]}")
    progress = Progress()
    table = compare((*options.recipes, *(CONTROLS if options.controls else ())), settings, seeds, out, jobs=jobs, say=progress.say)
    for path in (out / "compare.json", *([Path(options.write)] if options.write else [])):
        write_json(path, table)
    page = write_page(table, out)
    tell(*lines(table, shutil.get_terminal_size((120, 24)).columns))
    tell("", f"{len(seeds)} seeds; 95% intervals over seeds and tasks, Holm over the table; rows that share a letter are not told apart")
    for failure in table["failed"]:
        progress.say(f"{failure['recipe']}, seed {failure['seed']} failed: {failure['why']}")
    tell(f"table: {out / 'compare.json'}   page: {page}")
    if options.json:
        emit(table | {"out": str(out)})
    return 1 if table["failed"] else 0


def amount(options: Options) -> int:
    """The budget as a number of what is equal."""
    from selftaught.run.budget import Budget

    if options.equal == "flops" and not options.budget:
        raise BadInput("compare: --equal flops needs --budget: give one in FLOPs, --budget 2T")
    parsed = Budget.parse(options.budget or "300k")
    found = parsed.tokens if options.equal == "tokens" else parsed.flops or parsed.tokens
    if not found or parsed.seconds or parsed.calls:
        raise BadInput(f"compare: --budget {options.budget} is not a number of {options.equal}: give one, or --equal flops for FLOPs")
    return int(found)


def write_page(table: dict[str, Any], out: Path) -> Path:
    """The table as one offline page."""
    from selftaught.report import write_comparison

    return Path(write_comparison(table, out / "compare.html"))


def run_claims(options: Options, jobs: int) -> int:
    """Claims against their tests, and docs/claims.md."""
    from selftaught.cli import emit
    from selftaught.compare import second
    from selftaught.compare.claims import put_to_test
    from selftaught.compare.plans import SEEDS, SETTINGS
    from selftaught.compare.results import carry

    # A claim's settings are fixed before it is run, so none can be given here.
    given = [name for name, value in asdict(options).items() if value != getattr(Options(), name)]
    beside = options.model == second.SETTINGS.model
    if wrong := set(given) - {"claims", "jobs", "out", "json", "recipes", "carry", *(["model"] if beside else [])}:
        raise BadInput(f"compare --claims: settings of a claim are fixed in selftaught/compare/plans.py: leave out --{min(wrong)}")
    settings, seeds = (second.SETTINGS, second.SEEDS) if beside else (SETTINGS, SEEDS)
    names, out = (*options.recipes, *(options.claims or ())), Path(options.out or "runs/claims")
    if options.carry:
        done = carry(names, settings=settings, seeds=seeds)
        tell(f"{len(done)} results carried over to today's code: {', '.join(done) or 'none is there'}")
        return 0
    found = put_to_test(names, out, jobs, Progress().say, settings=settings, seeds=seeds)
    for name, result in found.items():
        tell(f"{name:<22} {result['status']:<9} {result['reason']}")
    if options.json:
        emit({"claims": found})
    return 0
