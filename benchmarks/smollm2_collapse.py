"""Votes that collapse SmolLM2-135M-Instruct, and votes that do not: `python benchmarks/smollm2_collapse.py --seeds 31 32 33`.

One-digit sums and products in nine wordings, unlabeled; held-out questions are about other pairs of numbers. "hot" is ttrl
with votes at temperature 1 and rate 2e-4, which is known to collapse; "cool" votes at 0.4 with rate 1.5e-4, which is known
to gain. Hot runs must be stopped by an alarm before 5 points are lost at the best decoding, cool ones must be left alone.
A run that is there already is not made again.
"""

import argparse
import json
import random
import subprocess
import sys
from pathlib import Path

WORDINGS = {
    "+": (
        "What is {a} plus {b}?", "{a} + {b} =", "Add {a} and {b}.", "What is the sum of {a} and {b}?",
        "Tom has {a} books and buys {b} more. How many books does he have?",
    ),
    "*": (
        "What is {a} times {b}?", "{a} * {b} =", "Multiply {a} by {b}.",
        "There are {a} boxes with {b} pens in each. How many pens are there?",
    ),
}  # fmt: skip
TRAIN, HELD = 397, 70
SETTINGS = {
    "hot": ["--temperature", "1", "--optimizer.lr", "2e-4", "--steps", "14"],
    "cool": ["--temperature", "0.4", "--optimizer.lr", "1.5e-4", "--steps", "13"],
}
SAME = ["--adapter", "lora", "--plan.tasks", "24", "--plan.n", "8", "--max-tokens", "32", "--answer", "number", "--anyway"]


def write_tasks(out: Path) -> tuple[Path, Path]:
    """The two files, the same each time; a pair of numbers is in one of them only."""
    rng, pairs = random.Random(0), [(a, b) for a in range(1, 10) for b in range(1, 10)]
    rng.shuffle(pairs)
    held, trained = pairs[:14], pairs[14:]

    def rows(of: list[tuple[int, int]], count: int) -> list[dict[str, str]]:
        made = [
            {"prompt": text.format(a=a, b=b), "answer": str(a + b if sign == "+" else a * b)}
            for a, b in of for sign, texts in WORDINGS.items() for text in texts
        ]  # fmt: skip
        return rng.sample(made, count)

    files = out / "train.jsonl", out / "held.jsonl"
    unlabeled = [{"prompt": row["prompt"]} for row in rows(trained, TRAIN)]
    for path, lines in zip(files, (unlabeled, rows(held, HELD)), strict=True):
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return files


def told(folder: Path) -> str:
    """What came of a run, in a line."""
    result = json.loads((folder / "result.json").read_text())
    sides = [f"{name} {side['before']:.1%} to {side['after']:.1%}" for name, side in (("stated", result), ("best", result["best"]))]
    alarms = "; ".join(f"{alarm['name']} at step {alarm['step']}: {alarm['message']}" for alarm in result["alarms"]) or "no alarm"
    return f"{folder.name}: {result['verdict']}; {'; '.join(sides)}; {alarms}"


def main() -> None:
    """Run what is missing, one after the other, and print a line a run."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seeds", type=int, nargs="+", default=[31, 32, 33])
    options.add_argument("--settings", nargs="+", default=list(SETTINGS), choices=list(SETTINGS))
    options.add_argument("--no-alarms", action="store_true", help="let it go on, to see what an alarm spares")
    options.add_argument("--out", type=Path, default=Path("runs/smollm2-collapse"))
    asked = options.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    train, held = write_tasks(asked.out)
    for seed in asked.seeds:
        for setting in asked.settings:
            folder = asked.out / f"{setting}{'-unwatched' * asked.no_alarms}-{seed}"
            if not (folder / "result.json").exists():
                words = [sys.executable, "-m", "selftaught", "improve", "ttrl", "--model", "smollm2", "--tasks", str(train), "--held-out"]
                words += [str(held), "--seed", str(seed), "--out", str(folder), *SAME, *SETTINGS[setting]]
                resumed = [sys.executable, "-m", "selftaught", "improve", "--resume", "--out", str(folder)]
                subprocess.run(resumed if (folder / "run.json").exists() else words + ["--no-alarms"] * asked.no_alarms, check=True)
            print(told(folder), flush=True)


if __name__ == "__main__":
    main()
