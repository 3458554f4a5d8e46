"""Explore: given answers instead of attempts."""

from collections.abc import Sequence
from dataclasses import dataclass

from selftaught.parts import BadInput, part
from selftaught.protocols import Run
from selftaught.stages import Explore
from selftaught.types import Attempt, Group, Request, Score


@part
@dataclass(frozen=True, kw_only=True)
class Demonstrate(Explore):
    """One attempt a task that nobody sampled: its answer, as the model is expected to write it, rewarded with 1.

    Reads the answer, which is counted. Its log-probabilities are not known (0), so losses that want the sampler's cannot
    learn from it. Makes nothing where nothing is told: it is no method to be asked.
    """

    signal = ("gold",)

    async def explore(self, run: Run, request: Request) -> Sequence[Group]:
        task = request.task
        answer = run.reveal(task)
        if answer is None:
            return []
        if not answer:
            raise BadInput(f"{task.source or 'a task'} has no answer to show: give tasks that have one, such as FILE,answer=COLUMN")
        text = run.written(answer, task)
        payload = run.tokens(task.messages, text)
        attempt = Attempt(
            id=f"{run.step:05d}/demonstrator/{task.id}/0", task=task.id, payload=payload, text=text, messages=task.messages,
            role="demonstrator", sampler="", generation=run.generation,
        )  # fmt: skip
        score = Score(attempt=attempt.id, value=1.0, source="gold", judge=self.name)
        return [Group(key=task.id, task=task, attempts_G=(attempt,), scores=(score,))]
