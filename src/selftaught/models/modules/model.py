"""ModuleModel: the verbs over a torch network. What is not words is looked at, scored and learned from, never asked."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from selftaught.models.heads import Heads
from selftaught.models.learner import Learner
from selftaught.models.loading.digest import module_tensors, tensors_hash
from selftaught.models.modules.network import Network, find_network, heads_of, own_sizes
from selftaught.models.modules.outputs import NetworkOutputs
from selftaught.models.weights import Weights
from selftaught.parts import BadInput
from selftaught.protocols import Member
from selftaught.shown import reason
from selftaught.stages import Objective
from selftaught.types import Attempt, Example, Floats, Message, SampleRequest, ScoreRequest, Tokens

# Most items of a micro-batch, unless one example has more.
MOST_ITEMS = 4096


class ModuleModel:
    """A network behind the verbs. Its named weights hold parameters and buffers.

    `score` gives any of the network's outputs; `learn` is the learner of every model here. Views of a task are made by
    explore parts (`Run.view`): a network writes nothing, so what `sample` gives is empty.

    Attributes:
        capabilities: the form of the payloads it takes, and its outputs.
        parameters, generation: number of parameters, without modules beside it; version of the policy.
    """

    def __init__(self, network: Network, modules: Mapping[str, Any] | None = None, seed: int = 0) -> None:
        """Wrap a network; `modules` are heads and Module parts beside it by name."""
        self.network, self.seed, self.generation = network, seed, 0
        self.capabilities = capabilities_of(type(network))
        self.parameters = sum(p.numel() for p in network.parameters())
        self.weights = Weights(network, lora=False, buffers=True)
        device = next(network.parameters()).device
        self.heads = Heads(modules or {}, network.depth, device, seed)
        self.learner = Learner(self.weights, self.heads, seed, NetworkOutputs(network, self.weights))

    @classmethod
    def open(cls, text: str, payload: Any, modules: Mapping[str, Any] | None = None, seed: int = 0) -> Self:
        """A fresh network by its name, for payloads like this one.

        Args:
            text: `network:NAME`.
            payload: one the network is to take.
            modules: sizes of the network's own parts, and modules beside it, by name.
            seed: draws its weights, and the order of minibatches.
        """
        found = find_network(text)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = found.over(payload, own_sizes(found, modules or {}))
        return cls(network, heads_of(found, modules or {}), seed)

    @property
    def lexicon(self) -> str:
        """A network reads no tokens."""
        return ""

    def member(self, weights: str = "policy") -> Member:
        """Itself, whatever the name."""
        return Member("", self.parameters)

    def drop(self, weights: str) -> None:
        """Forget named weights and what was learned of them."""
        self.weights.drop(weights)
        self.learner.drop(weights)

    def count(self, messages: tuple[Message, ...], after: Attempt | None = None, cut: int | None = None, weights: str = "policy") -> int:
        """Values of an item."""
        return self.network.width

    async def sample(self, requests: Sequence[SampleRequest]) -> list[list[Attempt]]:
        """`n` attempts a request without a token in them: there is nothing a network could say."""
        empty = Tokens(ids=np.zeros(0, np.int32), sampled=np.zeros(0, np.bool_), logprobs=np.zeros(0, np.float32))
        return [
            [
                Attempt(
                    id=f"{request.key}/{i}", task=request.task.id, payload=empty, role=request.role, view=request.view,
                    sampler=request.weights, settings=request.settings, generation=self.generation,
                )
                for i in range(request.n)
            ]
            for request in requests
        ]  # fmt: skip

    async def score(self, requests: Sequence[ScoreRequest]) -> list[dict[str, Floats]]:
        """The outputs of each request, as its weights see the payload. Raises BadInput for one the network does not have."""
        found = []
        self.network.eval()
        for request in requests:
            if unknown := set(request.outputs) - set(self.network.outputs):
                known = ", ".join(self.network.outputs)
                raise BadInput(f"a network of {self.network.takes} scores no {', '.join(sorted(unknown))}: known outputs: {known}")
            with self.weights.use(request.weights), torch.no_grad():
                outputs = self.network(self.network.collate([request.payload]), request.outputs)
            found.append({name: tensor.cpu().numpy().copy() for name, tensor in outputs.items()})
        return found

    async def learn(self, examples: Sequence[Example], objectives: Sequence[Objective]) -> dict[str, float]:
        """Take the optimizer steps; returns "loss/NAME", "grad_norm" and "tokens" (items)."""
        return self.learner.learn(examples, objectives, MOST_ITEMS)

    async def average(self, source: str, into: str, decay: float) -> None:
        """Set into = decay * into + (1 - decay) * source; `into` starts as a copy."""
        self.weights.average(source, into, decay)

    async def publish(self, weights: str = "policy") -> int:
        """Count a generation."""
        self.generation += 1
        return self.generation

    async def save(self, folder: Path) -> None:
        """Write `network.safetensors`, `weights/`, and the learner's states and modules."""
        folder.mkdir(parents=True, exist_ok=True)
        save_file({key: tensor.contiguous() for key, tensor in self.network.state_dict().items()}, folder / "network.safetensors")
        self.weights.save_copies(folder)
        torch.save(self.learner.saved(), folder / "learner.pt")
        (folder / "model.json").write_text(json.dumps({"generation": self.generation}))

    async def load(self, folder: Path) -> None:
        """The inverse of `save`. Raises BadInput when it is damaged or of another network."""
        try:
            self.network.load_state_dict(load_file(folder / "network.safetensors"))
            self.weights.load_copies(folder)
            self.learner.restore(torch.load(folder / "learner.pt", map_location="cpu", weights_only=True))
        except (OSError, KeyError, RuntimeError, ValueError) as error:
            raise BadInput(f"'{folder}' does not hold this network whole ({reason(error)}): take another generation") from None
        self.generation = json.loads((folder / "model.json").read_text())["generation"]

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """Items have no text."""
        return [""] * len(ids)

    def digest(self, weights: str = "policy") -> str:
        """Content hash of named weights."""
        with self.weights.use(weights):
            return tensors_hash(module_tensors(self.network, lora=False, adapted=False), type(self.network).__name__, self.network.width)


def capabilities_of(network: type[Network]) -> frozenset[str]:
    """What a model of such a network can be asked for; known before one is made."""
    return frozenset({network.takes, *network.outputs, "learn", "weights"})
