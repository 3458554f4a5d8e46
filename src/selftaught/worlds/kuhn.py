"""Kuhn poker, played in words."""

import itertools
import random
import re
from dataclasses import dataclass, field
from typing import Any, ClassVar

from selftaught.interaction import Outcome, Turn
from selftaught.parts import Part, part
from selftaught.types import content_hash

CARDS = ("J", "Q", "K")
# (moves so far) -> what may be said now; everything else is the end of the game.
LEGAL: dict[tuple[str, ...], tuple[str, ...]] = {
    (): ("check", "bet"),
    ("check",): ("check", "bet"),
    ("bet",): ("call", "fold"),
    ("check", "bet"): ("call", "fold"),
}
FORFEIT = 2.0


@part
@dataclass(frozen=True, kw_only=True)
class Kuhn(Part):
    """Two players, three cards (J < Q < K), one chip each before the deal and one that may be bet.

    Source: H. W. Kuhn, A simplified two-person poker, 1950. Player 0 speaks first. A showdown without a bet is for
    one chip, after a call for two; who folds loses one. The last word of an action counts; any other than those
    allowed loses two chips, the most there is to lose. With best play player 0's expected return is -1/18.

    Attributes:
        table: the game under way: cards[seat] and the moves; everything `snapshot` gives.
    """

    kind: ClassVar[str] = "world"
    seats: ClassVar[int] = 2
    rules: ClassVar[str] = "Kuhn poker: cards J < Q < K, ante 1, bet 1. Answer with one word."
    table: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def reset(self, key: str) -> None:
        """Deal; the cards depend on the key alone."""
        self.restore({"cards": random.Random(content_hash("kuhn", key)).sample(CARDS, 2), "moves": []})

    def actions(self) -> tuple[str, ...]:
        """The words that are allowed now."""
        return LEGAL[tuple(self.table["moves"])]

    def observe(self) -> Turn:
        """The seat to move, and what it sees that it has not seen before."""
        moves = self.table["moves"]
        seat = len(moves) % 2
        card = f"You are player {seat} and hold {self.table['cards'][seat]}. " if len(moves) < 2 else ""
        said = f"The other player says {moves[-1]}. " if moves else ""
        return Turn(seat=seat, view=f"{card}{said}{' or '.join(self.actions())}?", actions=self.actions())

    def read(self, action: str) -> str:
        """The allowed word an action ends with, "" when it does not."""
        said = re.findall(r"[a-z]+", action.lower())
        return said[-1] if said and said[-1] in self.actions() else ""

    def step(self, action: str) -> Outcome:
        """Play; both are paid when the game is over."""
        moves, seat = self.table["moves"], len(self.table["moves"]) % 2
        word = self.read(action)
        moves.append(word)
        if not word:
            return paid(1 - seat, FORFEIT, error=f"{action[:40]!r} is none of the allowed words")
        if word == "fold":
            return paid(1 - seat, 1.0)
        if tuple(moves) in LEGAL:
            return Outcome()
        ranks = [CARDS.index(card) for card in self.table["cards"]]
        return paid(int(ranks[1] > ranks[0]), 2.0 if word == "call" else 1.0)

    def snapshot(self) -> dict[str, Any]:
        """JSON-ready state."""
        return {"cards": list(self.table["cards"]), "moves": list(self.table["moves"])}

    def restore(self, snapshot: dict[str, Any]) -> None:
        """The inverse of `snapshot`."""
        self.table.update(cards=list(snapshot["cards"]), moves=list(snapshot["moves"]))

    def deals(self) -> list[tuple[float, dict[str, Any]]]:
        """Every start and its probability."""
        hands = list(itertools.permutations(CARDS, 2))
        return [(1 / len(hands), {"cards": list(hand), "moves": []}) for hand in hands]


def paid(winner: int, chips: float, error: str = "") -> Outcome:
    """The end of a game."""
    return Outcome(rewards=(chips, -chips) if winner == 0 else (-chips, chips), over=True, error=error)
