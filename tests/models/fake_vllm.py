"""A stand-in for vLLM's offline interface, as version 0.32 has it: the names and arguments the engine uses, and its habits.

What it imitates: prefixes stay computed until the cache is reset; a weight nobody sends keeps its old value, without an
error; a projection tied to the embedding computes from a packed copy; raw log-probabilities come before temperature,
nucleus and allowed tokens; a request's noise depends on its seed alone; the token that stops a request is in its ids.
"""

import os
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM

KNOWN = {
    "skip_tokenizer_init", "load_format", "generation_config", "dtype", "max_model_len", "gpu_memory_utilization", "logprobs_mode",
    "hf_overrides", "seed", "enforce_eager", "enable_chunked_prefill",
}  # fmt: skip


@dataclass(kw_only=True)
class SamplingParams:
    n: int = 1
    temperature: float = 1.0
    top_p: float = 1.0
    seed: int | None = None
    max_tokens: int = 16
    logprobs: int | None = None
    stop_token_ids: list[int] = field(default_factory=list)
    allowed_token_ids: list[int] | None = None
    ignore_eos: bool = False
    detokenize: bool = True

    def __post_init__(self) -> None:
        assert self.n >= 1 and self.max_tokens >= 1 and self.temperature >= 0 and 0 < self.top_p <= 1
        assert self.seed is None or 0 <= self.seed < 2**63
        assert all(type(i) is int for i in self.stop_token_ids)


def TokensPrompt(*, prompt_token_ids: list[int]) -> dict[str, Any]:
    assert prompt_token_ids and all(type(i) is int for i in prompt_token_ids)
    return {"prompt_token_ids": prompt_token_ids}


class Head:
    """The last projection, which computes from a copy that its method renews."""

    def __init__(self, module: Any) -> None:
        self.module, self.quant_method, self.cpu_linear = module, self, True
        self.process_weights_after_loading(self)

    def process_weights_after_loading(self, layer: Any) -> None:
        self.packed = self.module.get_output_embeddings().weight.detach().clone()


class LLM:
    """One engine. Class attributes let a test break it: `lose` drops pushed weights by name, `keep` keeps prefixes."""

    opened: list["LLM"] = []
    lose: tuple[str, ...] = ()
    keep: bool = False
    longest: int = 10**9
    abort: int = 0

    def __init__(self, model: str, **options: Any) -> None:
        assert os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] == "0"
        if unknown := set(options) - KNOWN:
            raise TypeError(f"LLM got an unexpected argument {min(unknown)}\nand says more about it")
        assert options["load_format"] == "dummy" and not [f for f in os.listdir(model) if f.endswith(".safetensors")]
        config = AutoConfig.from_pretrained(model)
        self.options, self.pushes = options, 0
        self.module = AutoModelForCausalLM.from_config(config, dtype=getattr(torch, options["dtype"])).eval()
        assert [type(self.module).__name__] == config.architectures
        with torch.no_grad():
            for p in self.module.parameters():
                p.uniform_(-1e-3, 1e-3)
        self.tied = bool(config.tie_word_embeddings)
        self.lm_head = Head(self.module)
        self.cache: dict[tuple[int, ...], torch.Tensor] = {}
        self.model_config = SimpleNamespace(max_model_len=min(config.max_position_embeddings, self.longest))
        LLM.opened.append(self)

    def collective_rpc(self, method: str, kwargs: dict[str, Any]) -> list[None]:
        assert method == "reload_weights" and kwargs["is_checkpoint_format"]
        live, names = self.module.state_dict(), set()
        for name, tensor in kwargs["weights_iterator"]:
            assert name in live, name
            names.add(name)
            if not any(part in name for part in self.lose):
                live[name].copy_(tensor)
        assert "lm_head.weight" not in names or not self.tied
        if not self.tied:
            self.lm_head.process_weights_after_loading(self.lm_head)
        self.pushes += 1
        return [None]

    def apply_model(self, function: Any) -> list[Any]:
        return [function(self)]

    def reset_prefix_cache(self) -> bool:
        if not self.keep:
            self.cache.clear()
        return True

    @torch.no_grad()
    def row(self, ids: tuple[int, ...]) -> torch.Tensor:
        """Logits after a prefix, once computed never again until the cache is reset; so are those after all it begins with."""
        if ids not in self.cache:
            weight = self.module.get_output_embeddings().weight
            kept, weight.data = weight.data, self.lm_head.packed if not self.tied else weight.data
            logits_T_V = self.module(torch.tensor([ids]), use_cache=False).logits[0].float()
            weight.data = kept
            if self.tied and not torch.equal(self.lm_head.packed, weight):
                logits_T_V = torch.zeros_like(logits_T_V)
            for n, logits_V in enumerate(logits_T_V, 1):
                self.cache.setdefault(ids[:n], logits_V)
        return self.cache[ids]

    def generate(self, prompts: list[Any], sampling_params: list[SamplingParams], *, use_tqdm: bool = True) -> list[Any]:
        assert len(prompts) == len(sampling_params) and not use_tqdm
        # longest first: what the others begin with is known then
        for ids in sorted((tuple(p["prompt_token_ids"]) for p in prompts), key=len, reverse=True):
            self.row(ids)
        return [SimpleNamespace(outputs=[self.one(p["prompt_token_ids"], s)]) for p, s in zip(prompts, sampling_params, strict=True)]

    def one(self, prompt: list[int], params: SamplingParams) -> Any:
        room = self.model_config.max_model_len - len(prompt)
        assert room >= 1 and params.n == 1 and params.logprobs == 0 and params.ignore_eos and not params.detokenize
        if LLM.abort:
            LLM.abort -= 1
            return SimpleNamespace(token_ids=[], logprobs=[], finish_reason="abort")
        noise = torch.Generator().manual_seed(params.seed or 0)
        ids, rows, reason = [], [], "length"
        for _ in range(min(params.max_tokens, room)):
            logits_V = self.row((*prompt, *ids))
            raw_V = logits_V.log_softmax(-1)
            if params.allowed_token_ids is not None:
                logits_V = torch.full_like(logits_V, -torch.inf).index_fill(0, torch.tensor(params.allowed_token_ids), 0.0)
            if params.temperature == 0:
                token = int(logits_V.argmax())
            else:
                probs_V = (logits_V / params.temperature).softmax(-1)
                if params.top_p < 1:
                    sorted_V, order_V = probs_V.sort(descending=True)
                    probs_V[order_V[sorted_V.cumsum(-1) - sorted_V >= params.top_p]] = 0.0
                token = int(torch.multinomial(probs_V, 1, generator=noise))
            ids.append(token)
            rows.append({token: SimpleNamespace(logprob=float(raw_V[token]))})
            if token in params.stop_token_ids:
                reason = "stop"
                break
        return SimpleNamespace(token_ids=tuple(ids), logprobs=rows, finish_reason=reason)


def make_module() -> ModuleType:
    """A module to stand in `sys.modules["vllm"]`, with an engine class of its own."""
    module = ModuleType("vllm")
    fresh = type("LLM", (LLM,), {"__doc__": LLM.__doc__})
    LLM.opened, LLM.abort = [], 0
    module.__dict__.update(LLM=fresh, SamplingParams=SamplingParams, TokensPrompt=TokensPrompt, __version__="0.32.0")
    return module
