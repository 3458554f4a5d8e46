"""GraphAttention: attention over the edges of a graph, encoder and decoder of a masked graph autoencoder."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor, nn

from selftaught.models.modules.network import Network, refuse_payload
from selftaught.payloads.graph import Graph


class Nodes(NamedTuple):
    """Graphs as one: features f[N,F], edges i64[2,E] with every node's edge to itself, hidden bool[N], seen i64[N]."""

    features_N_F: Tensor
    edges_2_E: Tensor
    hidden_N: Tensor
    seen_N: Tensor


class GraphAttention(Network):
    """Encoder of attention layers, and a decoder of one, as GraphMAE has them, arXiv:2205.10803.

    A node whose features a view hides shows a learned vector, or another node's features. Behind the encoder the hidden
    nodes' codes are set to 0 (re-masked), so that the decoder must tell their features from their neighbors' codes.
    `encoder.dropout` is the share of each layer's inputs that is dropped, half of it that of the attention.
    Departs from the paper: with `decoder.remask` 0 the codes stay.

    Outputs over nodes: "features" f[N,D], the encoder's codes; "prediction" and "target" f[M,F], of the M hidden nodes.
    """

    takes = "graph"
    outputs = {"features": "", "prediction": "", "target": ""}
    sizes = {"encoder": {"width": 128, "depth": 2, "heads": 4, "dropout": 0.2}, "decoder": {"remask": 1}}

    def __init__(self, features: int, encoder: Mapping[str, Any], decoder: Mapping[str, Any]) -> None:
        """For nodes of so many features; sizes of the encoder (`width` divides by `heads`) and the decoder."""
        super().__init__()
        width, depth = encoder["width"], encoder["depth"]
        self.width, self.depth, self.remask = features, width, bool(decoder["remask"])
        self.token_F = nn.Parameter(torch.zeros(features))
        self.encoder = nn.ModuleList(
            AttentionLayer(width if i else features, width, encoder["heads"], encoder["dropout"]) for i in range(depth)
        )
        self.bends = nn.ModuleList(nn.PReLU() for _ in range(depth))
        self.between = nn.Linear(width, width, bias=False)
        self.decoder = AttentionLayer(width, features, 1, encoder["dropout"])

    @classmethod
    def over(cls, payload: Graph, sizes: Mapping[str, Mapping[str, Any]]) -> Self:
        return cls(payload.features.shape[1], sizes["encoder"], sizes["decoder"])

    def collate(self, payloads: Sequence[Graph]) -> Nodes:
        """Graphs side by side, no edge between them."""
        for payload in payloads:
            refuse_payload(self, payload, payload.features.shape[1] if isinstance(payload, Graph) else 0)
        first_G = np.cumsum([0, *map(len, payloads)])
        each_N = np.arange(first_G[-1])
        edges_2_E = np.concatenate([*(g.edges + first for g, first in zip(payloads, first_G, strict=False)), np.stack([each_N, each_N])], 1)
        seen_N = np.concatenate([np.where(g.seen < 0, -1, g.seen + first) for g, first in zip(payloads, first_G, strict=False)])
        features_N_F, hidden_N = (np.concatenate([getattr(g, name) for g in payloads]) for name in ("features", "mask"))
        return Nodes(*(torch.from_numpy(a) for a in (features_N_F, edges_2_E.astype(np.int64), hidden_N, seen_N.astype(np.int64))))

    def forward(self, inputs: Nodes, names: Sequence[str]) -> dict[str, Tensor]:
        """See `Network.forward`."""
        found: dict[str, Tensor] = {}
        if "target" in names:
            found["target"] = inputs.features_N_F[inputs.hidden_N]
        if not {"features", "prediction"} & set(names):
            return found
        codes_N_D = self.encode(inputs)
        if "features" in names:
            found["features"] = codes_N_D
        if "prediction" in names:
            given_N_D = self.between(codes_N_D)
            if self.remask:
                given_N_D = given_N_D.masked_fill(inputs.hidden_N[:, None], 0.0)
            found["prediction"] = self.decoder(given_N_D, inputs.edges_2_E)[inputs.hidden_N]
        return found

    def encode(self, inputs: Nodes) -> Tensor:
        """f[N,D]: codes of what each node shows and what its neighbors show."""
        shown_N_F = inputs.features_N_F[inputs.seen_N.clamp(min=0)]
        codes_N_D = torch.where((inputs.seen_N < 0)[:, None], self.token_F, shown_N_F)
        for layer, bend in zip(self.encoder, self.bends, strict=True):
            codes_N_D = bend(layer(codes_N_D, inputs.edges_2_E))
        return codes_N_D


class AttentionLayer(nn.Module):
    """Graph attention, arXiv:1710.10903, over edges j -> i, each head by itself.

    out_i = sum_j softmax_j(leaky(a . W x_j + b . W x_i)) W x_j + c
    """

    def __init__(self, given: int, width: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads, self.each = heads, width // heads
        self.drop, self.drop_shares = nn.Dropout(dropout), nn.Dropout(dropout / 2)
        self.into = nn.Linear(given, self.heads * self.each, bias=False)
        self.from_H_D, self.to_H_D = (nn.Parameter(torch.empty(heads, self.each)) for _ in range(2))
        self.bias_D = nn.Parameter(torch.zeros(self.heads * self.each))
        for weight in (self.into.weight, self.from_H_D, self.to_H_D):
            nn.init.xavier_normal_(weight)

    def forward(self, given_N_C: Tensor, edges_2_E: Tensor) -> Tensor:
        """f[N,width]; every node needs an edge into it."""
        n = len(given_N_C)
        from_E, to_E = edges_2_E
        values_N_H_D = self.into(self.drop(given_N_C)).view(n, self.heads, self.each)
        from_N_H, to_N_H = ((values_N_H_D * part).sum(-1) for part in (self.from_H_D, self.to_H_D))
        scores_E_H = nn.functional.leaky_relu(from_N_H[from_E] + to_N_H[to_E], 0.2)
        # the largest score into a node, taken off so that no exponential overflows
        index_E_H = to_E[:, None].expand(-1, self.heads)
        top_N_H = scores_E_H.detach().new_full((n, self.heads), -torch.inf).scatter_reduce(0, index_E_H, scores_E_H.detach(), "amax")
        weights_E_H = (scores_E_H - top_N_H[to_E]).exp()
        total_N_H = weights_E_H.new_zeros(n, self.heads).index_add(0, to_E, weights_E_H)
        shares_E_H = self.drop_shares(weights_E_H / total_N_H[to_E])
        sums_N_H_D = torch.zeros_like(values_N_H_D).index_add(0, to_E, shares_E_H[:, :, None] * values_N_H_D[from_E])
        return sums_N_H_D.flatten(1) + self.bias_D
