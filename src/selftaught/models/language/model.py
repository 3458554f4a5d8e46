"""LanguageModel: the verbs over a causal language model, composed of a renderer, a sampler and a trainer."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from selftaught.format import Format
from selftaught.models.capabilities import LANGUAGE
from selftaught.models.language.backends import Sampler, Trainer
from selftaught.models.language.render import Renderer
from selftaught.models.language.wave import Wave
from selftaught.models.loading import fit as fits
from selftaught.protocols import Member
from selftaught.stages import Objective
from selftaught.types import Attempt, Example, Floats, Message, SampleRequest, ScoreRequest, Tokens, content_hash


class LanguageModel:
    """A causal language model that samples, scores and learns; who does that is in `sampler` and `trainer`.

    Attributes:
        capabilities: what it can be asked for.
        renderer, sampler, trainer: conversations as ids; what weights say; the weights, and what changes them.
        parameters, limit: number of parameters, without adapter and heads; most tokens of a sequence.
    """

    def __init__(self, renderer: Renderer, sampler: Sampler, trainer: Trainer) -> None:
        fits.check_ends(renderer.ends)
        self.renderer, self.sampler, self.trainer = renderer, sampler, trainer
        self.capabilities = LANGUAGE | sampler.capabilities
        self.parameters, self.limit = trainer.parameters, min(trainer.limit, sampler.limit)

    @property
    def vocabulary(self) -> int:
        """Width of the logits."""
        return self.trainer.vocabulary

    @cached_property
    def lexicon(self) -> str:
        """Content hash of what token ids mean."""
        return content_hash(self.renderer.tokenizer.get_vocab())

    @property
    def generation(self) -> int:
        """Version of the policy."""
        return self.trainer.generation

    @property
    def warm(self) -> bool:
        """Whether what was sampled since the last change of weights is remembered for those who continue it."""
        return self.sampler.warm

    @property
    def wave_rows(self) -> int:
        """Attempts of one wave that are best asked for together."""
        return self.sampler.wave_rows

    @property
    def chat(self) -> bool:
        """Whether a chat template is used, or was asked not to be."""
        return self.renderer.chat

    def member(self, weights: str = "policy") -> Member:
        """Itself, whatever the name."""
        return Member("", self.parameters)

    def count(self, messages: tuple[Message, ...], after: Attempt | None = None, cut: int | None = None, weights: str = "policy") -> int:
        """Tokens of a request's context; the very ids that `sample` starts from, 0 where it cannot be rendered."""
        return self.renderer.size(messages, after, cut)

    def shown(self, messages: tuple[Message, ...]) -> str:
        """What a conversation looks like to the model: its context as text, special tokens and all."""
        return self.renderer.shown(self.renderer.context(messages))

    def asked_by(self, format: Format) -> None:
        """Render and read by another format from now on."""
        self.renderer = self.renderer.by(format)
        self.sampler.forget()

    async def sample(self, requests: Sequence[SampleRequest]) -> list[list[Attempt]]:
        """`n` attempts a request; one whose context does not fit, or that the sampler gave up, has stop "error".

        Raises:
            BadInput: for a prompt with a token the model has no embedding for.
        """
        trainer = self.trainer
        wave = Wave(self.renderer, self.sampler.draw, self.limit, trainer.held, trainer.vocabulary, self.generation)
        return wave.sample(requests)

    async def score(self, requests: Sequence[ScoreRequest]) -> list[dict[str, Floats]]:
        """Outputs over a Tokens payload by name; see `scoring.Scorer`.

        Raises:
            BadInput: for another payload, a payload the model has no room for, or an output it does not have.
        """
        return self.trainer.score(requests, self.sampler.recall)

    async def learn(self, examples: Sequence[Example], objectives: Sequence[Objective]) -> dict[str, float]:
        """Take the optimizer steps; returns "loss/NAME", "grad_norm", "tokens" and, where examples carry the stream
        sampler_logprobs, the mean "logprob_gap" and "logprob_gap_max" before the first step; and the sampler's metrics.

        Raises:
            BadInput: for outputs, streams or payloads a language model does not have.
        """
        self.sampler.before_change({name for objective in objectives for name in objective.updates})
        return self.trainer.learn(examples, objectives) | dict(self.sampler.metrics)

    async def average(self, source: str, into: str, decay: float) -> None:
        """Set into = decay * into + (1 - decay) * source, over trainable parameters; `into` starts as a copy."""
        self.sampler.before_change({into})
        self.trainer.average(source, into, decay)
        if into == "policy":
            self.sampler.renew()

    def drop(self, weights: str) -> None:
        """Forget named weights and what was learned of them."""
        self.sampler.before_change({weights})
        self.trainer.drop(weights)

    def tokens(self, messages: tuple[Message, ...], reply: str) -> Tokens:
        """A conversation and a reply to it, ended as the model ends its own; a text alone where there is no conversation."""
        context = self.renderer.context(messages) if messages else ()
        said = [] if not reply else self.renderer.reply(reply) if messages else self.renderer.words(reply)
        sampled_T = np.arange(len(context) + len(said)) >= len(context)
        return Tokens(ids=np.array([*context, *said], np.int32), sampled=sampled_T, logprobs=np.zeros(len(sampled_T), np.float32))

    async def publish(self, weights: str = "policy") -> int:
        """Hand the sampler what was learned, if anything was, and count a generation; returns it."""
        self.sampler.renew()
        self.trainer.generation += 1
        return self.generation

    async def save(self, folder: Path) -> None:
        """Write all named weights, heads and optimizer states; see `LocalTrainer.save`."""
        self.trainer.save(folder)

    async def load(self, folder: Path) -> None:
        """The inverse of `save`, handed to the sampler. Raises BadInput for another model's, or one that is damaged."""
        self.sampler.before_change({"policy"})
        self.trainer.load(folder)
        self.sampler.renew()

    def digest(self, weights: str = "policy") -> str:
        """Content hash of named weights and of what decides their text, marked where the sampler's noise is its own."""
        return self.trainer.digest(weights, self.renderer.ends) + self.sampler.mark(weights)

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """The text of each token by itself."""
        return self.renderer.pieces(ids)
