"""GraphMAE against what it must beat, on nodes nobody trained on: `python benchmarks/graphmae.py`.

Trains graphmae and its two presets on the import graph of the standard library without its held-out nodes, on three seeds,
and probes the codes of the whole graph on the held-out nodes from ten labels a class, drawn six times. Beside them raw
features, raw features averaged over the neighborhood twice, and each seed's encoder before it has learned anything.
Differences are paired by seed and node (`statistics.pooled`). Writes results/graphmae.json; about ten minutes on one core.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import selftaught
from selftaught.coroutines import finished
from selftaught.jobs.job import Job
from selftaught.jobs.session import Session, open_session
from selftaught.measures.node_probe import node_features, node_probe
from selftaught.payloads.graph import Graph
from selftaught.statistics.pooled import pooled
from selftaught.tasks.graphs.source import Graphs, load
from selftaught.types import Floats

RECIPES = ("graphmae", "graphmae/no-remask", "graphmae/squared-error")
RESULT = Path(__file__).parent / "results/graphmae.json"


def averaged(graph: Graph, times: int) -> Floats:
    """Features averaged over each node and its neighbors, as a graph convolution without weights does (arXiv:1902.07153)."""
    beside_N_N = np.eye(len(graph), dtype=np.float32)
    beside_N_N[graph.edges[0], graph.edges[1]] = 1
    degrees_N = beside_N_N.sum(1)
    beside_N_N /= np.sqrt(degrees_N[:, None] * degrees_N)
    return np.linalg.matrix_power(beside_N_N, times) @ graph.features


def trained(recipe: str, seed: int, steps: int, graph: Graph, folder: Path) -> tuple[Floats, Floats]:
    """Codes of all nodes before and after a run."""
    selftaught.improve(recipe, seed=seed, steps=steps, out=folder, gate=False, forecast=False, anyway=True)

    async def look(session: Session) -> tuple[Floats, Floats]:
        await session.run.resume()
        start, learned = [await node_features(session.run.model, graph, name) for name in ("start", "policy")]
        return start, learned

    session = open_session(Job(), folder, resume=True)
    try:
        return finished(lambda: look(session))
    finally:
        session.close()


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, nargs="+", default=[31, 32, 33])
    parser.add_argument("--steps", type=int, default=300)
    options = parser.parse_args()
    source, graph = Graphs(), load("stdlib").graph
    labels_N, held_N = source.labels(), source.inside("held-out")

    def right(features_N_D: Floats) -> Floats:
        return node_probe(features_N_D, labels_N, ~held_N, held_N).per_item

    found: dict[str, list[Floats]] = {}
    for name, times in (("raw features", 0), ("features averaged twice", 2)):
        found[name] = [right(averaged(graph, times))] * len(options.seeds)
    with tempfile.TemporaryDirectory() as home:
        for seed in options.seeds:
            for recipe in RECIPES:
                start, learned = trained(recipe, seed, options.steps, graph, Path(home) / f"{recipe.replace('/', '-')}-{seed}")
                found.setdefault(recipe, []).append(right(learned))
                if recipe == RECIPES[0]:
                    found.setdefault("before training", []).append(right(start))
                print(seed, recipe, f"{found[recipe][-1].mean():.3f}", flush=True)
    table: dict[str, Any] = {name: {"accuracy": round(float(np.mean(values)), 4)} for name, values in found.items()}
    for name, values in found.items():
        if name != RECIPES[0]:
            row = pooled(np.array(found[RECIPES[0]], np.float64) - np.array(values, np.float64))
            table[name] |= {key: round(float(getattr(row, key)), 4) for key in ("gain", "low", "high", "p")}
    facts = {"nodes": int((held_N & (labels_N >= 0)).sum()), "seeds": options.seeds, "steps": options.steps, "table": table}
    RESULT.write_text(json.dumps(facts, indent=1) + "\n")
    print(json.dumps(facts, indent=1))


if __name__ == "__main__":
    main()
