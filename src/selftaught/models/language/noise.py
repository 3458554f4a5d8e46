"""Noise: what a batch's rows have said so far, and how each goes on, by its own noise and its own decoder."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from selftaught.models.language.draws import Draw, Said, choose, uniforms
from selftaught.models.language.log_probabilities import normalizer


class Noise:
    """What a batch's rows have said so far, and how each goes on.

    Attributes:
        steps: most new tokens of any row.
        limit_R: most new tokens of each.
    """

    def __init__(self, draws: Sequence[Draw], device: torch.device) -> None:
        rows, self.steps = len(draws), max(d.limit for d in draws)
        # float64 costs nothing on a processor
        real = torch.float64 if device.type == "cpu" else torch.float32
        self.uniform_R_S = torch.from_numpy(uniforms([d.noise for d in draws], self.steps)).to(real).to(device)
        kinds = {id(d.over_V): d.over_V for d in draws}
        names = list(kinds)
        self.over_K_V = torch.from_numpy(np.stack(list(kinds.values()))).to(device)
        self.kind_R = torch.tensor([names.index(id(d.over_V)) for d in draws], device=device)
        self.limit_R = torch.tensor([d.limit for d in draws], device=device)
        temperatures, nucleus = {d.settings.temperature for d in draws}, any(d.settings.top_p < 1 for d in draws)
        self.greedy, self.cold = temperatures == {0}, 0 in temperatures
        self.temperature_R_1 = None if temperatures == {1} else torch.tensor([[d.settings.temperature] for d in draws], device=device)
        # 2 lets every token in, whatever the rounding of a sum of probabilities
        self.top_p_R_1 = (
            torch.tensor([[d.settings.top_p if d.settings.top_p < 1 else 2.0] for d in draws], device=device) if nucleus else None
        )
        self.decoders = decoders_of(draws, device)
        self.tokens_R_S = torch.zeros(rows, self.steps, dtype=torch.long, device=device)
        self.logprobs_R_S = torch.zeros(rows, self.steps, device=device)
        self.lengths_R = torch.zeros(rows, dtype=torch.long, device=device)
        self.ended_R = torch.zeros(rows, dtype=torch.bool, device=device)

    def take(self, step_1: Tensor, live_n: Tensor, logits_n_V: Tensor) -> tuple[Tensor, Tensor]:
        """(next tokens i64[n], which rows are over bool[n]) of the rows live_n, from their logits, at step i64[1].

        Nothing is read back and no shape depends on a value, so that a CUDA graph can hold it.
        """
        logits_n_V = logits_n_V.float()
        uniform_n = self.uniform_R_S.index_select(1, step_1)[:, 0][live_n]
        warmth, mass = (None if t is None else t[live_n] for t in (self.temperature_R_1, self.top_p_R_1))
        drawn_n_V = self._decoded(live_n, logits_n_V) if self.decoders else logits_n_V
        token_n = drawn_n_V.argmax(-1) if self.greedy else choose(drawn_n_V, uniform_n, warmth, mass, self.cold)
        self.tokens_R_S[live_n, step_1] = token_n
        self.logprobs_R_S[live_n, step_1] = logits_n_V.gather(-1, token_n[:, None])[:, 0] - normalizer(logits_n_V, token_n)
        lengths_n = self.lengths_R[live_n]
        ends_n, before_n = self.over_K_V[self.kind_R[live_n], token_n], lengths_n > 0
        fresh_n = ~before_n & (ends_n | (self.limit_R[live_n] == step_1 + 1))
        self.lengths_R[live_n] = torch.where(fresh_n, step_1 + 1, lengths_n)
        self.ended_R[live_n] |= fresh_n & ends_n
        return token_n, before_n | fresh_n

    def _decoded(self, live_n: Tensor, logits_n_V: Tensor) -> Tensor:
        """The logits that decoders make of those of the rows live_n, each row's by its own decoder.

        A row and its companion stand in the batch together, get the same logits and so say the same.
        """
        place_R = torch.zeros(len(self.tokens_R_S), dtype=torch.long, device=live_n.device)
        place_R[live_n] = torch.arange(len(live_n), device=live_n.device)
        found_n_V = logits_n_V
        for decoder, of_R, first_R, second_R in self.decoders:
            mine_n_V, beside_n_V = (logits_n_V[place_R[one_R[live_n]]] for one_R in (first_R, second_R))
            found_n_V = torch.where(of_R[live_n][:, None], decoder.logits(mine_n_V, beside_n_V), found_n_V)
        return found_n_V

    def said(self) -> list[Said]:
        """What every row has said."""
        columns = (self.tokens_R_S, self.logprobs_R_S, self.lengths_R, self.ended_R)
        found = zip(*(column.tolist() for column in columns), strict=True)
        return [(tokens[:n], logprobs[:n], bool(ended)) for tokens, logprobs, n, ended in found]


def decoders_of(draws: Sequence[Draw], device: torch.device) -> list[tuple[Any, Tensor, Tensor, Tensor]]:
    """Per decoder: which rows bool[R] it is for, and the rows i64[R] whose logits it is given first and second."""
    rows = {draw.id: r for r, draw in enumerate(draws)}
    pairs = {r: rows[draw.companion().id] for r, draw in enumerate(draws) if draw.beside}
    found = []
    for decoder in dict.fromkeys(draw.decoder for draw in draws if draw.decoder is not None):
        of, first, second = [draw.decoder == decoder for draw in draws], list(range(len(draws))), list(range(len(draws)))
        for main, beside in pairs.items():
            first[beside], second[main] = main, beside
        found.append((decoder, *(torch.tensor(column, device=device) for column in (of, first, second))))
    return found
