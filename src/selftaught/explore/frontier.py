"""Explore: spend attempts where the model is neither sure nor lost, and look at each task in two wordings."""

import re
from dataclasses import dataclass

from selftaught.explore.sample import Sample
from selftaught.parts import BadInput, part
from selftaught.protocols import Pool, Run
from selftaught.stages import State
from selftaught.types import Group, Message, Request

REWORD = "Say this in other words: "


@part
@dataclass(frozen=True, kw_only=True)
class Ranking(State):
    """Running mean of the label-free reward of each task source: {source: value in [0, 1]}."""

    def initial(self) -> dict[str, float]:
        """No source has been tried."""
        return {}


@part
@dataclass(frozen=True, kw_only=True)
class Reword(Sample):
    """Half of a task's attempts answer it as given, half answer the model's own rewording of it (view 1).

    A rewording that changes the multiset of numbers in the prompt is not used; the second half then answers the
    prompt as given, still as a view of its own.

    Source: the two views of Co-Reward, arXiv:2508.00410; there a larger model rewords.
    """

    async def explore(self, run: Run, request: Request) -> Group:
        task, half = request.task, (request.n + 1) // 2
        first = await run.sample("view-0", task, task.messages, n=half, settings=request.settings)
        asked = (Message("user", REWORD + task.text),)
        written = await run.sample("reword", task, asked, settings=request.settings, role="reworder")
        messages = task.messages
        if written and numbers(written[0].text) == numbers(task.text) and written[0].stop == "end":
            messages = (*task.messages[:-1], Message("user", written[0].text))
        second = await run.sample("view-1", task, messages, n=request.n - half, settings=request.settings, view=1)
        return Group(key=task.id, task=task, attempts_G=(*first, *second))


@part
@dataclass(frozen=True, kw_only=True)
class Frontier(Reword):
    """Draw tasks from sources in proportion to p(1-p), p being the running reward of the source.

    Source: learnability as in curricula by success rate (e.g. arXiv:2502.01612, easy to hard); p comes from
    votes and rules, not from answers.

    Attributes:
        state: name of the `Ranking` that holds p.
        floor: share of the draws spread evenly, so that no source is forgotten.
        reword: False samples all attempts from the prompt as given.
    """

    state: str = "ranking"
    floor: float = 0.2
    reword: bool = True

    def __post_init__(self) -> None:
        Sample.__post_init__(self)
        if not 0 <= self.floor <= 1:
            raise BadInput(f"frontier: floor={self.floor} must lie in [0, 1]")

    def plan(self, run: Run, pool: Pool) -> list[Request]:
        rng, ranking = run.rng("plan"), run.state[self.state]
        values = [ranking.get(source, 0.5) for source in pool.sources]
        total = sum(p * (1 - p) for p in values) or 1.0
        weights = [self.floor / len(values) + (1 - self.floor) * p * (1 - p) / total for p in values]
        wanted = dict.fromkeys(pool.sources, 0)
        for source in rng.choices(pool.sources, weights, k=self.tasks):
            wanted[source] += 1
        drawn = {task.id: task for source, count in wanted.items() if count for task in pool.draw(rng, count, source)}
        return [self.request(run, task) for task in drawn.values()]

    async def explore(self, run: Run, request: Request) -> Group:
        return await (Reword.explore(self, run, request) if self.reword else Sample.explore(self, run, request))


def numbers(text: str) -> list[str]:
    """Every number of a text, sorted."""
    return sorted(re.findall(r"\d+", text))
