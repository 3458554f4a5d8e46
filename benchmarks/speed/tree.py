"""Tree search with 64 searches in flight: its sampled tokens a second over those of flat sampling of as many rows."""

import statistics
import time
from collections.abc import Sequence
from typing import Any

from benchmarks.speed.options import Found, Options, noted, opening
from benchmarks.speed.pairs import in_turn, rate, ratios
from benchmarks.speed.results import ratio
from benchmarks.speed.setting import SOURCES, TASKS_SEED, opened
from benchmarks.speed.training import Steps, open_model

from selftaught.explore import Even, Sample
from selftaught.recipe import Phase, Recipe
from selftaught.recipes.searches.rest_mcts_star import recipe as rest_mcts_star
from selftaught.types import Attempt, SampleRequest

SEARCHES = 64
# The search of the recipe rest-mcts-star, with more tasks in flight.
SEARCH = rest_mcts_star.phases[0].explore


def only(explore: Any, n: int = 1) -> Recipe:
    """A method that looks and learns nothing."""
    return Recipe(
        name="search", phases=(Phase(plan=Even(tasks=SEARCHES, n=n), explore=explore, steps=1000, every=1000),), modules={"value": 1}
    )


class Side:
    """Both in one process, from one model. Attributes: rows, new tokens and seconds of each wave since the last reply."""

    def __init__(self, channel: Any) -> None:
        self.waves: list[tuple[int, int, float]] = []

    def start(self, dtype: str) -> dict[str, Any]:
        """Open the model and the search."""
        self.model = open_model(dtype, modules={"value": 1})
        sample = self.model.sample

        async def counted(requests: Sequence[SampleRequest]) -> list[list[Attempt]]:
            began = time.perf_counter()
            made = await sample(requests)
            seconds = time.perf_counter() - began
            pairs = [(r, a) for r, attempts in zip(requests, made, strict=True) for a in attempts]
            new = sum(len(a.payload) - self.model.count(r.messages, r.after, r.cut) for r, a in pairs)
            self.waves.append((len(pairs), new, seconds))
            return made

        self.model.sample = counted  # type: ignore[method-assign]
        self.runs = {"tree": self.opened(SEARCH)}
        return {}

    def opened(self, explore: Any, n: int = 1) -> Steps:
        """A run of it, without monitors."""
        return Steps(self.model, only(explore, n), opened(SOURCES, TASKS_SEED)[0], monitored=False)

    def tree(self) -> dict[str, Any]:
        """A step of 64 searches."""
        return self.unit("tree")

    def flat(self, n: int) -> dict[str, Any]:
        """A step of 64 prompts, n attempts each."""
        self.runs.setdefault(f"flat {n}", self.opened(Sample(), n))
        return self.unit(f"flat {n}")

    def unit(self, name: str) -> dict[str, Any]:
        """Its seconds, sampled tokens, seconds within `sample`, and rows a wave."""
        self.waves.clear()
        seconds = self.runs[name].step()["seconds"]
        rows, tokens, inside = zip(*self.waves, strict=True)
        return {"seconds": seconds, "tokens": sum(tokens), "inside": sum(inside), "rows": statistics.mean(rows), "requests": sum(rows)}


def run(options: Options) -> Found:
    """Whole searches, the value model's work and all, over whole flat steps; within `sample` alone as a footnote."""
    with opening("tree", options, "start", dtype=options.settings.get("ours", {}).get("used", ""))() as worker:
        n = max(1, round(worker.ask("tree")["rows"] / SEARCHES))
        worker.ask("flat", n=n)
        units = [(worker, lambda side: side.ask("tree")), (worker, lambda side: side.ask("flat", n=n))]
        pairs, noise = in_turn(units, options.rounds)

    tree, flat = pairs[0]
    inside = statistics.median(ratios(pairs, lambda reply: reply["tokens"] / reply["inside"]))
    said = f"{SEARCHES} searches, {tree['requests']} rows in waves of {tree['rows']:.0f} ({flat['rows']:.0f} flat): "
    said += f"{rate(tree):.0f} sampled tokens/s, flat {rate(flat):.0f}; within sample alone {inside:.2f}{noted(noise)}"
    return {"ratios": {"tree_over_flat": ratio("tree_over_flat", ratios(pairs)) | {"within_sample": inside}},
            "footnotes": {"tree": said}}  # fmt: skip
