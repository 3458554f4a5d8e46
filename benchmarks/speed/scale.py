"""How cost grows: with group size, tasks, model size and threads."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.speed.options import Found, Options, opening
from benchmarks.speed.setting import FOLDER, SOURCES, STILL, TASKS_SEED, opened
from benchmarks.speed.training import Steps, open_model, recipe

GROUPS, TASKS = (4, 8, 16, 32, 64), (16, 32, 64, 128, 256)
FIXED_TASKS, FIXED_GROUP = 16, 8
# width, inner width, layers, heads of Llamas with random weights
SHAPES = {"1M": (128, 344, 4, 4), "10M": (384, 1024, 6, 6), "100M": (768, 2048, 14, 12)}
SMALL = {"tasks": 4, "n": 4}


class Side:
    """Steps of any size, of any model."""

    def __init__(self, channel: Any) -> None:
        self.model: Any = None

    def start(self, dtype: str, shape: list[int] | None = None) -> dict[str, Any]:
        """Open the model that ships, or one of a shape with random weights."""
        if not shape:
            self.model = open_model(dtype)
            return {}
        import torch
        from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

        width, inner, layers, heads = shape
        config = AutoConfig.from_pretrained(FOLDER)
        given = {"hidden_size": width, "intermediate_size": inner, "num_hidden_layers": layers, "head_dim": width // heads}
        config.update(given | {"num_attention_heads": heads, "num_key_value_heads": heads})
        torch.manual_seed(0)
        with tempfile.TemporaryDirectory() as folder:
            AutoModelForCausalLM.from_config(config).save_pretrained(Path(folder))
            AutoTokenizer.from_pretrained(FOLDER).save_pretrained(Path(folder))
            self.model = open_model(dtype, folder)
        return {"parameters": self.model.parameters}

    def step(self, tasks: int, n: int) -> dict[str, Any]:
        """A step of that many attempts, trained on whether they have a signal or not, in a run of its own without monitors."""
        steps = Steps(self.model, recipe(STILL, skip=False, tasks=tasks, n=n), opened(SOURCES, TASKS_SEED)[0], monitored=False)
        try:
            return steps.step()
        finally:
            steps.close()


def line(attempts: list[int], seconds: list[float]) -> dict[str, float]:
    """Least squares of seconds against attempts: seconds an attempt, R squared, and the intercept as a share of the most."""
    x, y = np.asarray(attempts, float), np.asarray(seconds, float)
    slope, intercept = np.polyfit(x, y, 1)
    rest = y - (slope * x + intercept)
    r2 = 1 - float((rest**2).sum() / ((y - y.mean()) ** 2).sum())
    return {"seconds_an_attempt": float(slope), "r2": r2, "intercept_share": float(intercept / (slope * x.max() + intercept))}


def linear(options: Options) -> Found:
    """Seconds of a step against its attempts: by group size at 16 tasks, by tasks at groups of 8."""
    found: Found = {}
    with opening("scale", options, "start", dtype=options.settings.get("ours", {}).get("used", ""))() as worker:
        worker.ask("step", tasks=FIXED_TASKS, n=FIXED_GROUP)
        for name, sizes in (("group", [(FIXED_TASKS, n) for n in GROUPS]), ("tasks", [(t, FIXED_GROUP) for t in TASKS])):
            points = [worker.ask("step", tasks=tasks, n=n) for tasks, n in sizes]
            attempts, seconds = [p["attempts"] for p in points], [p["seconds"] for p in points]
            found[name] = line(attempts, seconds) | {"attempts": attempts, "seconds": seconds}
    said = "; ".join(f"by {k}: R2 {v['r2']:.4f}, intercept {v['intercept_share']:.1%} of the most" for k, v in found.items())
    return {"linear": found, "footnotes": {"linear": said}}


def run(options: Options) -> Found:
    """Model size by threads: tokens a second of whole steps."""
    rows = []
    for threads in (1, 2):
        for name, shape in SHAPES.items():
            once = Options(threads=threads)
            with opening("scale", once, "start", dtype=options.settings.get("ours", {}).get("used", ""), shape=list(shape))() as worker:
                worker.ask("step", tasks=1, n=2)
                reply = worker.ask("step", **SMALL)
            rate, extra = reply["tokens"] / reply["seconds"], reply["extra_bytes"] / 2**20
            rows.append({"model": name, "threads": threads, "seconds": reply["seconds"], "tokens_per_second": rate, "extra_mib": extra})
    said = "; ".join(f"{r['model']} {r['threads']} threads {r['tokens_per_second']:.0f}" for r in rows)
    return {"scale": rows, "footnotes": {"scale": f"tokens/s of whole steps, skip off: {said}"}}
