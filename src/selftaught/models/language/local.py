"""LocalModel: the six verbs over a transformers causal language model in this process."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import torch

from selftaught.format import Format
from selftaught.models.heads import Heads
from selftaught.models.language import room
from selftaught.models.language.draws import Draw, Drawn
from selftaught.models.language.fast import Family
from selftaught.models.language.forward import Forward
from selftaught.models.language.render import Renderer
from selftaught.models.language.sampler import Sampler
from selftaught.models.language.scoring import score_wave
from selftaught.models.language.teaching import TokenOutputs
from selftaught.models.language.wave import sample_wave
from selftaught.models.learner import Learner
from selftaught.models.loading import fit as fits
from selftaught.models.loading import opening
from selftaught.models.loading.digest import language_facts, module_tensors, tensors_hash
from selftaught.models.weights import Weights
from selftaught.parts import BadInput
from selftaught.stages import Objective
from selftaught.types import Attempt, Example, Floats, Message, SampleRequest, ScoreRequest


class LocalModel:
    """A causal language model that samples, scores and learns here, on CPU, CUDA or MPS.

    Sampling and learning use the same parameters, so publishing only counts a generation.

    Attributes:
        capabilities: what it can be asked for.
        parameters, generation: number of parameters, without adapter and heads; version of the policy.
        max_tokens, limit: most tokens of a micro-batch, unless one example has more; of a sequence.
    """

    capabilities = frozenset({"text", "logprobs", "entropy", "hidden", "value", "learn", "weights"})

    def __init__(
        self, module: Any, tokenizer: Any, format: Format | None = None, seed: int = 0, adapter: str = "",
        modules: Mapping[str, Any] | None = None, dtype: str = "auto", fast: bool = True,
    ) -> None:  # fmt: skip
        """Wrap a loaded module; see `open` for what is given.

        Raises:
            BadInput: for an unknown adapter or dtype, or a format the tokenizer cannot follow.
        """
        if adapter not in ("", "lora"):
            raise BadInput(f"unknown adapter '{adapter}': known: lora")
        self.parameters = sum(p.numel() for p in module.parameters())
        self.renderer = Renderer(tokenizer, format or Format(), sorted(opening.end_ids(module)))
        fits.check_ends(self.renderer.ends)
        config = module.config.get_text_config(decoder=True)
        self.limit = int(getattr(config, "max_position_embeddings", None) or 2**31)
        self.vocabulary = int(module.get_output_embeddings().weight.shape[0])
        self.module = opening.with_lora(module, seed) if adapter else module
        self.tokenizer, self.seed, self.adapter = tokenizer, seed, adapter
        self.weights, device = Weights(self.module, bool(adapter)), next(self.module.parameters()).device
        self.heads = Heads(modules or {}, int(module.get_output_embeddings().weight.shape[1]), device)
        family = Family.of(self.module) if fast else None
        self.forward = Forward(self.module, family)
        self.dtype = opening.pick_dtype(dtype, device, self.parameters)
        self.learner = Learner(self.weights, self.heads, seed, TokenOutputs(self.forward, self.weights, self.dtype))
        self.sampler = Sampler(self.weights, family, self.dtype)
        self.generation, self.max_tokens = 0, room.tokens(device, self.vocabulary)

    @property
    def warm(self) -> bool:
        """Whether what was sampled since the last change of weights is remembered for those who continue it."""
        return self.sampler.decoder is not None

    @property
    def wave_rows(self) -> int:
        """Attempts of one wave; what a larger one asks to be checked is checked beside the next part of it."""
        return 2 * self.sampler.max_rows

    @classmethod
    def open(
        cls, folder_or_id: str | Path, format: Format | None = None, seed: int = 0, adapter: str = "", device: str = "auto",
        threads: int | None = None, modules: Mapping[str, Any] | None = None, dtype: str = "auto", fast: bool = True,
    ) -> Self:  # fmt: skip
        """Load a folder or hub id.

        Args:
            folder_or_id: a transformers (or PEFT adapter) folder, or a hub id.
            format: how prompts are rendered.
            seed: draws the adapter and the order of minibatches; never the noise of samples.
            adapter: "" trains all weights, "lora" an adapter.
            device: "auto", "cpu", "cuda" or "mps".
            threads: of torch on the CPU.
            modules: linear heads by name on the last hidden states with their widths; "value" of width 1 is always known.
            dtype: of the fast forward's matrix products, "float32" or "bfloat16"; "auto" is bfloat16 for large models on
                CUDA, else float32. Weights, optimizer and logits stay float32.
            fast: take the fast forward where the architecture is known and it equals the module's own.

        Raises:
            BadInput: one line on what is missing or cannot be loaded.
        """
        if threads:
            torch.set_num_threads(threads)
        module, tokenizer = opening.load(str(folder_or_id), device, adapter)
        return cls(module, tokenizer, format, seed, adapter, modules, dtype, fast)

    def count(self, messages: tuple[Message, ...], after: Attempt | None = None, cut: int | None = None) -> int:
        """Tokens of a request's context; the very ids that `sample` starts from, 0 where it cannot be rendered."""
        return self.renderer.size(messages, after, cut)

    def shown(self, messages: tuple[Message, ...]) -> str:
        """What a conversation looks like to the model: its context as text, special tokens and all."""
        return self.renderer.shown(self.renderer.context(messages))

    def asked_by(self, format: Format) -> None:
        """Render and read by another format from now on."""
        self.renderer = Renderer(self.tokenizer, format, sorted(opening.end_ids(self.module)))
        self.sampler.forget()

    @property
    def chat(self) -> bool:
        """Whether a chat template is used, or was asked not to be."""
        return self.renderer.chat

    async def sample(self, requests: Sequence[SampleRequest]) -> list[list[Attempt]]:
        """`n` attempts a request; one whose context does not fit the model has stop "error"."""
        return sample_wave(self, requests)

    def decode(self, name: str, draws: Sequence[Draw]) -> Sequence[Drawn]:
        """What named weights say after each draw's context, in the order asked.

        Raises:
            BadInput: for a context with a token the model has no embedding for.
        """
        for context in {id(draw.context): draw.context for draw in draws}.values():
            if (largest := max(context, default=0)) >= self.vocabulary:
                token = self.tokenizer.convert_ids_to_tokens(largest)
                raise BadInput(f"a prompt has the token {token!r}, and the model no embedding for it: take it out of the prompt")
        return self.sampler.draw(name, draws)

    async def score(self, requests: Sequence[ScoreRequest]) -> list[dict[str, Floats]]:
        """Outputs over a Tokens payload: "logprobs" and "entropy" f32[T] of the distribution that predicted each
        token (0 at the first), "hidden" f32[T,H] and heads such as "value" f32[T] after each token.

        Raises:
            BadInput: for another payload, a payload the model has no room for, or an output it does not have.
        """
        return score_wave(self, requests)

    async def learn(self, examples: Sequence[Example], objectives: Sequence[Objective]) -> dict[str, float]:
        """Take the optimizer steps; returns "loss/NAME", "grad_norm", "tokens" and, where examples carry the stream
        sampler_logprobs, the mean "logprob_gap" and "logprob_gap_max" before the first step.

        Raises:
            BadInput: for outputs, streams or payloads a language model does not have.
        """
        self.sampler.forget()
        return self.learner.learn(examples, objectives, self.max_tokens)

    async def average(self, source: str, into: str, decay: float) -> None:
        """Set into = decay * into + (1 - decay) * source, over trainable parameters; `into` starts as a copy."""
        self.weights.average(source, into, decay)
        self.sampler.forget()

    async def publish(self, weights: str = "policy") -> int:
        """Count a generation; returns it."""
        self.generation += 1
        return self.generation

    async def save(self, folder: Path) -> None:
        """Write `policy/` (opens with transformers, or PEFT for an adapter), `weights/`, heads and optimizer states."""
        folder.mkdir(parents=True, exist_ok=True)
        self.weights.save(folder)
        self.tokenizer.save_pretrained(folder / "policy")
        torch.save(self.learner.saved(), folder / "learner.pt")
        (folder / "model.json").write_text(json.dumps({"generation": self.generation, "heads": list(self.heads), "adapter": self.adapter}))

    async def load(self, folder: Path) -> None:
        """The inverse of `save`. Raises BadInput when it was saved with another adapter."""
        self.weights.load(folder)
        self.sampler.forget()
        self.learner.restore(torch.load(folder / "learner.pt", map_location="cpu", weights_only=True))
        self.generation = json.loads((folder / "model.json").read_text())["generation"]

    def digest(self, weights: str = "policy") -> str:
        """Content hash of named weights, configuration and vocabulary; an adapter that is off does not count."""
        with self.weights.use(weights):
            named = module_tensors(self.module, bool(self.adapter), adapted=weights != "start")
            return tensors_hash(named, language_facts(self.module, self.tokenizer, self.renderer.ends))

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """The text of each token by itself."""
        return self.renderer.pieces(ids)
