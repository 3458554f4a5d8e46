"""Explore: one model plays every seat of a world."""

from asyncio import gather
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from selftaught.parts import BadInput, part
from selftaught.protocols import Run
from selftaught.stages import Explore
from selftaught.types import Attempt, Group, Message, Request, Score, Task


@part
@dataclass(frozen=True, kw_only=True)
class SelfPlay(Explore):
    """Episodes in a world, each from the task's start: a group is one of them, with one attempt a seat.

    What a seat saw and said is one sequence that only grows. Source: SPIRAL, arXiv:2506.24119. The role of an attempt is
    its seat ("player0", "player1"); its reward is the sum of what the seat was paid, and `per_item` says after which of
    its items. An episode that the budget cuts short pays nobody. All episodes of a step are under way at once.

    Attributes:
        opponent: weights that play the seats the policy does not ("policy" is self-play). With others the policy
            takes the seats in turn, game by game, and only its attempts are kept.
        turns: most moves of an episode; one that is not over by then pays what it has paid.
    """

    takes = "games"
    signal = ("rule",)
    continues = True
    opponent: str = "policy"
    turns: int = 64

    def __post_init__(self) -> None:
        if self.turns < 1:
            raise BadInput(f"self-play: turns={self.turns} must be at least 1")

    async def explore(self, run: Run, request: Request) -> Sequence[Group]:
        if not request.task.start or "world" not in request.task.start:
            raise BadInput("self-play needs games: give --tasks game:kuhn")
        return await gather(*(self.episode(run, request, i) for i in range(request.n)))

    async def episode(self, run: Run, request: Request, number: int) -> Group:
        """One episode; a group without attempts when the budget is spent before it is over."""
        task, mark = request.task, f"{number}." if number else ""
        world = run.world(task.start["world"], task.start["options"])
        world.restore(task.start["snapshot"])
        mine = run.rng("seat", task.id, *([number] if number else [])).randrange(world.seats)
        held: dict[int, Attempt] = {}
        paid: dict[int, list[tuple[int, float]]] = {seat: [] for seat in range(world.seats)}
        for number in range(self.turns):
            turn = world.observe()
            before = held.get(turn.seat)
            made = await run.sample(
                f"{mark}turn-{number}", task, shown(task, turn.view, first=before is None), settings=request.settings,
                role=f"player{turn.seat}", weights="policy" if turn.seat == mine else self.opponent, after=before,
            )  # fmt: skip
            if not made:
                return Group(key=f"{mark}{task.id}", task=task, attempts_G=())
            held[turn.seat] = made[0]
            outcome = world.step(made[0].text)
            for seat, reward in enumerate(outcome.rewards):
                # Paid at the end of what the seat has said so far; a seat that said nothing yet is paid for nothing.
                paid[seat].append((len(held[seat].payload) if seat in held else 0, reward))
            if outcome.over:
                break
        seats = [seat for seat in sorted(held) if seat == mine or self.opponent == "policy"]
        scores = tuple(returned(held[seat], paid[seat], self.name) for seat in seats)
        return Group(key=f"{mark}{task.id}", task=task, attempts_G=tuple(held[seat] for seat in seats), scores=scores)


def returned(attempt: Attempt, paid: Sequence[tuple[int, float]], judge: str) -> Score:
    """What a seat was paid in all, and after which of its items."""
    rewards_T = np.zeros(len(attempt.payload), np.float32)
    for size, reward in paid:
        rewards_T[max(0, size - 1)] += reward
    value = float(sum(reward for _, reward in paid))
    return Score(attempt=attempt.id, value=value, source="rule", judge=judge, per_item=rewards_T)


def shown(task: Task, view: str, first: bool) -> tuple[Message, ...]:
    """The turn that shows a seat what it sees, after the rules when it is the seat's first."""
    return (Message("user", f"{task.text}\n{view}" if first else view),)
