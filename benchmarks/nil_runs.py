"""Runs that cannot have learned anything: how many are called improved? `python benchmarks/nil_runs.py --out runs/nil`.

14 runs at rate 0, 13 paid by a coin, and 13 in which the start is measured twice with other noise. Each has its own seed
and its own held-out tasks. Runs that are finished are not repeated. Writes benchmarks/results/nil_runs.json.
"""

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path

from selftaught.compare.sweep import Wanted, sweep
from selftaught.parts import BadInput
from selftaught.types import content_hash

COUNTS = {"zero-lr": 14, "random-reward": 13, "reseeded-start": 13}
FIRST_SEED, STEPS, HELD_OUT = 301, 8, 100
KEPT = ("verdict", "gain", "low", "high", "p", "tasks")
ROOT = Path(__file__).resolve().parent.parent


def reseeded(seed: int, folder: Path, model: str, tasks: tuple[str, ...]) -> None:
    """The start against itself: the same held-out tasks, other noise on each side."""
    from selftaught.jobs.job import Job
    from selftaught.jobs.session import open_session
    from selftaught.prove.sampling import RunSampler
    from selftaught.prove.side import measure_side
    from selftaught.prove.verdict import verdict
    from selftaught.run.folder import write_json

    job = Job(recipe="cooler-start", model=model, tasks=tasks, evaluation_seed=seed, held_out_count=HELD_OUT, forecast=False)
    session = open_session(job, folder, resume=(folder / "run.json").exists())
    held_out, development = session.splits["held-out"], session.splits["development"]

    async def sides() -> list:
        return [
            await measure_side(
                RunSampler(run=session.run, seed=seed + shift), label, "policy", held_out, development, session.run.settings
            )
            for label, shift in (("start", 0), ("result", 10_000))
        ]  # fmt: skip

    write_json(folder / "result.json", verdict(*asyncio.run(sides())))
    session.close()


def asked(kind: str, seed: int, out: Path, model: str, tasks: tuple[str, ...]) -> Wanted:
    """One nil run."""
    folder = out / f"{kind}-{seed}"
    shared = [*(["--model", model] if model else []), *(["--tasks", *tasks] if tasks else [])]
    if kind == "reseeded-start":
        words = again = ("nil_runs", "--one", str(seed), "--out", str(folder), *shared)
    else:
        words = (
            "selftaught", "improve", kind, "--seed", str(seed), "--evaluation-seed", str(seed), "--held-out-count", str(HELD_OUT),
            "--steps", str(STEPS), "--no-forecast", "--no-alarms", "--out", str(folder), *shared,
        )  # fmt: skip
        again = ("selftaught", "improve", "--resume", "--out", str(folder))
    return Wanted(recipe=kind, seed=seed, folder=folder, words=words, again=again, mark=content_hash(kind, seed, STEPS, HELD_OUT, shared))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/nil"))
    parser.add_argument("--json", type=Path, default=ROOT / "benchmarks" / "results" / "nil_runs.json")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--model", default="")
    parser.add_argument("--tasks", nargs="*", default=[])
    parser.add_argument("--one", type=int, help="run one reseeded start in this process")
    args = parser.parse_args()
    if args.one is not None:
        return reseeded(args.one, args.out, args.model, tuple(args.tasks))
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    kinds = [kind for kind, count in COUNTS.items() for _ in range(count)]
    runs = [asked(kind, FIRST_SEED + i, args.out, args.model, tuple(args.tasks)) for i, kind in enumerate(kinds)]
    failed = sweep(runs, args.out, args.jobs, say=lambda line: print(line, file=sys.stderr))
    rows = []
    for run in runs:
        if run.folder not in failed:
            found = json.loads((run.folder / "result.json").read_text())
            kept = {key: found[key] for key in KEPT} | {"best": {key: found["best"][key] for key in ("gain", "low", "high", "p")}}
            rows.append({"kind": run.recipe, "seed": run.seed} | kept)
    improved = sum(row["verdict"] == "improved" for row in rows)
    table = {"model": args.model or "sprout", "steps": STEPS, "held_out": HELD_OUT, "runs": len(rows), "improved": improved, "rows": rows}
    args.json.write_text(json.dumps(table, indent=1) + "\n")
    print(f"{improved} of {len(rows)} runs that learned nothing are called improved")
    if failed:
        raise BadInput(f"{len(failed)} runs failed: {next(iter(failed.values()))}")


if __name__ == "__main__":
    main()
