"""Explore: search a tree of solution steps, guided by the model's own value of a partial solution."""

import math
from asyncio import gather
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from selftaught.models.base import Pool, Run
from selftaught.parts import BadInput, part
from selftaught.stages import Explore
from selftaught.types import Attempt, Group, Request, Score


@dataclass(slots=True, eq=False)
class Node:
    """A partial solution.

    Attributes:
        attempt: its tokens so far; None at the root.
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


@part
@dataclass(frozen=True, kw_only=True)
class TreeSearch(Explore):
    """Monte Carlo tree search over steps; the group holds every solution that was followed to its end.

    A round picks `parallel` leaves by mean value + c sqrt(ln(visits of the parent) / visits), draws `branch` next
    steps for each, and follows the best of them step by step to the end. Searches of all tasks and leaves of a
    round wait for each other, so that a wave holds one step of each. Each attempt carries a score "search": the
    value model's estimates after its steps, per item, NaN within steps.

    Source: MCTS* of ReST-MCTS*, arXiv:2406.03816. Departs from it: a node's worth is the mean value of its subtree;
    rollouts go to the end (there a few steps) so that every round ends in answers; no self-critic ends a search.

    Attributes:
        tasks: tasks a step of the run.
        rounds: rounds of a search.
        parallel: leaves expanded in a round.
        branch: next steps drawn for a leaf; equal ones count once.
        depth: most steps of a solution.
        step_tokens: most tokens of a step.
        ending: text that ends a step.
        c: weight of what was visited little.
    """

    name = "tree"
    tasks: int = 16
    rounds: int = 4
    parallel: int = 4
    branch: int = 3
    depth: int = 24
    step_tokens: int = 8
    ending: str = " "
    c: float = 0.5

    def __post_init__(self) -> None:
        if min(self.tasks, self.rounds, self.parallel, self.branch, self.depth, self.step_tokens) < 1 or not self.ending or self.c < 0:
            raise BadInput("tree: tasks, rounds, parallel, branch, depth, step_tokens must be at least 1, c at least 0, ending some text")

    def plan(self, run: Run, pool: Pool) -> list[Request]:
        settings = replace(run.settings, max_tokens=self.step_tokens, stop=(self.ending,))
        return [Request(task=task, n=self.branch, settings=settings) for task in pool.draw(run.rng("plan"), self.tasks)]

    async def explore(self, run: Run, request: Request) -> Group:
        root = Node()
        for number in range(self.rounds):
            leaves = self.leaves(root)
            grown = await gather(*(self.grow(run, request, leaf, f"{number}.{i}") for i, leaf in enumerate(leaves)))
            for node in (leaf for leaf in leaves for leaf in leaf.path()):
                node.visits -= 1
            for new in (node for nodes in grown for node in nodes):
                for node in new.path():
                    node.visits, node.total = node.visits + 1, node.total + new.value
        ends = [node for node in below(root) if node.over and node.attempt]
        attempts = [replace(a, text=node.text, messages=request.task.messages) for node in ends if (a := node.attempt)]
        scores = [searched(attempt, node, self.name) for attempt, node in zip(attempts, ends, strict=True)]
        return Group(key=request.task.id, task=request.task, attempts_G=tuple(attempts), scores=tuple(scores))

    def leaves(self, root: Node) -> list[Node]:
        """Up to `parallel` nodes to expand; each counts as a visit that found nothing until it is done."""
        found: list[Node] = []
        while len(found) < self.parallel and not root.closed:
            node = root
            while node.expanded:
                node = max((child for child in node.children if not child.closed), key=lambda child: self.worth(child))
            if node in found:
                break
            found.append(node)
            for above in node.path():
                above.visits += 1
        return found

    def worth(self, node: Node) -> float:
        """Upper confidence bound of a node below the root."""
        above = node.parent.visits if node.parent else 1
        return node.total / max(node.visits, 1) + self.c * math.sqrt(math.log(max(above, 1)) / max(node.visits, 1))

    async def grow(self, run: Run, request: Request, leaf: Node, tag: str) -> list[Node]:
        """Expand a leaf and follow its best child to the end; returns the new nodes, valued."""
        leaf.expanded = True
        new = await self.steps(run, request, leaf, request.n, tag)
        await gather(*(self.assess(run, [node], f"{tag}.{i}") for i, node in enumerate(new)))
        rollout = [max(new, key=lambda node: node.value)] if new else []
        while rollout and not rollout[-1].over:
            further = await self.steps(run, request, rollout[-1], 1, f"{tag}.{rollout[-1].depth}")
            if not further:
                break
            rollout += further
        if len(rollout) > 1:
            await self.assess(run, rollout[1:], f"{tag}.rollout")
        return [*new, *rollout[1:]]

    async def steps(self, run: Run, request: Request, node: Node, n: int, tag: str) -> list[Node]:
        """Up to n different next steps, as children; none when the budget is spent."""
        messages = () if node.attempt else request.task.messages
        made = await run.sample(f"tree-{tag}", request.task, messages, n=n, settings=request.settings, after=node.attempt)
        known = {child.attempt.payload.ids.tobytes() for child in node.children if child.attempt}
        new = []
        for attempt in made:
            if (key := attempt.payload.ids.tobytes()) in known:
                continue
            known.add(key)
            ended = attempt.stop == "error" or (attempt.stop == "end" and self.ending not in attempt.text)
            cut = not ended and node.depth + 1 == self.depth
            attempt = replace(attempt, stop="length") if cut else attempt
            new.append(Node(attempt=attempt, text=node.text + attempt.text, parent=node, depth=node.depth + 1, over=ended or cut))
        node.children += new
        return new

    async def assess(self, run: Run, nodes: list[Node], tag: str) -> None:
        """Give nodes on one path the value model's estimate after their last token."""
        attempt = nodes[-1].attempt
        if attempt is None:
            return
        reply = await run.score(f"tree-{attempt.task}-{tag}", attempt.payload, outputs=("value",))
        for node in nodes:
            if reply and node.attempt:
                node.value = float(reply["value"][len(node.attempt.payload) - 1])


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
        values_T[len(node.attempt.payload) - 1] = node.value  # type: ignore[union-attr]
    mean = float(np.mean([node.value for node in steps]))
    return Score(attempt=attempt.id, value=mean, source="self", judge=judge, name="search", per_item=values_T)
