"""The two sides of `gpu.py`: this package's verbs, and TRL's trainer with transformers generation."""

import asyncio
import random
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer

from selftaught.models.language.local import open_local
from selftaught.stages import Objective
from selftaught.train import AdamW, PolicyGradient
from selftaught.train.credit.group_centred import centred
from selftaught.types import Attempt, Example, SampleRequest, SamplerSettings, Task, content_hash

RATE = 1e-7
WORDS = 151936


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
        self.model = open_local(folder, device="cuda", dtype=dtype, fast=fast)
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
            for attempt, advantage in zip(group, centred(np.array([pay(a.text) for a in group], np.float32), "std"), strict=True):
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
            began[0], tokens[0] = time.perf_counter(), 0

        def on_step_end(self, *_: Any, **__: Any) -> None:
            torch.cuda.synchronize()
            found.append({"seconds": time.perf_counter() - began[0], "tokens": float(tokens[0])})

    chat = bool(tokenizer.chat_template)
    data = Dataset.from_list([{"prompt": [{"role": "user", "content": p}] if chat else p} for p in prompts * steps])
    config = GRPOConfig(
        str(folder) + "-trl", bf16=True, gradient_checkpointing=False, report_to="none", save_strategy="no", logging_steps=10**6,
        disable_tqdm=True, per_device_train_batch_size=rows, gradient_accumulation_steps=len(prompts) * n // rows, num_generations=n,
        max_completion_length=new, max_steps=steps, learning_rate=RATE, temperature=1.0, top_p=1.0, top_k=0, beta=0.0,
        shuffle_dataset=False,
    )  # fmt: skip
    GRPOTrainer(module, paid, config, train_dataset=data, processing_class=tokenizer, callbacks=[Clock()]).train()
    return found
