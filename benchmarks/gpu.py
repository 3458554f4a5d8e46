"""On a GPU: parity, and whole steps against TRL with transformers generation. `python benchmarks/gpu.py --out gpu.json`.

Two models: sprout, and random weights of Qwen2.5-0.5B's shape. A step is 512 (256) attempts sampled, paid and learned
from; tokens are prompt and completion of all attempts; every group has a signal on both sides, so nothing is skipped.
One side after the other on the same card; ratios are of medians, after a step to warm up.
"""

import argparse
import json
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from gpu_sides import WORDS, Ours, prompts_of, trl
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoModelForCausalLM, LlamaConfig, PreTrainedTokenizerFast

from selftaught.types import Attempt

SPROUT = Path(__file__).parents[1] / "src/selftaught/models/sprout/weights"


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
        num_key_value_heads=2, max_position_embeddings=4096, head_dim=64, tie_word_embeddings=True, eos_token_id=1, pad_token_id=0,
        bos_token_id=None,
    )  # fmt: skip
    AutoModelForCausalLM.from_config(shape).save_pretrained(folder)
    return folder


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
        "seconds": statistics.median(r["seconds"] for r in rows_found), "sampling": statistics.median(ours.sampling[1:]),
        "learning": learning,
        "tokens": tokens, "sampled_per_second": ours.said / statistics.median(ours.sampling[1:]),
        "peak_gb": torch.cuda.max_memory_allocated() / 2**30, "dtype": str(ours.model.trainer.fused.dtype),
        "micro_batch": ours.model.trainer.max_tokens,
        "gap_mean": rows_found[0]["logprob_gap"], "gap_max": rows_found[0]["logprob_gap_max"],
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
