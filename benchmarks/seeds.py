"""Recipes side by side over training seeds: `python benchmarks/seeds.py RECIPE... --seeds 21 22 23 24 25 --out runs/seeds`.

Every run uses the defaults of `selftaught improve` and the same held-out tasks. Finished runs are not run again. Writes
pooled gains (tasks and seeds crossed, 95% intervals) as JSON.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from selftaught.evaluate.stats import crossed_interval
from selftaught.recipe import recipe_names


def start_waves(journal: Path) -> list[str]:
    """Lines of a journal that measured the start; the start is the same for every seed, so it is measured once."""
    return [line for line in journal.read_text().splitlines(keepends=True) if '"evaluate/start/' in line[:200]]


def one(recipe: str, seed: int, folder: Path, first: Path | None, extra: list[str]) -> subprocess.Popen[bytes] | None:
    """Start one run in a process of its own, with one thread; None when it is done already."""
    if (folder / "result.json").exists():
        return None
    folder.mkdir(parents=True, exist_ok=True)
    resume = ["--resume"] if (folder / "run.json").exists() else []
    if first and not resume and first != folder:
        (folder / "journal.jsonl").write_text("".join(start_waves(first / "journal.jsonl")))
    name, _, pillar = recipe.partition(" without ")
    words = [name, *(["--without", pillar] if pillar else []), "--seed", str(seed), "--out", str(folder), *resume, *extra]
    log = (folder / "log.txt").open("ab")
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, "-m", "selftaught", "improve", *words], stdout=log, stderr=log, env=env)


def pooled(folders: list[Path]) -> dict[str, object]:
    """Gains over seeds: mean, interval, and how many seeds are positive, at the stated sampler, best decoding and pass@16."""
    sides = [json.loads((f / "held_out.json").read_text()) for f in folders]
    results = [json.loads((f / "result.json").read_text()) for f in folders]
    row: dict[str, object] = {"seeds": len(folders), "verdicts": [r["verdict"] for r in results]}
    for name in ("stated", "best", "pass@16"):
        diff_S_B = np.array([np.array(s["result"][name]) - np.array(s["start"][name]) for s in sides])
        found = crossed_interval(diff_S_B) if len(diff_S_B) > 1 else None
        row[name] = {
            "before": float(np.mean([s["start"][name] for s in sides])), "after": float(np.mean([s["result"][name] for s in sides])),
            "gain": float(diff_S_B.mean()), "low": found.low if found else None, "high": found.high if found else None,
            "positive": int((diff_S_B.mean(axis=1) > 0).sum()), "by_seed": diff_S_B.mean(axis=1).round(4).tolist(),
        }  # fmt: skip
    row["tokens"] = [sum(r["tokens"][k] for k in ("prompted", "sampled", "scored", "trained")) for r in results]
    row["seconds"] = [r["seconds"] for r in results]
    row["gold_read"] = results[0]["gold_read"]
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipes", nargs="+")
    parser.add_argument("--seeds", type=int, nargs="+", default=[21, 22, 23, 24, 25])
    parser.add_argument("--out", type=Path, default=Path("runs/seeds"))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    args, extra = parser.parse_known_args()
    assert all(r.partition(" ")[0].partition("/")[0] in recipe_names() for r in args.recipes)
    jobs = [(r, s, args.out / f"{r.replace('/', '-').replace(' ', '-')}-{s}") for s in args.seeds for r in args.recipes]
    first: Path | None = next((f for _, _, f in jobs if (f / "result.json").exists()), None)
    running: list[subprocess.Popen[bytes]] = []
    for recipe, seed, folder in jobs:
        process = one(recipe, seed, folder, first, extra)
        if process and first is None:
            process.wait()
            first = folder
        elif process:
            running.append(process)
        while len(running) >= args.jobs:
            time.sleep(0.5)
            running = [p for p in running if p.poll() is None]
    for process in running:
        process.wait()
    table = {}
    for recipe in args.recipes:
        folders = [f for r, _, f in jobs if r == recipe and (f / "held_out.json").exists()]
        if folders:
            table[recipe] = pooled(folders)
            for name in ("stated", "best", "pass@16"):
                print(recipe, name, table[recipe][name])
    if args.json:
        args.json.write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
