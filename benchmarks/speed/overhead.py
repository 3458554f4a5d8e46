"""Share of a whole step's seconds outside the model's verbs and the checkers."""

import functools
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

from benchmarks.speed.options import Found, Options, noted, opening
from benchmarks.speed.pairs import in_turn
from benchmarks.speed.setting import NEW_TOKENS, SOURCES, STILL, TEMPERATURE, opened
from benchmarks.speed.setting import TASKS_SEED as SEED
from benchmarks.speed.training import Steps, open_model, recipe

from selftaught.types import SamplerSettings

VERBS = ("learn", "publish", "save", "load", "average")


class Clock:
    """When a run was inside a verb of its model or a checker, however these overlap.

    Attributes:
        spans: (begin, end) of the calls by name; a check that goes through the pool of processes counts from wave to reply.
    """

    def __init__(self, run: Any = None, now: Callable[[], float] = time.perf_counter) -> None:
        """Put a meter around the verbs and the checkers of a run."""
        self.now, self.spans = now, dict[str, list[tuple[float, float]]]()
        if run is None:
            return
        for kind, perform in run.dispatcher.performers.items():
            run.dispatcher.performers[kind] = self.watched(perform, "checkers" if kind == "check" else kind)
        for verb in VERBS:
            if hasattr(run.model, verb):
                setattr(run.model, verb, self.watched(getattr(run.model, verb), verb))
        rule, spans = run.grader._rule, self.spans.setdefault("checkers", [])

        def checked(*args: Any) -> float:
            began = self.now()
            try:
                return float(rule(*args))
            finally:
                spans.append((began, self.now()))

        # a rule that decides from the prompt is asked here and now, not through the dispatcher
        run.grader._rule = checked

    def watched(self, called: Callable[..., Awaitable[Any]], name: str) -> Callable[..., Awaitable[Any]]:
        """The same call, whose spans are noted."""
        spans = self.spans.setdefault(name, [])

        @functools.wraps(called)
        async def timed(*args: Any, **kwargs: Any) -> Any:
            began = self.now()
            try:
                return await called(*args, **kwargs)
            finally:
                spans.append((began, self.now()))

        return timed

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

    def __init__(self, channel: Any) -> None: ...

    def start(self, dtype: str) -> dict[str, Any]:
        """Open a run that draws its own tasks, as runs do."""
        settings = SamplerSettings(temperature=TEMPERATURE, max_tokens=NEW_TOKENS)
        self.steps = Steps(open_model(dtype), recipe(STILL), opened(SOURCES, SEED)[0], settings=settings)
        self.clock = Clock(self.steps.run)
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
