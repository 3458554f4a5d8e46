"""A graph with features on its nodes."""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from selftaught.payload import Payload
from selftaught.types import Bools, Floats, Ints


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Graph(Payload):
    """A directed graph; an item is a node.

    Attributes:
        features: f32[N,F], what each node really has.
        edges: i32[2,E], from and to; an undirected edge stands in both directions, a node is no neighbor of its own.
        mask: bool[N], True where a view hides the node's features.
        seen: i32[N], the node whose features a view shows at each place: mostly its own, -1 for none.
    """

    form: ClassVar[str] = "graph"
    features: Floats
    edges: Ints
    mask: Bools
    seen: Ints

    @classmethod
    def whole(cls, features_N_F: Floats, edges_2_E: Ints) -> Self:
        """A graph with nothing hidden."""
        n = len(features_N_F)
        return cls(features=features_N_F, edges=edges_2_E, mask=np.zeros(n, np.bool_), seen=np.arange(n, dtype=np.int32))

    def __len__(self) -> int:
        return len(self.features)

    @property
    def hidden_items(self) -> int:
        return int(self.mask.sum())

    def hiding(self, share: float, swapped: float, rng: np.random.Generator) -> Self:
        """A view with the features of that share of the nodes hidden, at least one and all but one; needs two nodes.

        Of the hidden nodes the share `swapped` shows the features of some other node, drawn evenly, the rest none.
        """
        n = len(self)
        hidden_M = rng.permutation(n)[: min(max(1, int(share * n)), n - 1)]
        mask_N, seen_N = np.zeros(n, np.bool_), np.arange(n, dtype=np.int32)
        mask_N[hidden_M], seen_N[hidden_M] = True, -1
        swaps_K = hidden_M[: int(swapped * len(hidden_M))]
        # one of the n - 1 others
        seen_N[swaps_K] = (swaps_K + 1 + rng.integers(n - 1, size=len(swaps_K))) % n
        return replace(self, mask=mask_N, seen=seen_N)

    def among(self, kept_N: Bools) -> Self:
        """The graph of some nodes, and the edges between them."""
        place_N = np.cumsum(kept_N, dtype=np.int32) - 1
        edges_2_E = self.edges[:, kept_N[self.edges].all(0)]
        return self.whole(self.features[kept_N], place_N[edges_2_E].astype(np.int32))
