"""The same questions before and after."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from selftaught.coroutines import finished
from selftaught.jobs.checkpoints import pointed
from selftaught.jobs.models import open_model
from selftaught.jobs.solving import reopened
from selftaught.jobs.started import load_job
from selftaught.parts import BadInput
from selftaught.run.hashes import load_whole
from selftaught.run.method import Method
from selftaught.types import SampleRequest, SamplerSettings, Task, content_hash

# Answers a question.
Side = Callable[[Task], str]


def replies(run: str, questions: Iterable[str], temperature: float = 0.0) -> Iterator[tuple[str, str]]:
    """(reply of the start, reply of the best generation) for each question, until an empty line; both are opened at once.

    Where what the run remembers is what has changed, its method replies on both sides, else the model does.

    Raises:
        BadInput: when the folder holds no run with a saved generation.
    """
    folder = Path(run)
    if not 0 <= temperature < math.inf:
        raise BadInput(f"chat: temperature={temperature}: give a number from 0, say 0.7")
    # one reply at a time, of two models at once: no work for another engine
    job = replace(load_job(folder), engine="local")
    settings = SamplerSettings(temperature=temperature, max_tokens=job.limit)
    if job.resolved().remembers:
        return remembered(folder, questions, settings)
    sides: list[Side] = []
    for generation in [pointed(folder, "start"), pointed(folder, "best")]:
        model = open_model(job, job.resolved())
        finished(partial(load_whole, generation, model))
        sides.append(partial(plain, model, settings))
    return answered(sides, questions)


def remembered(folder: Path, questions: Iterable[str], settings: SamplerSettings) -> Iterator[tuple[str, str]]:
    """The replies of a run's method, with what it remembered at its start and with what it remembers."""
    with ExitStack() as stack:
        place, sides = Path(stack.enter_context(TemporaryDirectory())), list[Side]()
        for which in ("start", "best"):
            session = reopened(folder, which, place / which)
            stack.callback(session.close)
            sides.append(partial(by_method, Method(session.run, settings, session.job.seed, "chat")))
        yield from answered(sides, questions)


def plain(model: Any, settings: SamplerSettings, task: Task) -> str:
    """What a model says."""
    request = SampleRequest(key=content_hash(task.text), task=task, messages=task.messages, settings=settings)
    text: str = finished(partial(model.sample, [request]))[0][0].text
    return text


def by_method(method: Method, task: Task) -> str:
    """What a method replies, "" where it makes no attempt."""
    [attempt] = finished(partial(method.reply, [task]))
    return attempt.text if attempt else ""


def answered(sides: Sequence[Side], questions: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Each side's reply to each question, until an empty line."""
    from selftaught.tasks.text import make_task

    for line in questions:
        question = line.strip()
        if not question:
            return
        before, after = (side(make_task(question, "asked", "train", None, "")) for side in sides)
        yield before, after
