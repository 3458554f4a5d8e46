"""Nodes of a search over steps of a solution, and the steps of what was said."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from selftaught.types import Attempt, Score, Tokens


@dataclass(slots=True, eq=False)
class Node:
    """A partial solution.

    Attributes:
        attempt, size: a rollout, and how many of its tokens lead here; None and 0 at the root.
        text: all its steps.
        parent: what it continues.
        depth: number of steps.
        over: nothing can follow.
        expanded: its children were drawn on purpose, not only on the way of a rollout.
        value: what the value model says of it.
        visits: nodes below it and itself that were valued, plus those under way.
        total: sum of their values.
        shut: it was found closed.
    """

    attempt: Attempt | None = None
    size: int = 0
    text: str = ""
    parent: "Node | None" = None
    depth: int = 0
    over: bool = False
    expanded: bool = False
    value: float = 0.0
    visits: int = 0
    total: float = 0.0
    shut: bool = False
    children: list["Node"] = field(default_factory=list)

    @property
    def ids(self) -> bytes:
        """The tokens that lead here, the prompt's among them."""
        return self.attempt.payload.ids[: self.size].tobytes() if self.attempt else b""

    @property
    def said(self) -> int:
        """How many tokens the model said on the way here."""
        return int(np.count_nonzero(self.attempt.payload.sampled[: self.size])) if self.attempt else 0

    def child(self, attempt: Attempt, size: int, text: str, over: bool) -> "Node":
        """A next step, after which all steps say `text`."""
        return Node(attempt=attempt, size=size, text=text, parent=self, depth=self.depth + 1, over=over)

    def path(self) -> Iterator["Node"]:
        """This node and those above it."""
        node: Node | None = self
        while node is not None:
            yield node
            node = node.parent

    @property
    def closed(self) -> bool:
        """Whether nothing below it can be expanded any more; what is closed stays so, and is not looked through again."""
        self.shut = self.shut or self.over or (self.expanded and all(child.closed for child in self.children))
        return self.shut


def below(node: Node) -> Iterator[Node]:
    """A node and its subtree, in the order it grew."""
    yield node
    for child in node.children:
        yield from below(child)


def searched(attempt: Attempt, end: Node, judge: str) -> Score:
    """The values on the way to an end, each at the last item of its step."""
    values_T = np.full(len(attempt.payload), np.nan, np.float32)
    steps = [node for node in end.path() if node.attempt]
    for node in steps:
        values_T[node.size - 1] = node.value
    mean = float(np.mean([node.value for node in steps]))
    return Score(attempt=attempt.id, value=mean, source="self", judge=judge, name="search", per_item=values_T)


def step_sizes(pieces: Sequence[str], ending: str, most: int) -> list[int]:
    """How many tokens each step has: it ends with a token whose text contains `ending`, or when it has `most`."""
    sizes, held = [], 0
    for piece in pieces:
        held += 1
        if ending in piece or held == most:
            sizes.append(held)
            held = 0
    return [*sizes, held] if held else sizes


def first(payload: Tokens, size: int) -> Tokens:
    """The first `size` tokens of a payload."""
    return Tokens(ids=payload.ids[:size], sampled=payload.sampled[:size], logprobs=payload.logprobs[:size])
