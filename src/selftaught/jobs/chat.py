"""The same questions before and after."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from selftaught.coroutines import finished
from selftaught.jobs.checkpoints import pointed
from selftaught.jobs.models import open_model
from selftaught.jobs.started import load_job
from selftaught.parts import BadInput
from selftaught.run.hashes import load_whole
from selftaught.types import Message, SampleRequest, SamplerSettings, content_hash


def replies(run: str, questions: Iterable[str], temperature: float = 0.0) -> Iterator[tuple[str, str]]:
    """(reply of the start, reply of the best generation) for each question, until an empty line; both are opened at once.

    Raises:
        BadInput: when the folder holds no run with a saved generation.
    """
    folder = Path(run)
    if not 0 <= temperature < math.inf:
        raise BadInput(f"chat: temperature={temperature}: give a number from 0, say 0.7")
    # one reply at a time, of two models at once: no work for another engine
    job = replace(load_job(folder), engine="local")
    generations = [pointed(folder, "start"), pointed(folder, "best")]
    sides: list[Any] = []
    for generation in generations:
        model = open_model(job, job.resolved())
        finished(partial(load_whole, generation, model))
        sides.append(model)
    return answered(sides, questions, SamplerSettings(temperature=temperature, max_tokens=job.limit))


def answered(sides: Sequence[Any], questions: Iterable[str], settings: SamplerSettings) -> Iterator[tuple[str, str]]:
    """Each model's reply to each question, until an empty line."""
    from selftaught.tasks.text import make_task

    for line in questions:
        question = line.strip()
        if not question:
            return
        task = make_task(question, "asked", "train", None, "")
        request = SampleRequest(key=content_hash(question), task=task, messages=(Message("user", question),), settings=settings)
        before, after = (finished(partial(model.sample, [request]))[0][0].text for model in sides)
        yield before, after
