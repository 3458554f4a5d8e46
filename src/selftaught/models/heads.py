"""Heads: modules beside a model, made when first needed: linear layers over its last hidden states, or what a Module part builds."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch

from selftaught.parts import BadInput, nearest
from selftaught.stages import Module
from selftaught.types import content_hash


class Heads(dict[str, torch.nn.Module]):
    """By name. Attributes: sizes, width (or part) of those that may be made; "value" of width 1 always may."""

    def __init__(self, sizes: Mapping[str, Any], width: int, device: torch.device, seed: int = 0) -> None:
        """`width` is that of what they are applied to; what parts draw depends on `seed` and the name alone."""
        super().__init__()
        self.sizes: dict[str, Any] = {"value": 1} | {name: size if isinstance(size, Module) else int(size) for name, size in sizes.items()}
        self.width, self.device, self.seed = width, device, seed

    def make(self, names: Iterable[str]) -> None:
        """Let there be heads of these names, linear ones zero at first. Raises BadInput for one of unknown width."""
        for name in names:
            if name not in self.sizes:
                raise BadInput(f"this model gives no '{name}': {nearest(name, ('logprobs', 'entropy', 'hidden', *self.sizes))}")
            if name not in self:
                self[name] = self._made(name, self.sizes[name])

    def _made(self, name: str, size: Any) -> torch.nn.Module:
        if isinstance(size, Module):
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(int(content_hash(self.seed, name), 16) % 2**63)
                made: torch.nn.Module = size.build(self.width).to(self.device)
            return made
        head = torch.nn.Linear(self.width, size, device=self.device)
        torch.nn.init.zeros_(head.weight)
        torch.nn.init.zeros_(head.bias)
        return head
