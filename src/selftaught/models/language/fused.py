"""Fused: named weights as the fast forward takes them, shared by whoever samples and scores."""

import torch

from selftaught.models.language.fast import Family
from selftaught.models.language.packed import Packed


class Fused:
    """Fused weights by name, made when they are first asked for and kept until they change.

    Attributes:
        family, dtype: the fast forward, or None where there is none; of its matrix products.
        packs: by name.
    """

    def __init__(self, family: Family | None, dtype: torch.dtype) -> None:
        self.family, self.dtype = family, dtype
        self.packs: dict[str, Packed] = {}

    @torch.inference_mode()
    def of(self, name: str) -> Packed | None:
        """The fused weights of a name that is in use (`Weights.use`); None where the module's own forward is taken."""
        if self.family and name not in self.packs:
            self.packs[name] = self.family.pack(self.dtype)
        return self.packs.get(name)

    def forget(self) -> None:
        """Weights change."""
        self.packs.clear()
