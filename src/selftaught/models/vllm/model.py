"""A language model whose policy is sampled by vLLM, and which learns and scores in this process."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from selftaught.format import Format
from selftaught.models.language.model import LanguageModel
from selftaught.models.language.render import Renderer
from selftaught.models.language.sampler import LocalSampler
from selftaught.models.language.trainer import LocalTrainer
from selftaught.models.loading import opening
from selftaught.models.vllm.engine import Engine, check_installed
from selftaught.models.vllm.sampler import VllmSampler
from selftaught.types import Message

QUESTION = "What is 17 + 25?"


def open_vllm(
    folder_or_id: str | Path, format: Format | None = None, seed: int = 0, adapter: str = "", device: str = "auto",
    threads: int | None = None, modules: Mapping[str, Any] | None = None, dtype: str = "auto", fast: bool = True,
    options: Mapping[str, Any] | None = None, prefixes: Mapping[str, Any] | None = None,
) -> LanguageModel:  # fmt: skip
    """Load a folder or hub id, as `open_local`, and open an engine for it; `options` are arguments of `vllm.LLM`.

    Raises:
        BadInput: one line on what is missing or cannot be loaded; before loading, when that is vLLM.
    """
    check_installed()
    if threads:
        torch.set_num_threads(threads)
    module, tokenizer = opening.load(str(folder_or_id), device, adapter)
    trainer = LocalTrainer(module, tokenizer, seed, adapter, modules, dtype, fast, prefixes)
    renderer = Renderer(tokenizer, format or Format(), trainer.ends)
    local = LocalSampler(trainer.weights, trainer.fused, trainer.limit)
    engine = Engine(module, trainer.limit, options or {})
    question, over_V = renderer.context((Message("user", QUESTION),)), renderer.ending((), trainer.vocabulary)
    return LanguageModel(renderer, VllmSampler(engine, local, trainer.weights, trainer.score, question, over_V), trainer)
