"""--dry-run: what a job would cost, from a few tokens of the model at hand, then arithmetic."""

import asyncio
import copy
import random
import resource
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from selftaught.parts import record
from selftaught.run.budget import Budget
from selftaught.session import Job, Session, open_session
from selftaught.types import Attempt, SampleRequest, ScoreRequest

TASKS, ATTEMPTS, FIRST = 8, 8, 8
# Seconds the second look at lengths may take; what learning costs, in forward passes; minutes from which remedies are named.
PATIENCE, LEARNED, LONG = 5.0, 3.0, 60.0
# Attempts the gate draws of each held-out and development task on each side, at most.
HELD_OUT, DEVELOPMENT = 20, 7
# What the run's own look at its health costs a step: prompts with replies that are scored.
WATCHED = 112


@dataclass(frozen=True, kw_only=True, slots=True)
class Rates:
    """How fast a model is here, and how long its attempts are.

    Attributes:
        prompt, attempt: mean tokens of a prompt and of an attempt.
        cut: share of attempts that had not ended when they were no longer waited for.
        forward, sampled: tokens a second, read and drawn.
    """

    prompt: float
    attempt: float
    cut: float
    forward: float
    sampled: float


def estimate(job: Job) -> dict[str, Any]:
    """Tokens, minutes and memory a job is expected to take, with the resolved recipe; nothing is kept."""
    with TemporaryDirectory() as folder:
        session = open_session(job, Path(folder) / "run")
        try:
            return planned(session, asyncio.run(rates_of(session)))
        finally:
            session.close()


async def rates_of(session: Session) -> Rates:
    """Let the model write `FIRST` tokens of `TASKS` x `ATTEMPTS` attempts, read them, and write two each as far as it gets.

    Asked beside the run: nothing is journaled, counted or kept. An attempt that has not ended is taken to end at the
    rate at which tokens seen so far were the last.
    """
    run, model = session.run, session.run.model
    tasks = copy.copy(run.pool).draw(random.Random(0), TASKS)

    async def draw(n: int, tokens: int) -> tuple[list[Attempt], float]:
        settings = replace(run.settings, max_tokens=max(1, min(tokens, run.settings.max_tokens)))
        asked = [
            SampleRequest(key=f"estimate/{n}/{tokens}/{task.id}", task=task, messages=task.messages, n=n, settings=settings)
            for task in tasks
        ]
        begun = time.perf_counter()
        made = await model.sample(asked)
        return [attempt for attempts in made for attempt in attempts], max(time.perf_counter() - begun, 1e-6)

    prompt = sum(model.count(task.messages) for task in tasks) / max(1, len(tasks))
    # The first request pays for what is set up once.
    await draw(1, 1)
    first, seconds = await draw(ATTEMPTS, FIRST)
    if not all(hasattr(attempt.payload, "sampled") for attempt in first):
        speed = len(tasks) * (prompt + ATTEMPTS) / seconds
        return Rates(prompt=prompt, attempt=0.0, cut=0.0, forward=speed, sampled=speed)
    written = sum(attempt.sampled_count for attempt in first)
    forward = await forward_speed(session, first, fallback=(len(tasks) * prompt + written) / seconds)
    drawing = max(seconds - len(tasks) * prompt / forward, seconds / 10)
    patience = int(PATIENCE * FIRST / drawing)
    looked, _ = await draw(2, max(FIRST, patience))
    seen = [attempt.sampled_count for attempt in looked]
    ended = [attempt.stop != "length" for attempt in looked]
    return Rates(
        prompt=prompt, attempt=expected_length(seen, ended, run.settings.max_tokens), cut=1 - sum(ended) / max(1, len(ended)),
        forward=forward, sampled=max(written, 1) / drawing,
    )  # fmt: skip


async def forward_speed(session: Session, attempts: list[Attempt], fallback: float) -> float:
    """Tokens a second that are read; `fallback` for a model that scores none."""
    if "logprobs" not in session.run.model.capabilities:
        return fallback
    begun = time.perf_counter()
    await session.run.model.score([ScoreRequest(key=f"estimate/{a.id}", payload=a.payload) for a in attempts])
    return sum(len(a.payload) for a in attempts) / max(time.perf_counter() - begun, 1e-6)


def expected_length(seen: list[int], ended: list[bool], most: int) -> float:
    """Mean tokens of an attempt: of one that has not ended, as if every further token were the last with the rate seen so far."""
    rate = sum(ended) / max(1, sum(seen))
    rest = [0.0 if done else ((1 - (1 - rate) ** (most - n)) / rate if rate else most - n) for n, done in zip(seen, ended, strict=True)]
    return sum(n + more for n, more in zip(seen, rest, strict=True)) / max(1, len(seen))


def planned(session: Session, rates: Rates) -> dict[str, Any]:
    """Tokens, minutes, memory, and what to change when it would take over an hour."""
    run, recipe, job = session.run, session.recipe, session.job
    spent = spend(session, rates)
    held, development = len(session.splits["held-out"]), len(session.splits["development"])
    drawn = 2 * (held * HELD_OUT + development * DEVELOPMENT) if job.gate else 0
    evaluated = drawn * rates.attempt
    minutes = {"run": spent["seconds"] / 60, "evaluation": (evaluated / rates.sampled + drawn / 8 * rates.prompt / rates.forward) / 60}
    total = sum(minutes.values())
    steps = sum(1 for _ in recipe.schedule())
    return {
        "recipe": record(recipe),
        "tokens": {"expected": round(spent["expected"]), "worst": round(spent["worst"]), "evaluated": round(evaluated)},
        "minutes": round(total, 1), "minutes_of": {name: round(value, 1) for name, value in minutes.items()},
        "tokens_per_second": round(rates.sampled), "read_per_second": round(rates.forward),
        "memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 + run.model.parameters * 16 / 2**20),
        "parameters": run.model.parameters, "prompt_tokens": round(rates.prompt, 1), "attempt_tokens": round(rates.attempt, 1),
        "steps": steps, "remedy": remedy(minutes, steps, held, run.settings.max_tokens, rates) if total > LONG else None,
    }  # fmt: skip


def spend(session: Session, rates: Rates) -> dict[str, float]:
    """{expected, worst} tokens of all steps, and the seconds they take; a budget ends both."""
    run, recipe = session.run, session.recipe
    found = {"expected": 0.0, "worst": 0.0, "seconds": 0.0}
    for phase, _, _ in recipe.schedule():
        groups, n = getattr(phase.explore, "tasks", getattr(phase.explore, "games", 1)), getattr(phase.explore, "n", 1)
        attempts, most, learns = groups * n, run.settings.max_tokens, bool(phase.objectives)
        found["expected"] += attempts * (rates.attempt + rates.prompt / n + learns * (rates.prompt + rates.attempt) / 2)
        found["worst"] += attempts * (most + rates.prompt / n + learns * (rates.prompt + most))
        read = groups * rates.prompt + learns * (LEARNED * attempts / 2 + WATCHED * bool(run.watcher.monitors)) * (
            rates.prompt + rates.attempt
        )
        found["seconds"] += attempts * rates.attempt / rates.sampled + read / rates.forward
    budget = Budget.parse(session.job.budget)
    if budget.tokens and found["expected"] > budget.tokens:
        found["seconds"] *= budget.tokens / found["expected"]
        found |= {"expected": float(budget.tokens), "worst": min(found["worst"], budget.tokens)}
    if budget.seconds:
        found["seconds"] = min(found["seconds"], budget.seconds)
    return found


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
