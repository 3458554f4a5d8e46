"""The machine: how fast it multiplies matrices and reads memory, and what a step of this model must cost at least."""

import json
import platform
import statistics
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.speed import setting
from benchmarks.speed.options import Found, Options
from benchmarks.speed.worker import Worker

SIDES, REPEATS = (1024, 2048), 5
BIG = 2**26
LIBRARIES = ("torch", "transformers", "trl", "ctranslate2", "numpy", "selftaught")


class Side:
    """Measures in a process that has the number of threads from its start."""

    def __init__(self, channel: Any) -> None: ...

    def rates(self) -> dict[str, Any]:
        """Best of a few: multiply-adds of square matrices in GFLOP/s, bytes read and written in GB/s."""
        import torch

        found: dict[str, Any] = {}
        with torch.inference_mode():
            for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
                found[f"{name}_gflops"] = max(self.multiply(torch, side, dtype) for side in SIDES)
            a, b = torch.ones(BIG), torch.ones(BIG)
            found["read_gbytes"] = 4 * BIG / best(lambda: a.sum()) / 1e9
            found["copy_gbytes"] = 8 * BIG / best(lambda: b.copy_(a)) / 1e9
        return found

    def multiply(self, torch: Any, side: int, dtype: Any) -> float:
        """GFLOP/s of one size."""
        a, b = torch.randn(side, side).to(dtype), torch.randn(side, side).to(dtype)
        return 2 * side**3 / best(lambda: a @ b) / 1e9


def best(work: Any) -> float:
    """Least seconds of a few runs, after one to warm up."""
    work()
    seconds = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def processor() -> str:
    """What the processor calls itself."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def sizes() -> dict[str, float]:
    """The model's parameters that every token meets, its layers' width and count, and its mean lengths on the tasks."""
    from transformers import AutoTokenizer

    config = json.loads((setting.FOLDER / "config.json").read_text())
    width, inner, layers = config["hidden_size"], config["intermediate_size"], config["num_hidden_layers"]
    tokenizer = AutoTokenizer.from_pretrained(setting.FOLDER)
    tasks = setting.draws(setting.SOURCES, 1, 1)[0]
    chats = [[{"role": "user", "content": task.text}] for task in tasks]
    lengths = [len(tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_dict=False)) for chat in chats]
    matrices = layers * (4 * width * width + 3 * width * inner)
    return {
        "matrices": matrices,
        "head": config["vocab_size"] * width,
        "width": width,
        "layers": layers,
        "prompt": statistics.mean(lengths),
    }


def floor(rates: dict[str, Any], new: float, share: float = 1.0, name: str = "bf16") -> dict[str, float]:
    """Least seconds of a step's sampling and learning: each the greater of its arithmetic and its reading of memory.

    Prompts are read once a group; sampled tokens meet every matrix once forward; learning is three times a forward pass
    over prompt (once a group) and sampled tokens of the `share` of groups that are trained on. Attention's own products
    are counted; softmax, norms and everything between are not.
    """
    m, flops, wide = sizes(), rates[f"{name}_gflops"] * 1e9, 2 if name == "bf16" else 4
    prompts, attempts = setting.PROMPTS, setting.PROMPTS * setting.GROUP
    length = m["prompt"] + new
    token = 2 * m["matrices"]
    attend = 4 * m["layers"] * m["width"]
    forward = prompts * m["prompt"] * (token + attend * m["prompt"] / 2) + attempts * new * (
        token + 2 * m["head"] + attend * (m["prompt"] + length) / 2
    )
    cached = attempts * new * 2 * m["layers"] * m["width"] * wide * (m["prompt"] + length) / 2
    weights = new * (m["matrices"] + m["head"]) * wide
    sampling = max(forward / flops, (cached + weights) / (rates["read_gbytes"] * 1e9))
    learning = 3 * share * forward / flops
    return {"sampling": sampling, "learning": learning, "step": sampling + learning}


def run(options: Options) -> Found:
    """Rates, versions, and the floor for a step of 64 x 8 attempts."""
    with Worker("machine", options.threads) as worker:
        rates = {key: round(value, 1) for key, value in worker.ask("rates").items()}
    new, share = 33.0, 0.45
    floors = {f"{name}_{kind}": round(s, 3) for name in ("bf16", "fp32") for kind, s in floor(rates, new, share, name).items()}
    facts = {"processor": processor(), "threads": options.threads, "python": platform.python_version()}
    versions = {name: version(name) for name in LIBRARIES}
    bf16, fp32 = floors["bf16_step"], floors["fp32_step"]
    return {
        "machine": facts | {"versions": versions} | rates | {"floor_seconds": floors | {"sampled": new, "trained_share": share}},
        "footnotes": {
            "machine": f"{facts['processor']}, {options.threads} threads: {rates['fp32_gflops']:.0f} GFLOP/s float32, "
            f"{rates['bf16_gflops']:.0f} bfloat16, {rates['read_gbytes']:.0f} GB/s read",
            "floor": f"a step of {setting.PROMPTS} x {setting.GROUP} takes at least {bf16:.2f} s in bfloat16, {fp32:.2f} s in float32",
        },
    }  # fmt: skip
