"""A vLLM engine in this process: opened without weights, filled with a module's, refilled whenever they change."""

import hashlib
import importlib.util
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import Tensor

from selftaught.models.language.draws import Draw
from selftaught.parts import BadInput
from selftaught.shown import reason
from selftaught.types import Floats

MEMORY = 0.3
MISSING = "engine 'vllm' needs vLLM, which is not installed: pip install vllm, or leave out --engine"


def check_installed() -> None:
    """Raises BadInput with the remedy when vLLM cannot be imported; imports nothing."""
    try:
        found = importlib.util.find_spec("vllm") is not None
    except ValueError:  # a module that was put in place by hand has no spec
        found = True
    if not found:
        raise BadInput(MISSING)


def seed_of(noise: str) -> int:
    """The seed that belongs to a noise key, in [0, 2**63)."""
    return int.from_bytes(hashlib.blake2b(noise.encode(), digest_size=8).digest(), "little") >> 1


class Engine:
    """One `vllm.LLM` and what is asked of it. Weights go in by `push`; the engine is never opened a second time.

    The engine runs in this process (VLLM_ENABLE_V1_MULTIPROCESSING=0) on one device, so that weights are handed over as
    tensors. Its last projection is computed in float32, as learner and sampler here do.

    Attributes:
        dtype: of its weights.
        limit: most tokens of a sequence.
    """

    def __init__(self, module: Any, limit: int, options: Mapping[str, Any]) -> None:
        """Open an engine for a transformers module's architecture, with random weights.

        Args:
            module: whose configuration is taken; on CUDA the engine computes in bfloat16, on a CPU in float32.
            limit: most tokens the model has positions for; the engine takes fewer when its memory holds no more.
            options: further arguments of `vllm.LLM`, which win over those given here.

        Raises:
            BadInput: when vLLM is missing or refuses the model.
        """
        check_installed()
        os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
        import vllm

        self.vllm = vllm
        cuda = next(module.parameters()).device.type == "cuda"
        config = deepcopy(module.config)
        config.architectures = [type(module).__name__]
        given = {
            "skip_tokenizer_init": True, "load_format": "dummy", "generation_config": "vllm", "max_model_len": -1, "seed": 0,
            "dtype": "bfloat16" if cuda else "float32", "hf_overrides": {"head_dtype": "float32"},
            "gpu_memory_utilization": MEMORY, "logprobs_mode": "raw_logprobs",
            # a part of a prompt draws a number that is taken back, which a generator on a CPU cannot do
            **({} if cuda else {"enable_chunked_prefill": False}),
        } | dict(options)  # fmt: skip
        try:
            with tempfile.TemporaryDirectory(prefix="selftaught-vllm-") as folder:
                config.save_pretrained(folder)
                self.llm = vllm.LLM(model=folder, **given)
        except Exception as error:  # vLLM raises a dozen kinds here: memory, architecture, argument
            raise BadInput(f"vLLM does not open this model: {reason(error)} (options: --engine vllm:NAME=VALUE)") from error
        self.dtype = str(given["dtype"])
        self.limit = min(limit, int(self.llm.model_config.max_model_len))

    def draw(self, draws: Sequence[Draw]) -> list[tuple[list[int], list[float], bool, str]]:
        """Per draw: new ids with the one that ended it, log-probabilities at temperature 1, whether it ended, an error."""
        ends = {id(draw.over_V): draw.over_V for draw in draws}
        stops = {key: np.flatnonzero(over_V).tolist() for key, over_V in ends.items()}
        asked = [
            {
                "temperature": d.settings.temperature, "top_p": d.settings.top_p, "max_tokens": d.limit, "seed": seed_of(d.noise),
                "stop_token_ids": stops[id(d.over_V)],
            }
            for d in draws
        ]  # fmt: skip
        found = []
        for ids, logprobs, ended in self._generate([d.context for d in draws], asked):
            error = "" if ended in ("stop", "length") else f"vLLM ended the request with '{ended}'"
            found.append((ids, logprobs, ended == "stop", error))
        return found

    def logprobs(self, items: Sequence[tuple[Sequence[int], int]]) -> Floats:
        """f32[K]: log-probability of each token after its context, at temperature 1.

        Each is one step in which no other token is allowed: what log-probabilities are reported with is older than that
        restriction, and no more than one row of logits per item has to fit into memory.
        """
        asked = [{"temperature": 0.0, "max_tokens": 1, "allowed_token_ids": [token]} for _, token in items]
        replies = self._generate([context for context, _ in items], asked)
        return np.array([logprobs[0] for _, logprobs, _ in replies], np.float32)

    def push(self, named: Iterable[tuple[str, Tensor]]) -> None:
        """Take new weights, by their names in a checkpoint; nothing computed with the old ones is kept.

        Raises:
            RuntimeError: when the cache of prefixes cannot be emptied.
        """
        self.llm.collective_rpc("reload_weights", kwargs={"weights_iterator": iter(named), "is_checkpoint_format": True})
        self.llm.apply_model(repack_head)
        if not self.llm.reset_prefix_cache():
            raise RuntimeError("vLLM kept prefixes of the old weights: its cache could not be reset after new weights came")

    def _generate(self, contexts: Sequence[Sequence[int]], asked: Sequence[dict[str, Any]]) -> list[tuple[list[int], list[float], Any]]:
        always = {"n": 1, "logprobs": 0, "ignore_eos": True, "detokenize": False}
        prompts = [self.vllm.TokensPrompt(prompt_token_ids=[int(i) for i in ids]) for ids in contexts]
        replies = self.llm.generate(prompts, [self.vllm.SamplingParams(**always, **one) for one in asked], use_tqdm=False)
        found = []
        for reply in replies:
            [one] = reply.outputs
            ids = [int(i) for i in one.token_ids]
            found.append((ids, [float(row[i].logprob) for i, row in zip(ids, one.logprobs or [], strict=True)], one.finish_reason))
        return found


def repack_head(model: Any) -> None:
    """Let a last projection that shares the embedding's weights follow them.

    vLLM on a CPU computes it from a packed copy, which is only renewed when the projection's own weights are loaded.
    """
    head = getattr(model, "lm_head", None)
    method = getattr(head, "quant_method", None)
    if method is not None and hasattr(head, "cpu_linear"):
        method.process_weights_after_loading(head)


def checkpoint(module: Any, lora: bool) -> Iterator[tuple[str, Tensor]]:
    """The weights a module computes with, by their names in a checkpoint; tied ones once, an adapter merged in.

    Merging makes new tensors: adding to the base and subtracting again would leave it changed in its last bits.
    """
    base = module.get_base_model() if lora else module
    layers, seen = dict(base.named_modules()), set()
    for name, tensor in base.state_dict().items():
        if (lora and "lora_" in name) or tensor.data_ptr() in seen:
            continue
        seen.add(tensor.data_ptr())
        if lora and ".base_layer." in name:
            where, _, leaf = name.partition(".base_layer.")
            name, layer = f"{where}.{leaf}", layers[where]
            if leaf == "weight":
                with torch.no_grad():
                    yield name, sum_of(tensor, [layer.get_delta_weight(adapter) for adapter in layer.active_adapters])
                continue
        yield name, tensor.detach()


def sum_of(tensor: Tensor, deltas: Sequence[Tensor]) -> Tensor:
    """A tensor and what is added to it, summed in float32, in the tensor's own precision."""
    total = tensor.detach().float()
    for delta in deltas:
        total = total + delta.float()
    return total.to(tensor.dtype)
