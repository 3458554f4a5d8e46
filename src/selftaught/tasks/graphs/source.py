"""Graphs: the import graph of Python's standard library as tasks without words."""

import gzip
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, NamedTuple, Self

import numpy as np

from selftaught.parts import BadInput, nearest, part
from selftaught.payloads.graph import Graph
from selftaught.stages import TaskSource
from selftaught.tasks.graphs.extract import FILE
from selftaught.types import Bools, Floats, Ints, Sealed, Split, Task, content_hash

GRAPHS = ("stdlib",)
# Where in [0, 1) of a node's hash each split lives. All but held-out nodes are in the graph that is trained on.
BLOCKS: Mapping[Split, tuple[float, float]] = {"held-out": (0, 0.4), "development": (0.4, 0.5), "audit": (0.5, 0.55), "train": (0.55, 1)}
# Words that fewer modules have, or a larger share of them, say little; packages of fewer modules are no class.
FEWEST, MOST, CLASS = 20, 0.2, 12


class Nodes(NamedTuple):
    """A graph, and for each node: name, label ("" where it has none), and where in [0, 1) it lies."""

    graph: Graph
    names: tuple[str, ...]
    labels_N: tuple[str, ...]
    place_N: Floats


@cache
def load(name: str) -> Nodes:
    """The graph of that name.

    A node is a module. Its features f32[N,F] are inverse-frequency weights of the words it has, of length 1; an import is an edge
    in both directions; its label is its package, "top-level" for a module in none, which no word of its own name gives away.
    """
    modules = json.loads(gzip.decompress(FILE.with_name(f"{name}.json.gz").read_bytes()))["modules"]
    names, n = [module["name"] for module in modules], len(modules)
    counts = Counter(word for module in modules for word in module["words"])
    column = {word: i for i, word in enumerate(sorted(word for word, count in counts.items() if FEWEST <= count <= MOST * n))}
    features_N_F = np.zeros((n, len(column)), np.float32)
    for i, module in enumerate(modules):
        for word in module["words"]:
            if word in column:
                features_N_F[i, column[word]] = np.log(n / counts[word])
    features_N_F /= np.maximum(np.linalg.norm(features_N_F, axis=1, keepdims=True), 1e-12)
    pairs = {pair for i, module in enumerate(modules) for j in module["imports"] for pair in ((i, j), (j, i))}
    tops = Counter(one.partition(".")[0] for one in names)
    packages = ["top-level" if tops[one.partition(".")[0]] == 1 else one.partition(".")[0] for one in names]
    sizes = Counter(packages)
    return Nodes(
        Graph.whole(features_N_F, np.array(sorted(pairs), np.int32).T.copy()), tuple(names),
        tuple(package if sizes[package] >= CLASS else "" for package in packages),
        np.array([int(content_hash(name, one), 16) / 2**64 for one in names], np.float32),
    )  # fmt: skip


@part
@dataclass(frozen=True, kw_only=True)
class Graphs(TaskSource):
    """One training task: the graph of all nodes that are not held out. In the other splits a task is one node, its label sealed.

    Which split a node belongs to depends on its name.

    Attributes:
        graph: stdlib, which modules of Python's standard library import which (see `extract`).
    """

    name: ClassVar[str] = "graph"
    graph: str = "stdlib"

    def __post_init__(self) -> None:
        if self.graph not in GRAPHS:
            raise BadInput(f"unknown graph '{self.graph}': {nearest(self.graph, GRAPHS)}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """`graph:stdlib` as a source."""
        return cls(graph=text.partition(":")[2])

    def text(self) -> str:
        return f"graph:{self.graph}"

    def whole(self) -> Graph:
        """The graph of all nodes."""
        return load(self.graph).graph

    def inside(self, split: Split) -> Bools:
        """bool[N]: the nodes of a split."""
        low, high = BLOCKS[split]
        place_N = load(self.graph).place_N
        return (low <= place_N) & (place_N < high)

    def labels(self) -> Ints:
        """i32[N]: the class of each node for probes, -1 for none."""
        labels_N = load(self.graph).labels_N
        known = sorted(set(labels_N) - {""})
        return np.array([known.index(label) if label else -1 for label in labels_N], np.int32)

    def draw(self, key: str, count: int, split: Split) -> list[Task]:
        nodes = load(self.graph)
        if split == "train":
            known = nodes.graph.among(~self.inside("held-out"))
            return [Task(id=content_hash(self.text()), prompt=f"the graph {self.graph}", payload=known, source=self.text())][:count]
        rng = np.random.default_rng(int(content_hash(key, split, self.text()), 16))
        return [self.task(nodes, i, split) for i in rng.permutation(np.flatnonzero(self.inside(split)))[:count]]

    def task(self, nodes: Nodes, i: int, split: Split) -> Task:
        """A node by itself as a task; its prompt names it for people and logs."""
        prompt, alone = f"node {nodes.names[i]} of {self.graph}", np.arange(len(nodes.names)) == i
        sealed = Sealed({"answer": nodes.labels_N[i]})
        return Task(
            id=content_hash(prompt), prompt=prompt, payload=nodes.graph.among(alone), sealed=sealed, source=self.text(), split=split
        )

    def fingerprint(self, task: Task) -> str:
        return content_hash(task.text)
