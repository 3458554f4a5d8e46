"""On a GPU: parity, and whole steps against TRL with transformers generation. `python benchmarks/gpu.py --out gpu.json`.

Two models: sprout, and random weights of Qwen2.5-0.5B's shape. A step is 512 (256) attempts sampled, paid and learned
from; tokens are prompt and completion of all attempts; every group has a signal on both sides, so nothing is skipped.
Steps of both sides alternate; ratios are of medians.
"""

import argparse
import asyncio
import json
import random
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, PreTrainedTokenizerFast

from selftaught.models.local import LocalModel
from selftaught.stages import Objective
from selftaught.train.losses.policy_gradient import PolicyGradient
from selftaught.train.optim import AdamW
from selftaught.types import Attempt, Example, SampleRequest, SamplerSettings, Task, content_hash

SPROUT = Path(__file__).parents[1] / "src/selftaught/models/sprout/weights"
RATE = 1e-7
WORDS = 151936


def qwen(folder: Path) -> Path:
    """A folder with random weights of Qwen2.5-0.5B's shape, and a tokenizer of as many words."""
    vocabulary = {"<pad>": 0, "<end>": 1, "<unk>": 2} | {f"w{i}": i for i in range(3, WORDS)}
    core = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    PreTrainedTokenizerFast(tokenizer_object=core, pad_token="<pad>", eos_token="<end>", unk_token="<unk>").save_pretrained(folder)
    torch.manual_seed(0)
    # as a Llama, whose tokenizer may be any; Qwen2 differs in three bias vectors a layer
    shape = LlamaConfig(
        vocab_size=WORDS, hidden_size=896, intermediate_size=4864, num_hidden_layers=24, num_attention_heads=14,
        num_key_value_heads=2, max_position_embeddings=4096, head_dim=64, tie_word_embeddings=True, eos_token_id=1, pad_token_id=0, bos_token_id=None,
    )  # fmt: skip
    AutoModelForCausalLM.from_config(shape).save_pretrained(folder)
    return folder


def prompts_of(name: str, count: int) -> list[str]:
    """Sums for sprout, random words for the other."""
    rng = random.Random(0)
    if name == "sprout":
        return ["Add " + "+".join(str(rng.randrange(10, 99)) for _ in range(8)) + "." for _ in range(count)]
    return [" ".join(f"w{rng.randrange(3, WORDS)}" for _ in range(128)) for _ in range(count)]


def pay(text: str) -> float:
    """A coin that belongs to the text, so that groups have a signal."""
    return float(int(content_hash(text)[:4], 16) % 2)


class Ours:
    """Attributes: the model; requests of a step; seconds it has spent sampling and learning; tokens learned from."""

    def __init__(self, folder: Path, prompts: list[str], n: int, new: int, dtype: str = "auto", fast: bool = True) -> None:
        self.model = LocalModel.open(folder, device="cuda", dtype=dtype, fast=fast)
        tasks = [Task(id=content_hash(p), prompt=p) for p in prompts]
        settings = SamplerSettings(max_tokens=new)
        self.asked = [SampleRequest(key=t.id, task=t, messages=t.messages, n=n, settings=settings) for t in tasks]
        self.sampling, self.learning, self.said = [], [], 0

    def sample(self) -> list[list[Attempt]]:
        """The attempts of a step."""
        began = time.perf_counter()
        found = asyncio.run(self.model.sample(self.asked))
        self.sampling.append(time.perf_counter() - began)
        self.said = sum(a.sampled_count for group in found for a in group)
        return found

    def learn(self, groups: list[list[Attempt]]) -> dict[str, float]:
        """One optimizer step on all of them."""
        began, examples = time.perf_counter(), []
        for group in groups:
            rewards_G = np.array([pay(a.text) for a in group], np.float32)
            for attempt, advantage in zip(group, (rewards_G - rewards_G.mean()) / (rewards_G.std() + 1e-4), strict=True):
                mask_T = attempt.payload.sampled.astype(np.float32)
                streams = {"advantage": mask_T * (advantage + 1e-9), "mask": mask_T, "sampler_logprobs": attempt.payload.logprobs}
                examples.append(Example(payloads=(attempt.payload,), streams=streams, attempt=attempt.id))
        metrics = asyncio.run(self.model.learn(examples, [Objective(loss=PolicyGradient(), optimizer=AdamW(lr=RATE))]))
        torch.cuda.synchronize()
        self.learning.append(time.perf_counter() - began)
        return metrics

    def step(self) -> dict[str, float]:
        """Seconds and tokens of a whole step."""
        began, groups = time.perf_counter(), self.sample()
        metrics = self.learn(groups)
        return {"seconds": time.perf_counter() - began, "tokens": float(sum(len(a.payload) for group in groups for a in group))} | metrics


