"""How far the learner's log-probabilities lie from the sampler's, on a real batch at each precision."""

import asyncio
from typing import Any

from benchmarks.speed.options import Found, Options
from benchmarks.speed.ours import requests
from benchmarks.speed.setting import GROUP, PROMPTS, SOURCES, draws
from benchmarks.speed.training import dtypes, open_model
from benchmarks.speed.worker import Worker

from selftaught.stages import Objective
from selftaught.train import AdamW, PolicyGradient
from selftaught.types import Example

SHORT = {"float32": "fp32", "bfloat16": "bf16"}


class Side:
    """Samples, then learns at rate 0, which reports the gap."""

    def __init__(self, channel: Any) -> None: ...

    def measure(self, dtype: str) -> dict[str, Any]:
        """Mean and most over the sampled tokens of a batch of the usual size."""
        model = open_model(dtype)
        found = asyncio.run(model.sample(requests(draws(SOURCES, 3, 1)[0][:PROMPTS], GROUP, 1.0)))
        examples = []
        for attempt in (attempt for attempts in found for attempt in attempts):
            payload = attempt.payload
            streams = {"advantage": payload.sampled * 1.0, "mask": payload.sampled * 1.0, "sampler_logprobs": payload.logprobs}
            examples.append(Example(payloads=(payload,), streams=streams, attempt=attempt.id))
        metrics = asyncio.run(model.learn(examples, [Objective(loss=PolicyGradient(), optimizer=AdamW(lr=0.0))]))
        return {"mean": metrics["logprob_gap"], "max": metrics["logprob_gap_max"]}


def run(options: Options) -> Found:
    """The gap at each precision there is."""
    found, missing = {}, [name for name in SHORT if name not in dtypes()]
    for dtype in dtypes():
        with Worker("gap", options.threads) as worker:
            found[SHORT[dtype]] = worker.ask("measure", dtype=dtype)
    reasons = {f"logprob_gap.{SHORT[name]}": "open_local takes no dtype" for name in missing}
    return {"logprob_gap": found, **({"not_run": reasons} if reasons else {})}
