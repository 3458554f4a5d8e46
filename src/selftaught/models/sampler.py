"""Sampler: draws of named weights, by the fast decoder where there is one, else by the module's own forward."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch

from selftaught.models import room
from selftaught.models.decoder import Decoder
from selftaught.models.draws import Draw, Said, batches
from selftaught.models.family import Family
from selftaught.models.packed import Packed
from selftaught.models.plain import decode
from selftaught.models.prefixes import Prefixes
from selftaught.models.weights import Weights


class Sampler:
    """What a model says. Fused weights, and keys and values of what was said, last until the weights change.

    Attributes:
        decoder: the fast one, or None.
        packs: fused weights by name.
        max_rows: most attempts decoded together.
    """

    def __init__(self, weights: Weights, family: Family | None, dtype: torch.dtype) -> None:
        """`dtype` is the fast decoder's."""
        self.weights, self.dtype = weights, dtype
        self.device: torch.device = next(weights.module.parameters()).device
        self.decoder = Decoder(family, Prefixes(len(family.body.layers), room.prefix_bytes(self.device))) if family else None
        self.packs: dict[str, Packed] = {}
        self.max_rows = room.rows(self.device)

    def draw(self, name: str, draws: Sequence[Draw]) -> list[Said]:
        """What named weights say after each draw's context, in the order asked."""
        said: dict[int, Said] = {}
        longest = max(len(draw.context) + draw.limit for draw in draws)
        most = room.rows_that_fit(self.device, self.weights.module, self.dtype, longest, self.max_rows)
        held: Any = partial(self.decoder.prefixes.held, name) if self.decoder else lambda draw: 0
        with self.weights.use(name):
            for batch in batches(draws, most, held):
                rows = [draws[i] for i in batch]
                found = (
                    self.decoder.decode(self._pack(self.decoder, name), name, rows) if self.decoder else decode(self.weights.module, rows)
                )
                said |= zip(batch, found, strict=True)
        return [said[i] for i in range(len(draws))]

    def forget(self) -> None:
        """Drop what was computed with weights that change."""
        self.packs.clear()
        if self.decoder:
            self.decoder.prefixes.forget()

    @torch.inference_mode()
    def _pack(self, decoder: Decoder, name: str) -> Packed:
        if name not in self.packs:
            self.packs[name] = decoder.family.pack(self.dtype)
        return self.packs[name]
