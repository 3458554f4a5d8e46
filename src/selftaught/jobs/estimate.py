"""--dry-run: what a job would cost, and what to change where that is too much."""

import resource
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from selftaught.coroutines import finished
from selftaught.jobs.cost import Rates, cost, rates_of
from selftaught.jobs.job import Job
from selftaught.jobs.session import Session, open_session
from selftaught.parts import record

# Minutes from which remedies are named.
LONG = 60.0
OPEN = "temperature and length are left open: the run chooses them first, so this is a rough guess (give --temperature, --max-tokens)"


def estimate(job: Job) -> dict[str, Any]:
    """Tokens, minutes and memory a job is expected to take, with the resolved recipe; nothing is kept."""
    with TemporaryDirectory() as folder:
        session = open_session(job, Path(folder) / "run")
        try:
            return planned(session, finished(lambda: rates_of(session)))
        finally:
            session.close()


def planned(session: Session, rates: Rates) -> dict[str, Any]:
    """Tokens, minutes, memory, and what to change when it would take over an hour."""
    run, found = session.run, cost(session, rates)
    total, held = sum(found["minutes"].values()), len(session.splits["held-out"])
    steps = sum(1 for _ in session.recipe.schedule())
    left_open = [OPEN] if session.settles else []
    return {
        "said": [*session.warnings, *left_open], "recipe": record(session.recipe),
        "tokens": {name: round(count) for name, count in found["tokens"].items()},
        "minutes": round(total, 1), "minutes_of": {name: round(value, 1) for name, value in found["minutes"].items()},
        "tokens_per_second": round(rates.sampled), "read_per_second": round(rates.forward),
        "memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 + room_of(session) / 2**20),
        "parameters": run.model.parameters,
        "models": {name: run.model.member(name).parameters for name in session.recipe.models},
        "prompt_tokens": round(rates.prompt, 1), "attempt_tokens": round(rates.attempt, 1),
        "steps": steps, "remedy": remedy(found["minutes"], steps, held, run.settings.max_tokens, rates) if total > LONG else None,
    }  # fmt: skip


def room_of(session: Session) -> int:
    """Bytes that learning takes: weights, gradient and two moments of what is trained. A frozen model is in memory already."""
    model, recipe = session.run.model, session.recipe
    members = {model.member(name) for name in ("policy", *recipe.learns)}
    return 16 * sum(member.parameters for member in members)


def remedy(minutes: Mapping[str, float], steps: int, held: int, most: int, rates: Rates) -> dict[str, Any]:
    """Which settings to change to what, so that it takes under an hour, or as little as they can: a quarter of it to evaluate."""
    tokens = most
    while tokens > 32 and scaled(minutes["evaluation"], min(60, held), held, tokens, rates) > LONG / 4:
        tokens = max(32, tokens // 2)
    for_held = scaled(minutes["evaluation"], 1, held, tokens, rates)
    count = min(held, max(min(60, held), int(LONG / 4 / for_held) if for_held else held))
    a_step = minutes["run"] / steps * shorter(tokens, rates)
    few = min(steps, max(1, int(LONG * 2 / 3 / a_step)))
    asked = {"--max-tokens": tokens, "--held-out-count": count, "--steps": few}
    return {"settings": asked, "minutes": round(few * a_step + count * for_held, 1)}


def shorter(tokens: int, rates: Rates) -> float:
    """What is left of the time when attempts are cut at so many tokens."""
    return (min(tokens, rates.attempt) + rates.prompt) / max(rates.attempt + rates.prompt, 1e-9)


def scaled(minutes: float, count: int, held: int, tokens: int, rates: Rates) -> float:
    """Minutes of an evaluation with fewer tasks and shorter attempts."""
    return minutes * count / max(1, held) * shorter(tokens, rates)


def lines(planned: Mapping[str, Any]) -> list[str]:
    """A dry run, for people."""
    tokens, of = planned["tokens"], planned["minutes_of"]
    said = [
        *planned["said"],
        f"time: about {planned['minutes']:,} minutes ({of['run']:,} to run, {of['evaluation']:,} to evaluate), "
        f"{planned['steps']} steps; memory: about {planned['memory_mb']:,} MB",
        f"tokens: about {tokens['expected']:,} (at most {tokens['worst']:,}), and {tokens['evaluated']:,} to evaluate; "
        f"{planned['tokens_per_second']:,} a second drawn, {planned['read_per_second']:,} read; "
        f"a prompt has {planned['prompt_tokens']:,}, an attempt {planned['attempt_tokens']:,}",
    ]
    if planned["remedy"]:
        settings = " ".join(f"{name} {value}" for name, value in planned["remedy"]["settings"].items())
        still = "; to get under one take a smaller model or a faster machine" if planned["remedy"]["minutes"] > LONG else ""
        said.append(f"that is over an hour: {settings} would take about {planned['remedy']['minutes']:,} minutes{still}")
    return said
