"""Tasks like a given one, written and answered by the model itself."""

from asyncio import gather
from dataclasses import replace

import numpy as np

from selftaught.answers.votes import majority
from selftaught.prompts import WRITE_ALIKE
from selftaught.protocols import Run
from selftaught.types import Example, Message, Request, SamplerSettings, Task

# A task and its solution.
Pair = tuple[str, str]


async def written(run: Run, request: Request, count: int, votes: int, agree: float, temperature: float) -> list[Pair]:
    """Neighbors of a request's task: those that the model wrote whole, and answered alike in at least the share `agree` of `votes`."""
    task, settings = request.task, replace(request.settings, temperature=temperature)
    asked = (Message("user", WRITE_ALIKE + task.text),)
    made = await run.sample("neighbor", task, asked, n=count, settings=settings, role="proposer")
    texts = dict.fromkeys(attempt.text.strip() for attempt in made if attempt.stop == "end")
    for useless in (task.text.strip(), ""):
        texts.pop(useless, None)
    solved = await gather(*(solution(run, task, f"neighbor-{i}", text, votes, agree, settings) for i, text in enumerate(texts)))
    return [(text, said) for text, said in zip(texts, solved, strict=True) if said]


async def solution(run: Run, task: Task, tag: str, text: str, votes: int, agree: float, settings: SamplerSettings) -> str:
    """The first solution of a neighbor that gives its most common answer, "" where too few agree."""
    tried = await run.sample(tag, task, (Message("user", text),), n=votes, settings=settings, role="demonstrator")
    answers = [run.answer(attempt.text, task) for attempt in tried]
    winner, share = majority(answers)
    return "" if winner is None or share < agree else tried[answers.index(winner)].text


def learned_from(run: Run, pair: Pair) -> Example:
    """A neighbor and its solution, to be imitated."""
    tokens = run.tokens((Message("user", pair[0]),), pair[1])
    return Example(payloads=(tokens,), streams={"weight": tokens.sampled.astype(np.float32)})
