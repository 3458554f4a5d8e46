"""`python -m benchmarks.speed`: measure, print a table, write benchmarks/results/latest.json."""

import argparse
import importlib
import os
import time
from pathlib import Path

from benchmarks.speed.options import Found, Options
from benchmarks.speed.results import LATEST, merged, read, table, write
from benchmarks.speed.worker import MODEL, SIZES

# What can be asked for by --only: module and function.
PARTS = {
    "machine": "machine.run",
    "trl": "steps.run",
    "target": "target.run",
    "generate": "decoding.generate",
    "peer": "decoding.peer",
    "tree": "tree.run",
    "overhead": "overhead.run",
    "gap": "gap.run",
    "rounds": "rounds.run",
    "linear": "scale.linear",
    "scale": "scale.run",
    "verdict": "verdict.run",
}


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="python -m benchmarks.speed", description="Both sides in turn on this machine, and their ratios.")
    made.add_argument("--only", default=",".join(PARTS), help=f"parts with commas between: {', '.join(PARTS)}")
    made.add_argument("--rounds", type=int, default=7, help="pairs of each comparison")
    made.add_argument("--threads", type=int, default=2, help="threads of each side")
    made.add_argument(
        "--settings", choices=("probe", "last"), default="probe", help="look for each side's best settings, or use those in --out"
    )
    made.add_argument("--model", default="", help="a model folder instead of sprout, trained by LoRA")
    made.add_argument("--sizes", default="16x8x32", help="with --model: prompts x attempts x new tokens")
    made.add_argument("--out", type=Path, default=LATEST, help="results; a partial run changes only what it measured")
    return made


def main() -> None:
    """Run the parts that were asked for; what cannot be run is written down with its reason."""
    given = parser().parse_args()
    if given.model:
        # before anything reads the setting, here and in the processes of the sides
        os.environ |= {MODEL: str(Path(given.model).resolve()), SIZES: given.sizes}
        given.out = given.out if given.out != LATEST else LATEST.with_name(f"{Path(given.model).name}.json")
    names = [name.strip() for name in given.only.split(",") if name.strip()]
    if unknown := [name for name in names if name not in PARTS]:
        parser().error(f"unknown part {', '.join(unknown)}: known are {', '.join(PARTS)}")
    for name in names:
        before = read(given.out)
        settings = before.get("settings", {}) if given.settings == "last" else {}
        options = Options(rounds=given.rounds, threads=given.threads, settings=settings)
        module, function = PARTS[name].split(".")
        print(f"{name} ...", flush=True)
        began = time.monotonic()
        try:
            found: Found = getattr(importlib.import_module(f"benchmarks.speed.{module}"), function)(options)
        except (RuntimeError, ImportError, OSError) as error:
            found = {"not_run": {name: f"{type(error).__name__}: {error}"}}
        write(given.out, merged(before, found))
        print(table(merged({}, found)), flush=True)
        print(f"  {time.monotonic() - began:.0f} s\n", flush=True)
    if len(names) > 1:
        print(table(read(given.out)))


if __name__ == "__main__":
    main()
