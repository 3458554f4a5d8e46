"""The same questions before and after."""

import math
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from selftaught.coroutines import finished
from selftaught.jobs.checkpoints import pointed
from selftaught.jobs.job import Job
from selftaught.jobs.models import open_model
from selftaught.jobs.started import load_job
from selftaught.parts import BadInput
from selftaught.protocols import Model
from selftaught.run.folder import RunFolder
from selftaught.run.hashes import load_whole
from selftaught.run.method import Method
from selftaught.run.training import TrainingRun
from selftaught.tasks.pool import TaskPool
from selftaught.tasks.text import make_task
from selftaught.types import SampleRequest, SamplerSettings, Task, content_hash

Reply = Callable[[Task], str]


def replies(run: str, questions: Iterable[str], temperature: float = 0.0) -> Iterator[tuple[str, str]]:
    """(reply of the start, reply of the best generation) for each question, until an empty line; both are opened at once.

    Where what a method remembers is what changed, the method answers, with what it remembered then.

    Raises:
        BadInput: when the folder holds no run with a saved generation.
    """
    folder = Path(run)
    if not 0 <= temperature < math.inf:
        raise BadInput(f"chat: temperature={temperature}: give a number from 0, say 0.7")
    # one reply at a time, of two models at once: no work for another engine
    job = replace(load_job(folder), engine="local")
    generations, recipe = [pointed(folder, "start"), pointed(folder, "best")], job.resolved()
    settings = SamplerSettings(temperature=temperature, max_tokens=job.limit)
    sides: list[Reply] = []
    for generation in generations:
        model = open_model(job, recipe)
        saved = finished(partial(load_whole, generation, model))
        sides.append(method_reply(model, job, settings, saved["state"]) if recipe.remembers else partial(plain_reply, model, settings))
    return answered(sides, questions)


def plain_reply(model: Model, settings: SamplerSettings, task: Task) -> str:
    """What a model says when it is asked."""
    request = SampleRequest(key=content_hash(task.prompt), task=task, messages=task.messages, settings=settings)
    return finished(partial(model.sample, [request]))[0][0].text


def method_reply(model: Model, job: Job, settings: SamplerSettings, state: Mapping[str, Any]) -> Reply:
    """What the job's method says with what it remembers; nothing is kept of it."""
    recipe = job.resolved()

    def reply(task: Task) -> str:
        with tempfile.TemporaryDirectory() as place:
            run = TrainingRun(
                recipe=recipe, model=model, pool=TaskPool(()), folder=RunFolder(Path(place) / "run"), settings=settings, format=job.format,
                seed=job.seed,
            )  # fmt: skip
            try:
                [found] = finished(partial(Method(run, settings, job.seed, "chat", state=state).reply, [task]))
            finally:
                run.grader.close()
                run.folder.close()
        return found.text if found else ""

    return reply


def answered(sides: Sequence[Reply], questions: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Each side's reply to each question, until an empty line."""
    for line in questions:
        question = line.strip()
        if not question:
            return
        task = make_task(question, "asked", "train", None, "")
        before, after = (side(task) for side in sides)
        yield before, after
