"""LocalSampler: draws of named weights, by the fast decoder where there is one, else by the module's own forward."""

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import MappingProxyType
from typing import TypeVar

import torch
from torch import Tensor

from selftaught.models.capabilities import SAMPLERS
from selftaught.models.language import room
from selftaught.models.language.decoder import Decoder
from selftaught.models.language.draws import Draw, Said, batches
from selftaught.models.language.fused import Fused
from selftaught.models.language.key_values import Pairs, standing
from selftaught.models.language.packed import Packed
from selftaught.models.language.plain import decode
from selftaught.models.language.prefixes import Prefixes
from selftaught.models.weights import Weights
from selftaught.types import ScoreRequest

A = TypeVar("A")
B = TypeVar("B")


def side_by_side(function: Callable[[A], B], items: Sequence[A], cores: int) -> list[B]:
    """The function of every item, on threads that compute on one core each; in this thread where that gains nothing."""
    if cores < 2 or len(items) < 2:
        return [function(item) for item in items]
    # a thread takes over what is set when it begins
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(min(cores, len(items))) as threads:
            return list(threads.map(function, items))
    finally:
        torch.set_num_threads(cores)


def planned(draws: Sequence[Draw], most: int, held: Callable[[Draw], int] = lambda draw: 0) -> list[list[Draw]]:
    """Draws in batches (see `batches`); those with a second context each in one batch with the draw that says the same after it."""
    alone, paired = [draw for draw in draws if not draw.beside], [draw for draw in draws if draw.beside]
    plan = [[alone[i] for i in batch] for batch in batches(alone, most, held)]
    size = max(1, most // 2)
    for at in range(0, len(paired), size):
        both = [one for draw in paired[at : at + size] for one in (draw, draw.companion())]
        plan.append(sorted(both, key=lambda draw: draw.context))
    return plan


class LocalSampler:
    """What a model says, computed here. Keys and values of what was said last until the weights change.

    Attributes:
        decoder: the fast one, or None.
        limit, max_rows: most tokens of a sequence; most attempts decoded together.
        metrics: none: sampling and learning use the same parameters.
    """

    capabilities = SAMPLERS["local"]
    metrics: Mapping[str, float] = MappingProxyType({})

    def __init__(self, weights: Weights, fused: Fused, limit: int) -> None:
        self.weights, self.fused, self.limit = weights, fused, limit
        self.device: torch.device = next(weights.module.parameters()).device
        family = fused.family
        self.decoder = Decoder(family, Prefixes(len(family.body.layers), room.prefix_bytes(self.device))) if family else None
        self.max_rows = room.rows(self.device)

    @property
    def warm(self) -> bool:
        """See `backends.Sampler`."""
        return self.decoder is not None

    @property
    def wave_rows(self) -> int:
        """What a larger wave asks to be checked is checked beside the next part of it."""
        return 2 * self.max_rows

    def draw(self, name: str, draws: Sequence[Draw]) -> list[Said]:
        """What named weights say after each draw's context, in the order asked."""
        longest = max(max(len(draw.context), len(draw.beside)) + draw.limit for draw in draws)
        most = room.rows_that_fit(self.device, self.weights.module, self.fused.dtype, longest, self.max_rows)
        with self.weights.use(name):
            packed = self.fused.of(name)
            pairs = standing(self.weights, name)
            if self.decoder and packed:
                said = self._fast(self.decoder, packed, name, draws, most, pairs)
            else:
                said = self._plain(draws, most, pairs)
        return [said[id(draw)] for draw in draws]

    def _plain(self, draws: Sequence[Draw], most: int, pairs: Pairs) -> dict[int, Said]:
        said: dict[int, Said] = {}
        for batch in planned(draws, most):
            said |= zip(map(id, batch), decode(self.weights.module, batch, pairs), strict=True)
        return said

    def _fast(self, decoder: Decoder, packed: Packed, name: str, draws: Sequence[Draw], most: int, pairs: Pairs) -> dict[int, Said]:
        """Batches side by side where there are cores for it: each then waits for no other core after every operation."""
        prefixes = decoder.prefixes
        prefixes.expect(draws)
        cores = torch.get_num_threads() if self.device.type == "cpu" and len(draws) >= 2 * room.LEAST_ROWS else 1
        most = max(room.LEAST_ROWS, min(most, -(-len(draws) // cores)))
        plan = planned(draws, most, partial(prefixes.held, name))
        found = side_by_side(lambda batch: decoder.decode(packed, name, batch, pairs), plan, cores)
        # in the order of the batches, whichever ended first
        for ended in found if not pairs else ():
            prefixes.remember(*ended.kept)
        return {id(draw): said for batch, ended in zip(plan, found, strict=True) for draw, said in zip(batch, ended.said, strict=True)}

    def recall(self, name: str, request: ScoreRequest) -> Tensor | None:
        """Last hidden states f32[T - start, H] of an attempt, if they were kept when it was sampled."""
        if not request.attempt or self.decoder is None:
            return None
        return self.decoder.prefixes.hidden(name, request.attempt, tuple(request.payload.ids.tolist()), request.start)

    def mark(self, name: str) -> str:
        """Nothing: this is the sampler that digests speak of."""
        return ""

    def forget(self) -> None:
        """Drop what was computed for attempts."""
        if self.decoder:
            self.decoder.prefixes.forget()

    def before_change(self, names: Collection[str]) -> None:
        """Drop what was computed with weights that change."""
        self.forget()

    def renew(self) -> None:
        """Nothing to take over."""
