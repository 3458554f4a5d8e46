"""The README's numbers: `python -m benchmarks.improve` makes the runs that are missing, one after the other, and pools them.

The default run and its controls over seeds that were fixed before any of them ran; what it writes is
`benchmarks/results/improve.json`, from which the README's table is made (`make readme`).
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from selftaught.compare.table import row

SEEDS = (21, 22, 23, 24, 25)
BUDGET = 955_000
# Controls take as many tokens, at the same rate, and are seen to their end.
CONTROLS = ("random-reward", "sft-unfiltered", "shuffled-votes", "format-only")
AS_MUCH = ("--budget", str(BUDGET), "--steps", "200", "--optimizer.lr", "1e-4", "--no-alarms")
RESULT = Path(__file__).parent / "results" / "improve.json"
KEPT = ("recipe", "seeds", "verdicts", "stated", "best", "pass@16", "tokens", "tokens_by_seed", "seconds", "gold_read")


def main() -> None:
    """Make what is missing, or only pool what is there with `--pool`."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--out", type=Path, default=Path("runs/readme"))
    options.add_argument("--pool", action="store_true", help="make no runs")
    asked = options.parse_args()
    folders = {name: [asked.out / f"{name}-{seed}" for seed in SEEDS] for name in ("selftaught", *CONTROLS)}
    for place, seed in enumerate(SEEDS):
        for name, mine in folders.items():
            if not asked.pool and not (mine[place] / "result.json").exists():
                words = [name, *AS_MUCH] if name in CONTROLS else []
                line = [*words, "--seed", str(seed), "--gate", "full", "--out", str(mine[place]), "--resume"]
                subprocess.run([sys.executable, "-m", "selftaught", "improve", *line], check=True)
    rows = [{key: row(name, mine, SEEDS, True)[key] for key in KEPT} for name, mine in folders.items()]
    job = json.loads((folders["selftaught"][0] / "run.json").read_text())["job"]
    head = {"tasks": job["tasks"], "model": "sprout", "budget": BUDGET, "settings": {"held_out_count": 200, "evaluation_seed": 1}}
    RESULT.write_text(json.dumps(head | {"rows": rows}, indent=1) + "\n")
    for found in rows:
        print(f"{found['recipe']:<16}", *(f"{found[k]['before']:.1%} to {found[k]['after']:.1%}" for k in ("stated", "best")), sep="  ")


if __name__ == "__main__":
    main()
