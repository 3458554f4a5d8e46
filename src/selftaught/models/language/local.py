"""A language model that samples and learns in this process, opened from a folder or hub id."""

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


def open_local(
    folder_or_id: str | Path, format: Format | None = None, seed: int = 0, adapter: str = "", device: str = "auto",
    threads: int | None = None, modules: Mapping[str, Any] | None = None, dtype: str = "auto", fast: bool = True,
    prefixes: Mapping[str, Any] | None = None,
) -> LanguageModel:  # fmt: skip
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
        prefixes: a `train.prefix.Prefix` by the name its weights have.

    Raises:
        BadInput: one line on what is missing or cannot be loaded.
    """
    if threads:
        torch.set_num_threads(threads)
    module, tokenizer = opening.load(str(folder_or_id), device, adapter)
    return local_model(module, tokenizer, format, seed, adapter, modules, dtype, fast, prefixes)


def local_model(
    module: Any, tokenizer: Any, format: Format | None = None, seed: int = 0, adapter: str = "",
    modules: Mapping[str, Any] | None = None, dtype: str = "auto", fast: bool = True,
    prefixes: Mapping[str, Any] | None = None,
) -> LanguageModel:  # fmt: skip
    """A loaded module and its tokenizer as a model; see `open_local`.

    Sampling and learning use the same parameters, so publishing only counts a generation.

    Raises:
        BadInput: for an unknown adapter or dtype, or a format the tokenizer cannot follow.
    """
    trainer = LocalTrainer(module, tokenizer, seed, adapter, modules, dtype, fast, prefixes)
    renderer = Renderer(tokenizer, format or Format(), trainer.ends)
    return LanguageModel(renderer, LocalSampler(trainer.weights, trainer.fused, trainer.limit), trainer)
