"""VllmModel: learning and scoring here, sampling by a vLLM engine that is handed the weights."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch

from selftaught.format import Format
from selftaught.models.language.draws import Draw, Drawn
from selftaught.models.language.local import LocalModel
from selftaught.models.language.wave import sample_wave
from selftaught.models.loading import opening
from selftaught.models.vllm import probe
from selftaught.models.vllm.engine import Engine, check_installed, checkpoint
from selftaught.parts import BadInput
from selftaught.stages import Objective
from selftaught.types import Attempt, Example, Floats, Message, SampleRequest, SamplerSettings, ScoreRequest, Task, Tokens

QUESTION = "What is 17 + 25?"


class StaleWeights(RuntimeError):
    """The engine does not hold the weights that were pushed: what it samples would train the model wrong, silently."""


class VllmModel(LocalModel):
    """A LocalModel whose policy is sampled by vLLM.

    Learning, scoring, averages, saving, loading, counting and named weights are the LocalModel's. After `publish`, after
    `load` and after an average into "policy" the running engine is handed the weights, an adapter merged in, and its
    cache of prefixes is emptied. Other named weights that were written to ("ema", "start" after the first step) are
    sampled by the local sampler: a push to the engine and back for every wave would cost more than it saves.

    Noise: the seed of a draw comes from the request's noise key and the draw's index alone. That another position of it
    gets the same number again is vLLM's promise, which is only as good as its log-probabilities are independent of the
    batch; the numbers differ from the local sampler's, so `digest` differs too.

    After each push both engines score some tokens of the last attempts. The engine has to be closer to the learner's
    new scores than to those of the weights it held before, which is decided as soon as the change exceeds rounding, and
    the gap must not outgrow the one seen when the engine was opened.

    Attributes:
        engine: the vLLM engine.
        gap: between engine and learner at the last push.
        opened: the gap when the engine was first filled.
        changed: the policy has learned since the last push.
    """

    def __init__(
        self, module: Any, tokenizer: Any, format: Format | None = None, seed: int = 0, adapter: str = "",
        modules: Mapping[str, Any] | None = None, dtype: str = "auto", fast: bool = True, options: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        """Wrap a loaded module and open an engine for it; `options` are arguments of `vllm.LLM`.

        Raises:
            BadInput: as LocalModel; when vLLM is missing or refuses the model.
        """
        super().__init__(module, tokenizer, format, seed, adapter, modules, dtype, fast)
        base = self.module.get_base_model() if adapter else module
        self.engine = Engine(base, self.limit, options or {})
        self.limit = self.engine.limit
        self.changed = False
        self.gap: probe.Gap | None = None
        self.opened: probe.Gap | None = None
        self._payloads: list[Tokens] = []
        self._before_K: Floats | None = None
        self._push()

    @classmethod
    def open(
        cls, folder_or_id: str | Path, format: Format | None = None, seed: int = 0, adapter: str = "", device: str = "auto",
        threads: int | None = None, modules: Mapping[str, Any] | None = None, dtype: str = "auto", fast: bool = True,
        options: Mapping[str, Any] | None = None,
    ) -> Self:  # fmt: skip
        """Load a folder or hub id, as `LocalModel.open`, and open an engine for it; `options` are arguments of `vllm.LLM`.

        Raises:
            BadInput: one line on what is missing or cannot be loaded; before loading, when that is vLLM.
        """
        check_installed()
        if threads:
            torch.set_num_threads(threads)
        module, tokenizer = opening.load(str(folder_or_id), device, adapter)
        return cls(module, tokenizer, format, seed, adapter, modules, dtype, fast, options)

    async def sample(self, requests: Sequence[SampleRequest]) -> list[list[Attempt]]:
        """`n` attempts a request; one whose context does not fit, or that vLLM gave up, has stop "error"."""
        await self._check_opening()
        found = sample_wave(self, requests)
        if self._before_K is None and not self.changed:
            held = [group for request, group in zip(requests, found, strict=True) if self._holds(request.weights)]
            if payloads := probe.chosen(held, self.limit):
                self._payloads = payloads
                self._before_K = await self._scored()
        return found

    async def learn(self, examples: Sequence[Example], objectives: Sequence[Objective]) -> dict[str, float]:
        """As LocalModel; adds "engine_gap" and "engine_gap_max", between vLLM and the learner at the last push."""
        await self._check_opening()
        metrics = await super().learn(examples, objectives)
        self.changed = True
        return metrics | ({"engine_gap": self.gap.mean, "engine_gap_max": self.gap.max} if self.gap else {})

    async def average(self, source: str, into: str, decay: float) -> None:
        """As LocalModel; an average into "policy" is pushed at once."""
        await self._check_opening()
        await super().average(source, into, decay)
        if into == "policy":
            await self._renew()

    async def publish(self, weights: str = "policy") -> int:
        """Hand the engine what was learned, if anything was, and count a generation; returns it.

        Raises:
            StaleWeights: when the engine shows that it did not take it.
        """
        if self.changed:
            await self._renew()
        return await super().publish(weights)

    async def load(self, folder: Path) -> None:
        """As LocalModel, and hand the engine what was loaded."""
        await self._check_opening()
        await super().load(folder)
        await self._renew()

    def digest(self, weights: str = "policy") -> str:
        """As LocalModel, marked where vLLM samples these weights: its noise and rounding are its own."""
        own = super().digest(weights)
        return f"{own}-vllm-{self.engine.dtype}" if self._holds(weights) else own

    def _holds(self, name: str) -> bool:
        """Whether named weights are those the engine has."""
        return name == "policy" or (name not in self.weights.copies and not (name == "start" and bool(self.adapter)))

    def decode(self, name: str, draws: Sequence[Draw]) -> Sequence[Drawn]:
        """By the engine, where it holds these weights; else as LocalModel."""
        return self.engine.draw(draws) if self._holds(name) else super().decode(name, draws)

    def _push(self) -> None:
        self.engine.push(checkpoint(self.module, bool(self.adapter)))
        self.changed = False

    async def _renew(self) -> None:
        """Push, and look whether it arrived."""
        self._push()
        engine_K, now_K = self._engine_scores(), await self._scored()
        self.gap = probe.Gap.between(engine_K, now_K)
        seen = "open" if self._before_K is None else probe.judge(engine_K, now_K, self._before_K)
        limit = self._yardstick()
        if seen == "stale" or self.gap.mean > probe.GROWN * limit.mean:
            raise StaleWeights(f"vLLM does not hold the weights it was handed ({self.gap}, {self.opened} when opened): use --engine local")
        if self.gap.max > probe.GROWN * limit.max:
            warnings.warn(f"vLLM and the learner differ more than rounding explains: {self.gap}", stacklevel=2)
        if seen == "fresh":
            self._before_K = None

    async def _check_opening(self) -> None:
        """Look, once, whether vLLM computes this model at all: refuse it when not, warn where rounding is large."""
        if self.opened is not None:
            return
        messages = (Message("user", QUESTION),)
        settings = SamplerSettings(max_tokens=min(16, max(1, self.limit - len(self.renderer.context(messages)))))
        task = Task(id="probe", prompt=QUESTION)
        request = SampleRequest(key="probe", task=task, messages=messages, n=probe.SEQUENCES, settings=settings)
        self._payloads = probe.chosen(sample_wave(self, [request]), self.limit)
        if not self._payloads:
            raise BadInput(f"vLLM has room for {self.limit} tokens, too few for a question: give it more memory or leave out --engine")
        self._before_K = await self._scored()
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

    async def _scored(self) -> Floats:
        """f32[K]: the learner's scores of the probe."""
        scores = await self.score([ScoreRequest(key="probe", payload=p) for p in self._payloads])
        picked = [s["logprobs"][probe.positions(p, self.limit)] for p, s in zip(self._payloads, scores, strict=True)]
        return np.concatenate(picked).astype(np.float32)
