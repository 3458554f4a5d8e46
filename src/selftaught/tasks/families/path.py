"""A path through a small graph: a rule walks it along the edges of the prompt."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from selftaught.parts import part
from selftaught.tasks.family import Facts, Family, Say, exactly, listed, unlisted


@part
@dataclass(frozen=True, kw_only=True)
class Path(Family):
    """Walk from the first to the last named node along one-way edges.

    Attributes:
        nodes: how many nodes the graph has (2 to 26).
        extra: edges beyond the spanning tree; they make shortcuts and dead ends.
    """

    ladder = tuple(dict(nodes=n, extra=e) for n, e in
                   ((3, 0), (4, 1), (5, 1), (6, 2), (7, 3), (8, 4), (10, 5), (12, 6), (14, 8), (18, 10)))  # fmt: skip
    wordings = ("Go from {ends} by {edges}.", "Edges {edges}: walk from {ends}.")
    plain = (
        "One-way roads lead {roads}. How do you get from {ends}?", "You can go {roads}. Which way leads from {ends}?",
        "A map has roads {roads}. List the places on a way from {ends}.", "Find a way from {ends} when there are roads {roads}.",
    )  # fmt: skip
    limits = dict(nodes=(2, 26), extra=(0, 30))
    signal = "rule"
    nodes: int = 6
    extra: int = 2

    def draw(self, rng: random.Random) -> Facts:
        names = rng.sample("ABCDEFGHIJKLMNOPQRSTUVWXYZ", self.nodes)
        parent = {names[i]: rng.choice(names[max(0, i - 3) : i]) for i in range(1, self.nodes)}
        edges = [p + n for n, p in parent.items()]
        edges += [a + b for a, b in (rng.sample(names, 2) for _ in range(self.extra))]
        return names[0], names[-1], tuple(rng.sample(edges, len(edges)))

    def show(self, facts: Facts) -> dict[str, str]:
        roads = listed(f"from {edge[0]} to {edge[1]}" for edge in facts[2])
        return {"ends": f"{facts[0]} to {facts[1]}", "edges": ", ".join(" ".join(e) for e in facts[2]), "roads": roads}

    def parse(self, pieces: Mapping[str, str]) -> Facts:
        ends = re.fullmatch("([A-Z]) to ([A-Z])", pieces["ends"])
        if "roads" in pieces:
            roads = [re.fullmatch("from ([A-Z]) to ([A-Z])", road) for road in unlisted(pieces["roads"])]
            pieces = {"edges": ", ".join(f"{road[1]} {road[2]}" if road else "" for road in roads)}
        if not ends or not re.fullmatch("[A-Z] [A-Z](, [A-Z] [A-Z])*", pieces["edges"]):
            raise ValueError("not a graph")
        return ends[1], ends[2], tuple(e[0] + e[2] for e in pieces["edges"].split(", "))

    def vary(self, facts: Facts, rng: random.Random) -> Facts:
        return facts[0], facts[1], tuple(rng.sample(facts[2], len(facts[2])))

    def identity(self, facts: Facts) -> Facts:
        return (facts[0], facts[1], tuple(sorted(set(facts[2]))))

    def work(self, facts: Facts, say: Say = exactly) -> tuple[str, str]:
        start, goal, edges = facts
        walks = [start]
        while walks and not walks[0].endswith(goal):
            walk = walks.pop(0)
            walks += [walk + b for a, b in edges if a == walk[-1] and b not in walk]
        return "", " ".join(walks[0] if walks else start + goal)

    def check(self, facts: Facts, answer: str) -> bool:
        start, goal, edges = facts
        walk = re.split(r"(?:[,\s]|->|to\b|then\b)+", answer.strip())
        hops = {a + b for a, b in pairwise(walk)}
        return 1 < len(walk) <= 60 and walk[0] == start and walk[-1] == goal and hops <= set(edges)

    def spoil(self, facts: Facts, rng: random.Random) -> tuple[str, str]:
        walk = self.work(facts)[1].split()
        others = [n for n in sorted({n for e in facts[2] for n in e}) if n not in walk] or ["Z"]
        return "", " ".join([*walk[:-1], rng.choice(others), walk[-1]])
