"""Network: a torch module that says what it takes and gives, so that ModuleModel can sample, score, learn and save it."""

import importlib
import importlib.metadata
import pkgutil
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from torch import Tensor, nn

from selftaught.parts import BadInput, nearest
from selftaught.payload import Payload

PREFIX = "network:"


class Network(nn.Module):
    """Base of every network; a file in models/networks/, or an entry point in the group `selftaught.networks`.

    Attributes:
        takes: form of the payloads it takes ("rows", "graph").
        outputs: name of each output -> name of the weights that compute it, without gradient; "" for those in hand.
        below: the output that heads and modules are applied to.
        sizes: its parts' sizes (and rates) by name with their defaults, which `Recipe.modules` may change.
        width, depth: values of an item; width of `below`.
    """

    takes: ClassVar[str]
    outputs: ClassVar[Mapping[str, str]]
    below: ClassVar[str] = "features"
    sizes: ClassVar[Mapping[str, Mapping[str, float]]] = {}
    width: int
    depth: int

    @classmethod
    @abstractmethod
    def over(cls, payload: Any, sizes: Mapping[str, Mapping[str, float]]) -> Self:
        """A fresh network for payloads like this one; `sizes` are whole. What it draws comes from torch's generator."""

    @abstractmethod
    def collate(self, payloads: Sequence[Any]) -> Any:
        """Payloads as tensors, items end to end; raises BadInput for those it cannot take."""

    @abstractmethod
    def forward(self, inputs: Any, names: Sequence[str]) -> dict[str, Tensor]:
        """Named outputs of collated payloads: f[N,...] over all items, or f[M,...] over those a view hides."""


def network_names() -> dict[str, str]:
    """Name -> module (or module:class) of every network; none is imported."""
    home = importlib.import_module("selftaught.models.networks")
    found = {info.name.rpartition(".")[2].replace("_", "-"): info.name for info in pkgutil.iter_modules(home.__path__, f"{home.__name__}.")}
    return found | {entry.name: entry.value for entry in importlib.metadata.entry_points(group="selftaught.networks")}


def find_network(text: str) -> type[Network]:
    """The class that `network:NAME` names; raises BadInput naming the nearest."""
    known, name = network_names(), text.removeprefix(PREFIX)
    if not text.startswith(PREFIX) or name not in known:
        raise BadInput(f"unknown model '{text}': {nearest(name, known)}, written {PREFIX}NAME")
    module, _, attribute = known[name].partition(":")
    loaded = importlib.import_module(module)
    found: type[Network] = getattr(loaded, attribute or "".join(word.title() for word in name.split("-")))
    return found


def own_sizes(network: type[Network], modules: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The network's sizes where `modules` changes them; raises BadInput for a size it does not have."""
    found: dict[str, dict[str, Any]] = {name: dict(sizes) for name, sizes in network.sizes.items()}
    for name in found.keys() & modules.keys():
        for size, value in modules[name].items():
            if size not in found[name]:
                raise BadInput(f"unknown size '{size}' of {name}: {nearest(size, found[name])}")
            found[name][size] = type(found[name][size])(value)
    return found


def heads_of(network: type[Network], modules: Mapping[str, Any]) -> dict[str, Any]:
    """Of a recipe's modules those that lie beside the network."""
    return {name: made for name, made in modules.items() if name not in network.sizes}


def refuse_payload(network: Network, payload: Payload, width: int) -> None:
    """Raises BadInput for a payload of another form, or of items with another number of values, than the network takes."""
    if getattr(payload, "form", "") != network.takes or width != network.width:
        kind = type(payload).__name__
        raise BadInput(f"this network takes {network.takes} of {network.width} values an item, not {kind} of {width}: open it for them")
