"""This package, one unit of work at a time: steps of the loop, waves of samples, accuracy on held-out tasks."""

import asyncio
import time
from pathlib import Path
from typing import Any

from benchmarks.speed import memory
from benchmarks.speed.setting import ADAPTER, FOLDER, GROUP, NEW_TOKENS, PROMPTS, Listed, draws, held_out, reward
from benchmarks.speed.training import Steps, dtypes, open_model, recipe

from selftaught.types import SampleRequest, SamplerSettings, Task


def requests(tasks: list[Task], n: int, temperature: float, seed: int = 0, new: int = NEW_TOKENS) -> list[SampleRequest]:
    """One request a task."""
    settings = SamplerSettings(temperature=temperature, max_tokens=new)
    return [SampleRequest(key=f"{seed}/{i}/{t.id}", task=t, messages=t.messages, n=n, settings=settings) for i, t in enumerate(tasks)]


class Side:
    """Attributes: the model and the run under way."""

    def __init__(self, channel: Any) -> None:
        self.model: Any = None
        self.steps: Steps | None = None
        self.waves = 0

    def dtypes(self) -> dict[str, Any]:
        """Precisions this side can be asked for."""
        return {"dtypes": dtypes()}

    def start(self, dtype: str, lr: float, seed: int, sources: list[str], skip: bool = True, steps: int = 200) -> dict[str, Any]:
        """Open model and run."""
        given = tuple(sources)
        self.model = open_model(dtype, seed=seed, adapter=ADAPTER)
        self.steps = Steps(self.model, recipe(lr, skip), Listed(draws(given, seed, steps), given), seed)
        return {"rss": self.steps.base}

    def step(self) -> dict[str, Any]:
        """One step of the loop."""
        assert self.steps
        return self.steps.step()

    def stop(self) -> dict[str, Any]:
        """End the run."""
        assert self.steps
        self.steps.close()
        return {}

    def save(self, folder: str) -> dict[str, Any]:
        """Write the weights as they are, as a folder transformers opens."""
        asyncio.run(self.model.save(Path(folder)))
        return {"folder": str(Path(folder) / "policy")}

    def accuracy(self, folder: str, sources: list[str]) -> dict[str, Any]:
        """Share of held-out tasks that greedy decoding of the model in a folder gets right."""
        tasks = held_out(tuple(sources))
        found = asyncio.run(open_model("float32", folder).sample(requests(tasks, 1, 0.0)))
        return {"accuracy": sum(reward(t, attempts[0].text) for t, attempts in zip(tasks, found, strict=True)) / len(tasks)}

    def load(self, dtype: str) -> dict[str, Any]:
        """Open the model for sampling alone."""
        self.model = open_model(dtype)
        return {"rss": memory.rss()}

    def sample(
        self, sources: list[str], prompts: int = PROMPTS, n: int = GROUP, new: int = NEW_TOKENS, apart: bool = False
    ) -> dict[str, Any]:
        """One wave, or one prompt after the other, with noise of its own; returns its seconds and sampled tokens."""
        self.waves += 1
        asked = requests(draws(tuple(sources), 0, 1)[0][:prompts], n, 1.0, self.waves, new)
        waves = [[one] for one in asked] if apart else [asked]
        began = time.perf_counter()
        found = [attempts for wave in waves for attempts in asyncio.run(self.model.sample(wave))]
        seconds = time.perf_counter() - began
        return {"seconds": seconds, "tokens": sum(a.sampled_count for attempts in found for a in attempts)}

    def greedy(self, sources: list[str], prompts: int, new: int = NEW_TOKENS) -> dict[str, Any]:
        """New token ids of greedy decoding, one list a prompt; and the prompts' ids."""
        tasks = draws(tuple(sources), 0, 1)[0][:prompts]
        payloads = [attempts[0].payload for attempts in asyncio.run(self.model.sample(requests(tasks, 1, 0.0, 0, new)))]
        return {"ids": [p.ids[p.sampled].tolist() for p in payloads], "prompts": [p.ids[~p.sampled].tolist() for p in payloads]}


__all__ = ["FOLDER", "Side", "requests"]
