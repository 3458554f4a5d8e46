"""Explore: one model plays every seat of a game."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from selftaught.parts import BadInput, part
from selftaught.protocols import Pool, Run
from selftaught.stages import Explore
from selftaught.types import Attempt, Group, Message, Request, Score, Task


@part
@dataclass(frozen=True, kw_only=True)
class SelfPlay(Explore):
    """Each game is a group of one attempt a seat: what that seat saw and said, in one sequence that only grows.

    Source: SPIRAL, arXiv:2506.24119. The role of an attempt is its seat ("player0", "player1"); its reward is the
    seat's return. A game that the budget cuts short pays nobody. All games of a step are under way at once.

    Attributes:
        games: games a step.
        max_tokens: most tokens of one move; 0 takes the run's.
        opponent: weights that play the seats the policy does not ("policy" is self-play). With others the policy
            takes the seats in turn, game by game, and only its attempts are kept.
    """

    takes = "games"
    signal = ("rule",)
    continues = True
    games: int = 64
    max_tokens: int = 0
    opponent: str = "policy"

    def __post_init__(self) -> None:
        if self.games < 1 or self.max_tokens < 0:
            raise BadInput(f"self-play: games={self.games} must be at least 1 and max_tokens={self.max_tokens} at least 0")

    def plan(self, run: Run, pool: Pool) -> list[Request]:
        settings = replace(run.settings, max_tokens=self.max_tokens) if self.max_tokens else run.settings
        tasks = [task for task in pool.draw(run.rng("plan"), self.games) if task.start and "environment" in task.start]
        if not tasks:
            raise BadInput("self-play needs games: give --tasks game:kuhn")
        return [Request(task=task, n=1, settings=settings) for task in tasks]

    async def explore(self, run: Run, request: Request) -> Group:
        task = request.task
        game = run.environment(task.start["environment"], task.start["options"])
        game.restore(task.start["snapshot"])
        mine = run.rng("seat", task.id).randrange(game.seats)
        held: dict[int, Attempt] = {}
        returns: Sequence[float] | None = None
        turn = 0
        while returns is None:
            seat, seen = game.observe()
            weights = "policy" if seat == mine else self.opponent
            before = held.get(seat)
            messages = said(task, seen, first=before is None)
            made = await run.sample(
                f"turn-{turn}", task, messages, settings=request.settings, role=f"player{seat}", weights=weights, after=before
            )
            if not made:
                return Group(key=task.id, task=task, attempts_G=())
            held[seat] = made[0]
            returns, turn = game.step(made[0].text), turn + 1
        seats = [seat for seat in sorted(held) if seat == mine or self.opponent == "policy"]
        scores = tuple(Score(attempt=held[seat].id, value=returns[seat], source="rule", judge=self.name) for seat in seats)
        return Group(key=task.id, task=task, attempts_G=tuple(held[seat] for seat in seats), scores=scores)


def said(task: Task, seen: str, first: bool) -> tuple[Message, ...]:
    """The turn that shows a seat what it sees, after the rules when it is the seat's first."""
    return (Message("user", f"{task.text}\n{seen}" if first else seen),)
