"""What the learner asks of a network: its named outputs, some of them as other named weights see them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor

from selftaught.models.modules.network import Network
from selftaught.models.weights import Weights
from selftaught.parts import BadInput
from selftaught.types import Example, content_hash


class NetworkOutputs:
    """Outputs over items; see `learner.Outputs`. Those that other weights give come without gradient."""

    def __init__(self, network: Network, weights: Weights) -> None:
        self.network, self.weights = network, weights
        self.below = network.below

    def refuse_unknown(self, names: Sequence[str], heads: Collection[str]) -> None:
        """Raises BadInput for an output that neither the network nor a module beside it gives."""
        known = (*self.network.outputs, *heads)
        for name in names:
            if name not in known:
                raise BadInput(f"a network of {self.network.takes} gives no '{name}': known outputs: {', '.join(known)}")

    def micro_batches(self, examples: Sequence[Example], limit: int) -> Iterator[list[int]]:
        """Runs of at most `limit` items."""
        run: list[int] = []
        held = 0
        for i, example in enumerate(examples):
            items = sum(len(payload) for payload in example.payloads)
            if run and held + items > limit:
                yield run
                run, held = [], 0
            run.append(i)
            held += items
        if run:
            yield run

    def fused(self) -> None:
        """A network has no other forward than its own."""
        return None

    def compute(
        self, examples: Sequence[Example], names: Sequence[str], batch: Mapping[str, Any], reads: Sequence[str], fused: Any,
        key: Sequence[int], weights: str,
    ) -> dict[str, Tensor]:  # fmt: skip
        """Named outputs of all payloads, end to end. Raises BadInput for payloads the network does not take."""
        inputs = self.network.collate([payload for example in examples for payload in example.payloads])
        found: dict[str, Tensor] = {}
        by: dict[str, list[str]] = {}
        for name in names:
            by.setdefault(self.network.outputs[name], []).append(name)
        self.network.train()
        # What drops values at random draws by the place in the run, so that a run can be repeated and resumed.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(content_hash(*key), 16) % 2**63)
            # other weights first: they take the place of those in hand, which must not happen inside a graph
            for whose in sorted(by, key=lambda name: name == ""):
                with self.weights.use(whose) if whose else nullcontext(), torch.no_grad() if whose else nullcontext():
                    found |= self.network(inputs, by[whose])
        return found
