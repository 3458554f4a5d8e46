"""RowTransformer: a transformer over the values of a row, and a smaller one that predicts latents of hidden values."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from selftaught.models.modules.network import Network, refuse_payload
from selftaught.payloads.rows import Rows


def layers(width: int, depth: int, heads: int) -> nn.Module:
    """Pre-norm transformer layers without dropout, so that a run can be repeated."""
    layer = nn.TransformerEncoderLayer(width, heads, 4 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True)
    return nn.TransformerEncoder(layer, depth, norm=nn.LayerNorm(width), enable_nested_tensor=False)


class RowTransformer(Network):
    """Encoder and predictor of T-JEPA, arXiv:2410.05016.

    A value becomes x w_f + b_f, with vectors of its column; `tokens` learned vectors that stand for no column are
    put before them (regularization tokens). The encoder looks at visible values alone; the predictor gets their
    latents, and at hidden places a vector of the place.
    Departs from the paper: the encoder ends in a layer norm without a further linear layer; columns are numbers.

    Outputs over rows: "features" f[N,F*D], the latents of all columns side by side, 0 where hidden; "prediction" and
    "target" f[N,K,D], latents of the K hidden values, predicted from the others, and as the weights "ema" see them in the
    whole row.
    """

    takes = "rows"
    outputs = {"features": "", "prediction": "", "target": "ema"}
    sizes = {"encoder": {"width": 32, "depth": 2, "heads": 4, "tokens": 1}, "predictor": {"width": 16, "depth": 1, "heads": 2}}

    def __init__(self, features: int, mine: Mapping[str, Any], its: Mapping[str, Any]) -> None:
        """For rows of so many columns; sizes of the encoder and of the predictor."""
        super().__init__()
        width, narrow, self.tokens = mine["width"], its["width"], mine["tokens"]
        self.width, self.depth = features, features * width
        self.scale_F_D = nn.Parameter(torch.randn(features, width) * 0.5)
        self.shift_F_D = nn.Parameter(torch.randn(features, width) * 0.5)
        self.register_S_D = nn.Parameter(torch.randn(self.tokens, width) * 0.5)
        self.encoder = layers(width, mine["depth"], mine["heads"])
        self.into, self.out = nn.Linear(width, narrow), nn.Linear(narrow, width)
        self.place_F_P = nn.Parameter(torch.randn(features, narrow) * 0.5)
        self.predictor = layers(narrow, its["depth"], its["heads"])

    @classmethod
    def over(cls, payload: Rows, sizes: Mapping[str, Mapping[str, Any]]) -> Self:
        return cls(payload.values.shape[1], sizes["encoder"], sizes["predictor"])

    def collate(self, payloads: Sequence[Rows]) -> tuple[Tensor, Tensor]:
        """Values f[N,F] and hidden bool[N,F] of all rows."""
        for payload in payloads:
            refuse_payload(self, payload, payload.values.shape[1] if isinstance(payload, Rows) else 0)
        values_N_F, hidden_N_F = (np.concatenate([getattr(rows, name) for rows in payloads]) for name in ("values", "mask"))
        return torch.from_numpy(values_N_F), torch.from_numpy(hidden_N_F)

    def forward(self, inputs: tuple[Tensor, Tensor], names: Sequence[str]) -> dict[str, Tensor]:
        """See `Network.forward`; raises ValueError when rows hide different numbers of values."""
        (values_N_F, hidden_N_F), found = inputs, {}
        if "features" in names:
            found["features"] = self.encode(values_N_F, hidden_N_F).flatten(1)
        if "prediction" in names:
            found["prediction"] = picked(self.predict(values_N_F, hidden_N_F), hidden_N_F)
        if "target" in names:
            found["target"] = picked(self.encode(values_N_F, torch.zeros_like(hidden_N_F)), hidden_N_F)
        return found

    def contextual(self, values_B_F: Tensor, hidden_B_F: Tensor) -> Tensor:
        """f[B,S+F,D]: latents of the tokens and of all places; those of hidden places mean nothing."""
        values_B_F_D = values_B_F[:, :, None] * self.scale_F_D + self.shift_F_D
        register_B_S_D = self.register_S_D.expand(len(values_B_F), -1, -1)
        visible = torch.zeros(len(values_B_F), self.tokens, dtype=torch.bool, device=hidden_B_F.device)
        unseen_B_T = torch.cat([visible, hidden_B_F], 1)
        latents: Tensor = self.encoder(torch.cat([register_B_S_D, values_B_F_D], 1), src_key_padding_mask=unseen_B_T)
        return latents

    def encode(self, values_B_F: Tensor, hidden_B_F: Tensor) -> Tensor:
        """f[B,F,D]: latents of the values, 0 where they are hidden."""
        return self.contextual(values_B_F, hidden_B_F)[:, self.tokens :].masked_fill(hidden_B_F[:, :, None], 0.0)

    def predict(self, values_B_F: Tensor, hidden_B_F: Tensor) -> Tensor:
        """f[B,F,D]: latents predicted from the visible values; only those of hidden places mean something."""
        context_B_T_P = self.into(self.contextual(values_B_F, hidden_B_F))
        seen_B_F_P = context_B_T_P[:, self.tokens :].masked_fill(hidden_B_F[:, :, None], 0.0) + self.place_F_P
        latents_B_T_P = self.predictor(torch.cat([context_B_T_P[:, : self.tokens], seen_B_F_P], 1))
        predicted: Tensor = self.out(latents_B_T_P[:, self.tokens :])
        return predicted


def picked(latents_N_F_D: Tensor, hidden_N_F: Tensor) -> Tensor:
    """f[N,K,D]: latents of the hidden values; raises ValueError when rows hide different numbers of them."""
    counts = hidden_N_F.sum(1)
    if bool((counts != counts[0]).any()) or not counts[0]:
        raise ValueError("every view of a step must hide the same number of values, and at least one")
    return latents_N_F_D[hidden_N_F].view(len(hidden_N_F), int(counts[0]), -1)
