"""Heads: linear layers over the last hidden states, made when first needed."""

from collections.abc import Iterable, Mapping

import torch

from selftaught.parts import BadInput, nearest


class Heads(dict[str, torch.nn.Linear]):
    """By name. Attributes: sizes, the widths of those that may be made; "value" of width 1 always may."""

    def __init__(self, sizes: Mapping[str, int], width: int, device: torch.device) -> None:
        """`width` is that of the hidden states."""
        super().__init__()
        self.sizes = {"value": 1} | {name: int(size) for name, size in sizes.items()}
        self.width, self.device = width, device

    def make(self, names: Iterable[str]) -> None:
        """Let there be heads of these names, zero at first. Raises BadInput for one of unknown width."""
        for name in names:
            if name not in self.sizes:
                raise BadInput(f"this model gives no '{name}': {nearest(name, ('logprobs', 'entropy', 'hidden', *self.sizes))}")
            if name not in self:
                head = torch.nn.Linear(self.width, self.sizes[name], device=self.device)
                torch.nn.init.zeros_(head.weight)
                torch.nn.init.zeros_(head.bias)
                self[name] = head
