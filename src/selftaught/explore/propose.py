"""Explore: questions a model writes, and its attempts at them."""

from asyncio import gather
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from selftaught.explore.converse import Converse
from selftaught.parts import BadInput, part
from selftaught.prompts import posed, told
from selftaught.protocols import Run
from selftaught.stages import Explore, PerGroup
from selftaught.types import Attempt, Group, Request, Score, Task, content_hash


@part
@dataclass(frozen=True, kw_only=True)
class Propose(Explore):
    """For a task that shows an answer (its `key`): questions with it, and attempts at each; any other task is answered.

    Source: search self-play, arXiv:2510.18821. The first group holds the proposals, with scores "valid"; each question
    that is valid has a group of its own, called by the id of its proposal. Its task keeps the answer as its key, from a
    model and no gold. Valid is at least: a question between its marks that does not say the answer, after something was
    looked up; the gate may think less of it. Nobody attempts what is not valid.

    Attributes:
        write: how a question is written.
        solve: how it is answered, and any other task.
        gate: scores proposals "valid"; None lets all questions through.
        rollouts: attempts at each question, 1 to 1024.
    """

    continues = True
    equips = True
    write: Converse = field(default_factory=lambda: Converse(role="proposer"))
    solve: Converse = field(default_factory=Converse)
    gate: PerGroup | None = None
    rollouts: int = 5

    def __post_init__(self) -> None:
        if not 1 <= self.rollouts <= 1024:
            raise BadInput(f"propose: rollouts={self.rollouts} must be 1 to 1024 attempts at a question")
        if self.write.role == self.solve.role:
            raise BadInput(f"propose: both roles are called {self.solve.role}: give write and solve different ones")

    async def explore(self, run: Run, request: Request) -> Sequence[Group]:
        if not request.task.key:
            return await self.solve.explore(run, request)
        [group] = await self.write.explore(run, request)
        group = group.scored([valid(a, float(bool(posed(a, request.task.key) and told(a))), self.name) for a in group.attempts_G])
        group = await self.gate.read_group(run, group) if self.gate else group
        kept = [a for a, value in zip(group.attempts_G, group.values("valid"), strict=True) if value == 1]
        solved = await gather(*(self.solved(run, request, attempt) for attempt in kept))
        return [group, *solved]

    async def solved(self, run: Run, request: Request, proposal: Attempt) -> Group:
        """Attempts at one question."""
        asked = replace(request, task=question_of(request.task, proposal), n=self.rollouts)
        [group] = await self.solve.explore(run, asked)
        return replace(group, key=proposal.id)


def question_of(task: Task, proposal: Attempt) -> Task:
    """A proposal as a task: what it asks, the answer it was to have, and where it came from."""
    prompt = posed(proposal, task.key)
    return Task(
        id=content_hash(prompt, task.key, task.source, proposal.id), prompt=prompt, key=task.key, checker="own", source=task.source,
        split=task.split, origin="model", lineage=(proposal.id,),
    )  # fmt: skip


def valid(attempt: Attempt, value: float, judge: str) -> Score:
    """Whether a proposal is a question that can be put to somebody."""
    return Score(attempt=attempt.id, name="valid", value=value, source="self", judge=judge)
