"""Share of a whole step's seconds outside the model's verbs and the checkers."""

import functools
import statistics
import time
from typing import Any

from benchmarks.speed.options import Found, Options, noted, opening
from benchmarks.speed.pairs import in_turn
from benchmarks.speed.setting import NEW_TOKENS, SOURCES, STILL, TEMPERATURE, opened
from benchmarks.speed.setting import TASKS_SEED as SEED
from benchmarks.speed.training import Steps, open_model, recipe

from selftaught.types import SamplerSettings

VERBS = ("sample", "score", "learn", "publish", "save", "load", "average")


class Clock:
    """When something was inside the watched calls, however they overlap. Attributes: spans as (begin, end), by name of the call."""

    def __init__(self) -> None:
        self.spans: dict[str, list[tuple[float, float]]] = {}

    def watch(self, owner: Any, name: str, label: str = "") -> None:
        """Note the spans of an owner's async method."""
        called, spans = getattr(owner, name), self.spans.setdefault(label or name, [])

        @functools.wraps(called)
        async def timed(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            try:
                return await called(*args, **kwargs)
            finally:
                spans.append((began, time.perf_counter()))

        setattr(owner, name, timed)

    def inside(self) -> float:
        """Seconds during which at least one call was under way."""
        total, end = 0.0, -1.0
        for low, high in sorted(span for spans in self.spans.values() for span in spans):
            total += max(0.0, high - max(low, end))
            end = max(end, high)
        return total

    def clear(self) -> dict[str, float]:
        """Seconds by name, and begin anew."""
        found = {name: sum(high - low for low, high in spans) for name, spans in self.spans.items()}
        for spans in self.spans.values():
            spans.clear()
        return found


class Side:
    """A run whose verbs and checkers are watched."""

    def __init__(self, channel: Any) -> None:
        self.clock = Clock()

    def start(self, dtype: str) -> dict[str, Any]:
        """Open a run that draws its own tasks, as runs do."""
        model = open_model(dtype)
        for verb in VERBS:
            self.clock.watch(model, verb)
        pool, _ = opened(SOURCES, SEED)
        self.steps = Steps(model, recipe(STILL), pool, settings=SamplerSettings(temperature=TEMPERATURE, max_tokens=NEW_TOKENS))
        grader = self.steps.run.grader
        # A rule is checked where it is asked for; what goes through the pool of processes is asked of the seam, in a wave.
        self.clock.watch(grader, "perform", "checkers")
        rule = grader._rule

        def checked(*args: Any) -> float:
            began = time.perf_counter()
            try:
                return rule(*args)
            finally:
                self.clock.spans["checkers"].append((began, time.perf_counter()))

        grader._rule = checked  # type: ignore[method-assign]
        return {}

    def step(self) -> dict[str, Any]:
        """One step; its seconds, those inside, and by name."""
        reply = self.steps.step()
        inside = self.clock.inside()
        return {"seconds": reply["seconds"], "tokens": reply["tokens"], "inside": inside, "parts": self.clock.clear()}


def run(options: Options) -> Found:
    """Median over steps."""
    dtype = options.settings.get("ours", {}).get("used", "")
    with opening("overhead", options, "start", dtype=dtype)() as worker:
        worker.ask("step")
        rows, noise = in_turn([(worker, lambda side: side.ask("step"))], options.rounds)
    steps = [step for (step,) in rows]
    share = statistics.median(1 - s["inside"] / s["seconds"] for s in steps)
    parts = {name: statistics.median(s["parts"][name] for s in steps) for name in steps[0]["parts"]}
    said = ", ".join(f"{name} {seconds:.3f} s" for name, seconds in parts.items() if seconds >= 0.001)
    return {
        "overhead": share,
        "footnotes": {"overhead": f"of {statistics.median(s['seconds'] for s in steps):.2f} s: {said}{noted(noise)}"},
    }
