"""The network behind TableModel: a transformer over the values of a row, and a smaller one that predicts latents."""

import torch
from torch import Tensor, nn


def layers(width: int, depth: int, heads: int) -> nn.Module:
    """Pre-norm transformer layers without dropout, so that a run can be repeated."""
    layer = nn.TransformerEncoderLayer(width, heads, 4 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True)
    return nn.TransformerEncoder(layer, depth, norm=nn.LayerNorm(width), enable_nested_tensor=False)


class RowNetwork(nn.Module):
    """Encoder and predictor of T-JEPA, arXiv:2410.05016.

    A value becomes x w_f + b_f, with vectors of its column; `tokens` learned vectors that stand for no column are
    put before them (regularization tokens). The encoder looks at visible values alone; the predictor gets their
    latents, and at hidden places a vector of the place.
    Departs from the paper: the encoder ends in a layer norm without a further linear layer; columns are numbers.
    """

    def __init__(self, features: int, encoder: dict[str, int], predictor: dict[str, int]) -> None:
        """Sizes: encoder {width 32, depth 2, heads 4, tokens 1}; predictor {width 16, depth 1, heads 2}."""
        super().__init__()
        mine = {"width": 32, "depth": 2, "heads": 4, "tokens": 1} | encoder
        its = {"width": 16, "depth": 1, "heads": 2} | predictor
        width, narrow, self.tokens = mine["width"], its["width"], mine["tokens"]
        self.scale_F_D = nn.Parameter(torch.randn(features, width) * 0.5)
        self.shift_F_D = nn.Parameter(torch.randn(features, width) * 0.5)
        self.register_S_D = nn.Parameter(torch.randn(self.tokens, width) * 0.5)
        self.encoder = layers(width, mine["depth"], mine["heads"])
        self.into, self.out = nn.Linear(width, narrow), nn.Linear(narrow, width)
        self.place_F_P = nn.Parameter(torch.randn(features, narrow) * 0.5)
        self.predictor = layers(narrow, its["depth"], its["heads"])

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
