"""What a job costs on this machine: the speed of the model at hand, measured on a few tokens, and arithmetic."""

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from selftaught.jobs.session import Session
from selftaught.parts import BadInput
from selftaught.prove.plan import WHOLE, sized
from selftaught.prove.preflight import HELPS
from selftaught.run.budget import Budget
from selftaught.types import Attempt, SampleRequest, ScoreRequest

TASKS, ATTEMPTS, FIRST, READ = 8, 8, 8, 16
# Seconds the second look at lengths may take; what learning costs, in forward passes.
PATIENCE, LEARNED = 3.0, 3.0
# What the run's own look at its health costs a step: prompts with replies that are scored.
WATCHED = 112
# Up to so many minutes, or FLOPs (which no busy machine changes), it is cheaper to find out than to ask.
CHEAP_MINUTES, CHEAP_FLOPS = 5.0, 2e13


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


async def rates_of(session: Session) -> Rates:
    """Let the model write `FIRST` tokens of `TASKS` x `ATTEMPTS` attempts, read them, and write two each as far as it gets.

    Asked beside the run: nothing is journaled, counted or kept. An attempt that has not ended is taken to end at the
    rate at which tokens seen so far were the last.
    """
    run, model = session.run, session.run.model
    tasks = run.pool.peek(random.Random(0), TASKS)

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
    attempts = attempts[:READ]
    begun = time.perf_counter()
    await session.run.model.score([ScoreRequest(key=f"estimate/{a.id}", payload=a.payload, start=a.payload.opened) for a in attempts])
    return sum(len(a.payload) for a in attempts) / max(time.perf_counter() - begun, 1e-6)


def expected_length(seen: list[int], ended: list[bool], most: int) -> float:
    """Mean tokens of an attempt: of one that has not ended, as if every further token were the last with the rate seen so far."""
    rate = sum(ended) / max(1, sum(seen))
    rest = [0.0 if done else ((1 - (1 - rate) ** (most - n)) / rate if rate else most - n) for n, done in zip(seen, ended, strict=True)]
    return sum(n + more for n, more in zip(seen, rest, strict=True)) / max(1, len(seen))


def cost(session: Session, rates: Rates) -> dict[str, Any]:
    """{tokens: {expected, worst, evaluated}, minutes: {run, evaluation}}."""
    spent, job = spend(session, rates), session.job
    held, development = len(session.splits["held-out"]), len(session.splits["development"])
    share = job.share(session.recipe)
    plan = replace(WHOLE, tasks=held, development=development)
    if share is not None:
        plan = sized(share * spent["expected"], rates.prompt, rates.attempt, held, development)
    drawn = plan.attempts()[0] if job.gate else 0
    evaluated = drawn * rates.attempt
    minutes = {"run": spent["seconds"] / 60, "evaluation": (evaluated / rates.sampled + drawn / 8 * rates.prompt / rates.forward) / 60}
    return {"tokens": {"expected": spent["expected"], "worst": spent["worst"], "evaluated": evaluated}, "minutes": minutes}


def spend(session: Session, rates: Rates) -> dict[str, float]:
    """{expected, worst} tokens of all steps, and the seconds they take; a budget ends both."""
    run, recipe = session.run, session.recipe
    found = {"expected": 0.0, "worst": 0.0, "seconds": 0.0}
    for phase, _, _ in recipe.schedule():
        groups, n = phase.plan.tasks, phase.plan.n
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


async def heed_forecast(session: Session, forecast: Mapping[str, Any]) -> None:
    """Raise BadInput, and leave nothing behind, when even the upper end of what is expected is no help, and finding out is not cheap."""
    run = session.run
    # Without features there is no forecast, only words.
    if forecast["help"] or forecast["high"] >= HELPS or not forecast["features"] or session.job.anyway or run.position:
        return
    found = cost(session, await rates_of(session))
    minutes = sum(found["minutes"].values())
    flops = 4 * run.model.parameters * (found["tokens"]["expected"] + found["tokens"]["evaluated"])
    if minutes <= CHEAP_MINUTES or flops <= CHEAP_FLOPS:
        return
    run.grader.close()
    run.folder.discard()
    raise BadInput(
        f"no help is expected, {spread(forecast)}, and finding out would take about {minutes:,.0f} minutes "
        f"(over {CHEAP_MINUTES:g}): {forecast['why']}: give --anyway (anyway=True) to run it all the same, or other settings"
    )


def spread(forecast: Mapping[str, Any]) -> str:
    """`+9% (-3% to +21%)`."""
    return f"{forecast['expected_gain']:+.0%} ({forecast['low']:+.0%} to {forecast['high']:+.0%})"
