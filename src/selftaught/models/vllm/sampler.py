"""VllmSampler: a policy sampled by a vLLM engine that is handed the weights, all other names by the local sampler."""

import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from selftaught.models.capabilities import SAMPLERS
from selftaught.models.language.backends import Sampler
from selftaught.models.language.draws import Draw, Drawn
from selftaught.models.vllm import probe
from selftaught.models.vllm.engine import Engine, checkpoint
from selftaught.models.weights import Weights
from selftaught.parts import BadInput
from selftaught.types import Floats, SamplerSettings, ScoreRequest, Tokens

Score = Callable[[Sequence[ScoreRequest]], list[dict[str, Floats]]]


class StaleWeights(RuntimeError):
    """The engine does not hold the weights that were pushed: what it samples would train the model wrong, silently."""


class VllmSampler:
    """The policy by vLLM.

    When the policy is taken over (after `publish`, `load` and an average into "policy") the running engine is handed the
    weights, an adapter merged in, and its cache of prefixes is emptied. Other named weights that were written to ("ema",
    "start" after the first step) are sampled by `local`: a push to the engine and back for every wave would cost more
    than it saves.

    Noise: the seed of a draw comes from its noise key alone. That another position of it gets the same number again is
    vLLM's promise, which is only as good as its log-probabilities are independent of the batch; the numbers differ from
    the local sampler's, so digests are marked.

    After each push both engines score some tokens of the last attempts. The engine has to be closer to the trainer's
    new scores than to those of the weights it held before, which is decided as soon as the change exceeds rounding, and
    the gap must not outgrow the one seen when the engine was opened.

    Attributes:
        engine, local: the vLLM engine; who samples what it does not hold.
        gap: between engine and trainer at the last push.
        opened: the gap when the engine was first filled.
        changed: the policy has changed since the last push.
    """

    capabilities = SAMPLERS["vllm"]

    def __init__(self, engine: Engine, local: Sampler, weights: Weights, score: Score, question: tuple[int, ...], over_V: Any) -> None:
        """Fill an engine.

        Args:
            engine: opened for the weights' module.
            local: samples other names.
            weights: where the policy stands.
            score: the trainer's.
            question: ids of a prompt, to look whether the engine computes this model.
            over_V: bool[V], ids that end a reply to it.
        """
        self.engine, self.local, self.weights, self.score = engine, local, weights, score
        self.question, self.over_V = question, over_V
        self.changed = False
        self.gap: probe.Gap | None = None
        self.opened: probe.Gap | None = None
        self._payloads: list[Tokens] = []
        self._before_K: Floats | None = None
        self._push()

    @property
    def limit(self) -> int:
        """What the engine's memory holds, or fewer."""
        return min(self.engine.limit, self.local.limit)

    @property
    def wave_rows(self) -> int:
        """As the local sampler."""
        return self.local.wave_rows

    @property
    def warm(self) -> bool:
        """As the local sampler."""
        return self.local.warm

    @property
    def metrics(self) -> Mapping[str, float]:
        """Mean engine_gap and engine_gap_max between vLLM and the trainer at the last push."""
        return {"engine_gap": self.gap.mean, "engine_gap_max": self.gap.max} if self.gap else {}

    def draw(self, name: str, draws: Sequence[Draw]) -> Sequence[Drawn]:
        """By the engine, where it holds these weights; else by the local sampler."""
        if decoder := next((draw.decoder for draw in draws if draw.decoder is not None), None):
            raise BadInput(f"vLLM does not draw from the logits of decoder '{decoder.name}': leave out --engine, or the decoder")
        self._check_opening()
        if not self._holds(name):
            return self.local.draw(name, draws)
        drawn = self.engine.draw(draws)
        if self._before_K is None and not self.changed and (payloads := probe.chosen(said(draws, drawn), self.limit)):
            self._payloads = payloads
            self._before_K = self._scored()
        return drawn

    def recall(self, name: str, request: ScoreRequest) -> Tensor | None:
        """What the local sampler remembers."""
        return self.local.recall(name, request)

    def mark(self, name: str) -> str:
        """The engine and its precision, where it samples these weights."""
        return f"-vllm-{self.engine.dtype}" if self._holds(name) else self.local.mark(name)

    def forget(self) -> None:
        """As the local sampler."""
        self.local.forget()

    def before_change(self, names: Collection[str]) -> None:
        """Look first, once, whether vLLM computes this model at all."""
        self._check_opening()
        self.local.before_change(names)
        self.changed = self.changed or "policy" in names

    def renew(self) -> None:
        """Push what has changed, and look whether it arrived.

        Raises:
            StaleWeights: it did not.
        """
        if not self.changed:
            return
        self._push()
        engine_K, now_K = self._engine_scores(), self._scored()
        self.gap = probe.Gap.between(engine_K, now_K)
        seen = "open" if self._before_K is None else probe.judge(engine_K, now_K, self._before_K)
        limit = self._yardstick()
        if seen == "stale" or self.gap.mean > probe.GROWN * limit.mean:
            raise StaleWeights(f"vLLM does not hold the weights it was handed ({self.gap}, {self.opened} when opened): use --engine local")
        if self.gap.max > probe.GROWN * limit.max:
            warnings.warn(f"vLLM and the learner differ more than rounding explains: {self.gap}", stacklevel=2)
        if seen == "fresh":
            self._before_K = None

    def _holds(self, name: str) -> bool:
        """Whether named weights are those the engine has."""
        return self.weights.reads_as(name) == "policy"

    def _push(self) -> None:
        self.engine.push(checkpoint(self.weights.module, self.weights.lora))
        self.changed = False

    def _check_opening(self) -> None:
        """Look, once, whether vLLM computes this model at all: refuse it when not, warn where rounding is large."""
        if self.opened is not None:
            return
        left = self.limit - len(self.question)
        settings = SamplerSettings(max_tokens=min(16, max(1, left)))
        draws = [
            Draw(context=self.question, settings=settings, limit=settings.max_tokens, noise=f"probe/{i}", over_V=self.over_V)
            for i in range(probe.SEQUENCES)
        ]
        self._payloads = probe.chosen(said(draws, self.engine.draw(draws)), self.limit) if left > 0 else []
        if not self._payloads:
            raise BadInput(f"vLLM has room for {self.limit} tokens, too few for a question: give it more memory or leave out --engine")
        self._before_K = self._scored()
        gap, expected = probe.Gap.between(self._engine_scores(), self._before_K), probe.tolerance(self.engine.dtype)
        if gap.mean > probe.REFUSED * expected.mean:
            raise BadInput(f"vLLM does not compute this model as transformers does ({gap}): leave out --engine")
        self.gap = self.opened = gap
        if self.opened.beyond(expected):
            warnings.warn(
                f"vLLM and the learner differ by {self.opened}, more than {expected} expected of {self.engine.dtype}", stacklevel=2
            )

    def _yardstick(self) -> probe.Gap:
        expected = probe.tolerance(self.engine.dtype)
        opened = self.opened or expected
        return probe.Gap(mean=max(expected.mean, opened.mean), max=max(expected.max, opened.max))

    def _engine_scores(self) -> Floats:
        items = [(p.ids[:t].tolist(), int(p.ids[t])) for p in self._payloads for t in probe.positions(p, self.limit)]
        return self.engine.logprobs(items)

    def _scored(self) -> Floats:
        """f32[K]: the trainer's scores of the probe."""
        scores = self.score([ScoreRequest(key="probe", payload=p) for p in self._payloads])
        picked = [s["logprobs"][probe.positions(p, self.limit)] for p, s in zip(self._payloads, scores, strict=True)]
        return np.concatenate(picked).astype(np.float32)


def said(draws: Sequence[Draw], drawn: Sequence[Drawn]) -> list[Tokens]:
    """Contexts with what came after them, as tokens."""
    found = []
    for draw, (ids, logprobs, *_) in zip(draws, drawn, strict=True):
        start, size = len(draw.context), len(draw.context) + len(ids)
        logprobs_T = np.zeros(size, np.float32)
        logprobs_T[start:] = logprobs
        found.append(Tokens(ids=np.array([*draw.context, *ids], np.int32), sampled=np.arange(size) >= start, logprobs=logprobs_T))
    return found
