"""SmolLM2-135M-Instruct teaches itself: `python benchmarks/smollm2.py --seeds 11 12 13`.

Every run is `selftaught improve [CONTROL] --model smollm2`, with seeds fixed before any of them was run; a run that is
there already is not made again. Then the gains over seeds and tasks, on the tasks that every run of a row was judged by.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from selftaught.statistics.intervals import estimate

ROWS = ("selftaught", "random-reward", "sft-unfiltered", "zero-lr")
STEPS = "12"


def command(recipe: str, seed: int, out: Path, share: float) -> list[str]:
    """One run; controls take as many steps, and are seen to their end."""
    own = [] if recipe == "selftaught" else ["--steps", STEPS, "--no-alarms", "--no-forecast"]
    words = ["-m", "selftaught", "improve", recipe, "--model", "smollm2", "--seed", str(seed), "--gate-share", str(share)]
    return [sys.executable, *words, *own, "--out", str(out)]


def sides_of(folder: Path) -> dict[str, dict[str, dict[str, float]]]:
    """{side: {stated or best: {task: value}}} of a run."""
    held = json.loads((folder / "held_out.json").read_text())
    return {side: {name: dict(zip(rows["tasks"], rows[name], strict=True)) for name in ("stated", "best")} for side, rows in held.items()}


def told(folders: list[Path]) -> str:
    """Both gains of a row, over its seeds and the tasks they share."""
    sides, said = [sides_of(folder) for folder in folders], []
    for name in ("stated", "best"):
        shared = sorted(set.intersection(*(set(s["start"][name]) & set(s["result"][name]) for s in sides)))
        start, end = (np.array([[s[side][name][task] for task in shared] for s in sides]) for side in ("start", "result"))
        found = estimate(end - start)
        gain = f"{100 * (end - start).mean():+.1f} ({100 * found.low:.1f} to {100 * found.high:.1f})"
        said.append(f"{name} {start.mean():.1%} to {end.mean():.1%}, {gain}, {len(shared)} tasks")
    return "; ".join(said)


def beaten(mine: list[Path], theirs: list[Path]) -> str:
    """By how much one row's results lie above another's, on the same tasks and seeds."""
    one, other, said = [sides_of(f)["result"] for f in mine], [sides_of(f)["result"] for f in theirs], []
    for name in ("stated", "best"):
        shared = sorted(set.intersection(*(set(side[name]) for side in (*one, *other))))
        ours, others = (np.array([[side[name][task] for task in shared] for side in row]) for row in (one, other))
        found = estimate(ours - others)
        said.append(f"{name} {100 * (ours - others).mean():+.1f} ({100 * found.low:.1f} to {100 * found.high:.1f})")
    return "; ".join(said)


def main() -> None:
    """Run what is missing, one after the other, and print a line a row; then the first row over each of the others."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seeds", type=int, nargs="+", default=[11, 12, 13])
    options.add_argument("--recipes", nargs="+", default=list(ROWS))
    options.add_argument("--share", type=float, default=0.5, help="--gate-share")
    options.add_argument("--out", type=Path, default=Path("runs/smollm2"))
    asked = options.parse_args()
    for recipe in asked.recipes:
        folders = [asked.out / f"{recipe}-{seed}" for seed in asked.seeds]
        for seed, folder in zip(asked.seeds, folders, strict=True):
            if not (folder / "result.json").exists():
                resumed = [sys.executable, "-m", "selftaught", "improve", "--resume", "--out", str(folder)]
                started = (folder / "run.json").exists()
                subprocess.run(resumed if started else command(recipe, seed, folder, asked.share), check=True)
        print(f"{recipe}, seeds {' '.join(map(str, asked.seeds))}: {told(folders)}", flush=True)
    mine, *others = asked.recipes
    for recipe in others:
        both = [[asked.out / f"{name}-{seed}" for seed in asked.seeds] for name in (mine, recipe)]
        print(f"{mine} over {recipe}: {beaten(*both)}", flush=True)


if __name__ == "__main__":
    main()
