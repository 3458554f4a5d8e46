"""The picture in the README: `python benchmarks/picture.py RUN docs/run.svg`. One run, each number with its 95% interval over tasks."""

import argparse
import json
from pathlib import Path

import matplotlib
import numpy as np

from selftaught.statistics.differences import bootstrap_interval

matplotlib.use("agg")
import matplotlib.pyplot as plt


def rows(run: Path) -> list[tuple[str, float, float, float, bool]]:
    """(label, value, low, high, whether it is after training) of everything the picture shows."""
    result, held = (json.loads((run / name).read_text()) for name in ("result.json", "held_out.json"))
    found = []
    for label, side, key in (
        ("after, best decoding", "result", "best"),
        ("after, as stated", "result", "stated"),
        ("start, best decoding", "start", "best"),
        ("start, as stated", "start", "stated"),
    ):
        values_B = np.array(held[side][key])
        found.append((label, float(values_B.mean()), *bootstrap_interval(values_B, 0), side == "result"))
    for label, key in (("start, vote of 8", "vote_k"), ("start, greedy", "greedy")):
        marks = result["baseline_intervals"][key]
        found.insert(2, (label, result["baselines"][key], marks["low"], marks["high"], False))
    return found


def main() -> None:
    """Draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    plt.rcParams |= {"svg.hashsalt": "selftaught", "font.size": 11, "font.family": "sans-serif"}
    figure, axes = plt.subplots(figsize=(7.2, 2.7))
    for y, (_, value, low, high, after) in enumerate(rows(args.run)):
        color = "#1a7f5a" if after else "#5f6b7a"
        axes.plot([100 * low, 100 * high], [y, y], color=color, linewidth=2.5, alpha=0.55, solid_capstyle="round")
        axes.plot(100 * value, y, "o", color=color, markersize=8)
        axes.annotate(f"{100 * value:.0f}%", (100 * high, y), xytext=(6, 0), textcoords="offset points", va="center", color=color)
    axes.set_yticks(range(6), [row[0] for row in rows(args.run)])
    axes.set_xlabel("right on held-out tasks, % (95% interval over tasks)")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", alpha=0.25)
    figure.tight_layout()
    figure.savefig(args.out, metadata={"Date": None})


if __name__ == "__main__":
    main()
