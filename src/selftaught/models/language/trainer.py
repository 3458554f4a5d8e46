"""LocalTrainer: named weights of a transformers module in this process, scored, learned, averaged and saved."""

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from selftaught.models.heads import Heads
from selftaught.models.language import room
from selftaught.models.language.backends import Recall
from selftaught.models.language.fast import Family
from selftaught.models.language.forward import Forward
from selftaught.models.language.fused import Fused
from selftaught.models.language.key_values import read_prefix
from selftaught.models.language.scoring import Scorer
from selftaught.models.language.teaching import TokenOutputs
from selftaught.models.learner import Learner
from selftaught.models.loading import opening
from selftaught.models.loading.digest import language_facts, module_tensors, tensors_hash
from selftaught.models.weights import Weights
from selftaught.parts import BadInput
from selftaught.stages import Objective
from selftaught.types import Example, Floats, ScoreRequest


class LocalTrainer:
    """Weights, heads and optimizer states of a causal language model, on CPU, CUDA or MPS.

    Attributes:
        module, tokenizer: the live module, with an adapter around it where one is trained; saved beside it.
        parameters, generation: number of parameters, without adapter and heads; how often the policy was published.
        limit, vocabulary: most tokens of a sequence; width of the logits.
        ends: ids the configuration ends a text with.
        max_tokens: of a micro-batch, unless one example has more.
        weights, heads, fused, forward, learner: what it is made of.
    """

    def __init__(
        self, module: Any, tokenizer: Any, seed: int = 0, adapter: str = "", modules: Mapping[str, Any] | None = None,
        dtype: str = "auto", fast: bool = True, prefixes: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        """Take a loaded module; see `local.open_local` for what is given.

        Raises:
            BadInput: for an unknown adapter or dtype.
        """
        if adapter not in ("", "lora"):
            raise BadInput(f"unknown adapter '{adapter}': known: lora")
        self.parameters = sum(p.numel() for p in module.parameters())
        self.ends = sorted(opening.end_ids(module))
        config = module.config.get_text_config(decoder=True)
        self.limit = int(getattr(config, "max_position_embeddings", None) or 2**31)
        self.vocabulary = int(module.get_output_embeddings().weight.shape[0])
        self.module = opening.with_lora(module, seed) if adapter else module
        self.tokenizer, self.adapter, self.generation = tokenizer, adapter, 0
        self.weights, device = Weights(self.module, bool(adapter)), next(self.module.parameters()).device
        self.heads = Heads(modules or {}, int(module.get_output_embeddings().weight.shape[1]), device)
        for name, declared in (prefixes or {}).items():
            self.weights.prefixes[name] = read_prefix(module, tokenizer, declared, name, seed).to(device)
        family = Family.of(self.module) if fast else None
        self.forward = Forward(self.module, family)
        self.fused = Fused(family, opening.pick_dtype(dtype, device, self.parameters))
        self.learner = Learner(self.weights, self.heads, seed, TokenOutputs(self.forward, self.weights, self.fused.dtype))
        self.max_tokens = room.tokens(device, self.vocabulary)

    def held(self, name: str) -> int:
        """Places of a sequence that a name's prefixes take."""
        return sum(prefix.size for prefix in self.weights.before(name))

    def score(self, requests: Sequence[ScoreRequest], recall: Recall = lambda name, request: None) -> list[dict[str, Floats]]:
        """The outputs of each request, in the order asked; see `scoring`. `recall` gives hidden states that are remembered.

        Raises:
            BadInput: for another payload, a payload there is no room for, or an output there is not.
        """
        scorer = Scorer(self.weights, self.heads, self.fused, self.forward, self.limit, self.max_tokens)
        return scorer.score(requests, recall)

    def learn(self, examples: Sequence[Example], objectives: Sequence[Objective]) -> dict[str, float]:
        """See `LanguageModel.learn`."""
        self.fused.forget()
        return self.learner.learn(examples, objectives, self.max_tokens)

    def average(self, source: str, into: str, decay: float) -> None:
        """Set into = decay * into + (1 - decay) * source, over trainable parameters; `into` starts as a copy."""
        self.weights.average(source, into, decay)
        self.fused.forget()

    def drop(self, name: str) -> None:
        """Forget a copy of the weights, and what optimizers know of it."""
        self.weights.drop(name)
        self.learner.drop(name)
        self.fused.forget()

    def save(self, folder: Path) -> None:
        """Write `policy/` (opens with transformers, or PEFT for an adapter), `weights/`, heads and optimizer states."""
        folder.mkdir(parents=True, exist_ok=True)
        self.weights.save(folder)
        self.tokenizer.save_pretrained(folder / "policy")
        torch.save(self.learner.saved(), folder / "learner.pt")
        (folder / "model.json").write_text(json.dumps({"generation": self.generation, "heads": list(self.heads), "adapter": self.adapter}))

    def load(self, folder: Path) -> None:
        """The inverse of `save`. Raises BadInput when it was saved with another adapter."""
        self.weights.load(folder)
        self.fused.forget()
        self.learner.restore(torch.load(folder / "learner.pt", map_location="cpu", weights_only=True))
        self.generation = json.loads((folder / "model.json").read_text())["generation"]

    def digest(self, name: str, ends: Collection[int]) -> str:
        """Content hash of named weights, configuration and vocabulary; an adapter that is off does not count."""
        with self.weights.use(name):
            named = module_tensors(self.module, bool(self.adapter), adapted=name != "start")
            prefixes = enumerate(self.weights.before(name))
            named += [(f"prefix.{i}.{key}", tensor) for i, prefix in prefixes for key, tensor in prefix.state_dict().items()]
            return tensors_hash(named, language_facts(self.module, self.tokenizer, ends))
