"""Explore: search a tree of solution steps, guided by the model's own value of a partial solution."""

import math
from asyncio import gather
from collections.abc import Sequence
from dataclasses import dataclass, replace

from selftaught.explore.nodes import Node, below, first, searched, step_sizes
from selftaught.parts import BadInput, part
from selftaught.protocols import Run
from selftaught.stages import Explore
from selftaught.types import Attempt, Group, Request, SamplerSettings


@part
@dataclass(frozen=True, kw_only=True)
class TreeSearch(Explore):
    """Monte Carlo tree search over steps; the group holds every solution that was followed to its end.

    A round picks `parallel` leaves by mean value + c sqrt(ln(visits of the parent) / visits), draws `branch` next
    steps for each, and follows the best of them to the end in one request, whose steps become nodes too. Searches of
    all tasks and leaves of a round wait for each other: a round is two waves of samples, whatever the depth. Each
    attempt carries a score "search": the value model's estimates after its steps, per item, NaN within steps.

    Source: MCTS* of ReST-MCTS*, arXiv:2406.03816. Departs from it: a node's worth is the mean value of its subtree;
    rollouts go to the end (there a few steps) so that every round ends in answers; no self-critic ends a search.

    Attributes:
        rounds: rounds of a search.
        parallel: leaves expanded in a round.
        branch: next steps drawn for a leaf; equal ones count once.
        depth: most steps of a solution, which has at most the run's `max_tokens` tokens.
        step_tokens: most tokens of a step.
        ending: text that ends a step.
        c: weight of what was visited little.
    """

    name = "tree"
    asks = ("value",)
    continues = True
    rounds: int = 4
    parallel: int = 4
    branch: int = 3
    depth: int = 24
    step_tokens: int = 8
    ending: str = " "
    c: float = 0.5

    def __post_init__(self) -> None:
        if min(self.rounds, self.parallel, self.branch, self.depth, self.step_tokens) < 1 or not self.ending or self.c < 0:
            raise BadInput("tree: rounds, parallel, branch, depth, step_tokens must be at least 1, c at least 0, ending some text")

    async def explore(self, run: Run, request: Request) -> Sequence[Group]:
        request = replace(request, n=self.branch, settings=replace(request.settings, max_tokens=self.step_tokens, stop=(self.ending,)))
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
        return [Group(key=request.task.id, task=request.task, attempts_G=tuple(attempts), scores=tuple(scores))]

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
        new = await self.steps(run, request, leaf, tag)
        await gather(*(self.assess(run, [node], f"{tag}.{i}") for i, node in enumerate(new)))
        best = max(new, key=lambda node: node.value) if new else None
        rollout = await self.rollout(run, request, best, f"{tag}.rollout") if best and not best.over else []
        if rollout:
            await self.assess(run, rollout, f"{tag}.rollout")
        return [*new, *rollout]

    async def steps(self, run: Run, request: Request, node: Node, tag: str) -> list[Node]:
        """Different next steps, as children; none when the budget is spent."""
        known = {child.ids for child in node.children}
        new, left = [], run.settings.max_tokens - node.said
        settings = replace(request.settings, max_tokens=min(self.step_tokens, left))
        for attempt in await self.sample(run, request, node, tag, request.n, settings):
            ended = attempt.stop == "error" or (attempt.stop == "end" and self.ending not in attempt.text)
            cut = not ended and (node.depth + 1 == self.depth or attempt.sampled_count >= run.settings.max_tokens)
            attempt = replace(attempt, stop="length") if cut else attempt
            child = node.child(attempt, len(attempt.payload), node.text + attempt.text, ended or cut)
            if child.ids not in known:
                known.add(child.ids)
                new.append(child)
        node.children += new
        return new

    async def rollout(self, run: Run, request: Request, node: Node, tag: str) -> list[Node]:
        """The steps from a node to an end, each the child of the one before; none when the budget is spent."""
        left, found = self.depth - node.depth, []
        most = min(left * self.step_tokens, run.settings.max_tokens - node.said)
        settings = replace(request.settings, max_tokens=most, stop=())
        for attempt in await self.sample(run, request, node, tag, 1, settings):
            pieces = run.pieces(attempt.payload.ids[node.size :].tolist())
            sizes = step_sizes(pieces, self.ending, self.step_tokens)[:left]
            if sum(sizes) < len(pieces):
                text = "".join(pieces[: sum(sizes)])
                attempt = replace(attempt, payload=first(attempt.payload, node.size + sum(sizes)), text=text, stop="length")
            start = node
            for i, size in enumerate(sizes, 1):
                end, last = node.size + size, i == len(sizes)
                # tokens one by one may not say what they say together
                text = attempt.text if last else "".join(pieces[: end - start.size])
                child = node.child(attempt, end, start.text + text, last)
                node.children.append(child)
                found.append(child)
                node = child
        return found

    async def sample(self, run: Run, request: Request, node: Node, tag: str, n: int, settings: SamplerSettings) -> list[Attempt]:
        """What is said after a node."""
        messages, cut = ((), node.size) if node.attempt else (request.task.messages, None)
        return await run.sample(f"tree-{tag}", request.task, messages, n=n, settings=settings, after=node.attempt, cut=cut)

    async def assess(self, run: Run, nodes: list[Node], tag: str) -> None:
        """Give nodes on one path the value model's estimate after their last token."""
        attempt = nodes[-1].attempt
        if attempt is None:
            return
        tag, start = f"tree-{attempt.task}-{tag}", nodes[0].size - 1
        reply = await run.score(tag, attempt.payload, outputs=("value",), attempt=attempt.id, start=start)
        for node in nodes:
            if reply:
                node.value = float(reply["value"][node.size - 1])