def trl(folder: Path, prompts: list[str], n: int, new: int, rows: int, steps: int, pure: bool) -> list[dict[str, float]]:
    """Seconds and tokens of TRL's steps; `pure` weights are bfloat16 themselves."""
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    module = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16 if pure else torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
    found: list[dict[str, float]] = []
    tokens, began = [0], [time.perf_counter()]

    def paid(prompts: list[Any], completions: list[Any], completion_ids: list[list[int]], **_: Any) -> list[float]:
        texts = [c if isinstance(c, str) else c[0]["content"] for c in completions]
        chat = not isinstance(prompts[0], str)
        lengths = [
            len(tokenizer.apply_chat_template(p, add_generation_prompt=True, return_dict=False) if chat else tokenizer(p)["input_ids"])
            for p in prompts
        ]
        tokens[0] = sum(map(len, completion_ids)) + sum(lengths)
        return [pay(text) for text in texts]

    class Clock(transformers.TrainerCallback):
        def on_step_begin(self, *_: Any, **__: Any) -> None:
            torch.cuda.synchronize()
            began[0] = time.perf_counter()

        def on_step_end(self, *_: Any, **__: Any) -> None:
            torch.cuda.synchronize()
            found.append({"seconds": time.perf_counter() - began[0], "tokens": float(tokens[0])})

    chat = bool(tokenizer.chat_template)
    data = Dataset.from_list([{"prompt": [{"role": "user", "content": p}] if chat else p} for p in prompts * steps])
    config = GRPOConfig(
        str(folder) + "-trl", bf16=True, gradient_checkpointing=False, report_to="none", save_strategy="no", logging_steps=10**6,
        disable_tqdm=True, per_device_train_batch_size=rows, gradient_accumulation_steps=len(prompts) * n // rows, num_generations=n,
        max_completion_length=new, max_steps=steps, learning_rate=RATE, temperature=1.0, top_p=1.0, top_k=0, beta=0.0, shuffle_dataset=False,
    )  # fmt: skip
    GRPOTrainer(module, paid, config, train_dataset=data, processing_class=tokenizer, callbacks=[Clock()]).train()
    return found


def rate(seconds: Callable[[], None], flops: float) -> float:
    """TFLOP/s of a call, the median of ten."""
    times = []
    for _ in range(13):
        torch.cuda.synchronize()
        began = time.perf_counter()
        seconds()
        torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
    return flops / statistics.median(times[3:]) / 1e12


def gaps(found: list[list[Attempt]], wanted: list[list[Attempt]]) -> dict[str, float]:
    """How far two samplers lie apart on attempts with equal tokens."""
    pairs = [(a.payload, b.payload) for one, other in zip(found, wanted, strict=True) for a, b in zip(one, other, strict=True)]
    same = [np.abs(a.logprobs - b.logprobs) for a, b in pairs if a.ids.tolist() == b.ids.tolist()]
    return {"equal": len(same) / len(pairs), "mean": float(np.concatenate(same).mean()), "max": float(np.concatenate(same).max())}


def matrix_rate() -> float:
    """TFLOP/s of a large bfloat16 product of random matrices."""
    a, b = (torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    return rate(lambda: torch.mm(a, b), 2 * 8192**3)


def measure(name: str, folder: Path, count: int, n: int, new: int, rows: int, steps: int, peers: bool, profile: bool) -> dict[str, Any]:
    """One model: parity, our steps, TRL's steps."""
    prompts, found = prompts_of(name, count), {}
    exact, slow = (Ours(folder, prompts[:8], 4, min(new, 48), "float32", fast) for fast in (True, False))
    groups, twins = exact.sample(), slow.sample()
    found["parity_fp32"] = gaps(groups, twins) | {f"learner_{k}": v for k, v in exact.learn(groups).items() if "gap" in k}
    del exact, slow
    torch.cuda.empty_cache()
    ours = Ours(folder, prompts, n, new)
    rows_found = [ours.step() for _ in range(steps + 1)][1:]
    if profile:
        with torch.profiler.profile() as seen:
            ours.step()
        print(seen.key_averages().table(sort_by="self_cuda_time_total", row_limit=25, max_name_column_width=50), flush=True)
    tokens, parameters = statistics.median(r["tokens"] for r in rows_found), ours.model.parameters
    learning = statistics.median(ours.learning[1:])
    found["ours"] = {
        "seconds": statistics.median(r["seconds"] for r in rows_found), "sampling": statistics.median(ours.sampling[1:]), "learning": learning,
        "tokens": tokens, "sampled_per_second": ours.said / statistics.median(ours.sampling[1:]), "peak_gb": torch.cuda.max_memory_allocated() / 2**30,
        "gap_mean": rows_found[0]["logprob_gap"], "gap_max": rows_found[0]["logprob_gap_max"], "micro_batch": ours.model.max_tokens,
        # every token once, as if no prompt were shared: a rate of useful work
        "learner_tflops": 6 * parameters * tokens / learning / 1e12,
    }  # fmt: skip
    print(name, json.dumps(found, indent=1), flush=True)
    del ours
    torch.cuda.empty_cache()
    if peers:
        tried = {pure: trl(folder, prompts, n, new, rows, steps + 1, pure)[1:] for pure in (True, False)}
        seconds = {
            ("bfloat16 weights" if pure else "autocast"): statistics.median(r["seconds"] for r in them) for pure, them in tried.items()
        }
        best = tried[min(tried, key=lambda pure: statistics.median(r["seconds"] for r in tried[pure]))]
        each = statistics.median(r["tokens"] / r["seconds"] for r in best)
        found |= {"trl": {"seconds": seconds, "tokens": best[0]["tokens"]}, "ratio": tokens / found["ours"]["seconds"] / each}
    return found


def main() -> None:
    """Measure what is asked for, and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", default="sprout,qwen")
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--profile", action="store_true", help="print where a step spends its time")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()
    found: dict[str, Any] = {"card": torch.cuda.get_device_name(), "torch": torch.__version__, "matrix_tflops": matrix_rate()}
    print(found, flush=True)
    if "sprout" in given.only:
        found["sprout"] = measure("sprout", SPROUT, 64, 8, 48, 512, given.steps, not given.no_peers, given.profile)
    if "qwen" in given.only:
        found["qwen"] = measure("qwen", qwen(given.out.parent / "qwen"), 32, 8, 256, 32, given.steps, not given.no_peers, given.profile)
        found["qwen"]["learner_of_matrix_rate"] = found["qwen"]["ours"]["learner_tflops"] / found["matrix_tflops"]
    given.out.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
