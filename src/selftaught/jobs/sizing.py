"""Sizing: what a run will cost, and from it how large its gate may be; decided once, before the start is measured."""

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from selftaught.jobs.cost import Rates, spend
from selftaught.jobs.session import Session
from selftaught.prove.plan import WHOLE, Plan, sized
from selftaught.run.files import read_json, write_json

PROBES = 16


class Seen(NamedTuple):
    """Mean tokens of a training prompt and of an attempt at it, and how many tokens a second are sampled."""

    prompt: float
    length: float
    speed: float


async def plan_of(session: Session, forecast: Mapping[str, Any] | None = None) -> Plan:
    """The plan of a run's gate, which stays what it was when a run is resumed; it is kept in `gate.json`."""
    path, share = session.run.folder.path / "gate.json", session.job.share(session.recipe)
    if path.exists():
        plan: Plan = read_json(path, "bring it back from a copy, or delete it to have the whole gate drawn", Plan.of)
        if not session.run.position and session.run.ledger.budget.seconds is None and plan.looks:
            # What was drawn to size it is in the journal, and is counted as in a run that was not stopped.
            await probe(session, forecast)
        return plan
    if share is None or session.run.position or not session.judged:
        return WHOLE
    seen = await probe(session, forecast)
    held, development = (len(session.splits[name]) for name in ("held-out", "development"))
    plan = sized(share * run_tokens(session, seen), seen.prompt, seen.length, held, development)
    write_json(path, plan.record())
    return plan


async def probe(session: Session, forecast: Mapping[str, Any] | None = None) -> Seen:
    """Lengths as the forecast saw them, else from one attempt at 16 training tasks; speed only where seconds are the budget."""
    run = session.run
    tasks = run.pool.peek(run.rng("size"), PROBES)
    prompt = float(np.mean([run.model.count(task.messages) for task in tasks])) if tasks else 0.0
    told = ((forecast or {}).get("features") or {}).get("length")
    timed = run.ledger.budget.seconds is not None
    if told is not None and not timed:
        return Seen(prompt, float(told) * run.settings.max_tokens, 0.0)
    # What is timed must not come out of the journal.
    label, started = f"size/{time.time_ns()}" if timed else "size", time.monotonic()
    groups = await run.draw(tasks, 1, run.settings, "policy", label, session.job.seed)
    lengths = [float(a.sampled_count) for group in groups for a in group.attempts_G if hasattr(a.payload, "sampled")]
    length = float(np.mean(lengths)) if lengths else float(run.settings.max_tokens)
    return Seen(prompt, length, sum(lengths) / max(1e-6, time.monotonic() - started))


def run_tokens(session: Session, seen: Seen) -> float:
    """Tokens a run is expected to take: those of its schedule, or of its budget where that is less."""
    budget, rates = session.run.ledger.budget, Rates(prompt=seen.prompt, attempt=seen.length, cut=0.0, forward=1.0, sampled=1.0)
    limits = [spend(session, rates)["expected"]]
    if budget.seconds is not None:
        limits.append(budget.seconds * seen.speed)
    if budget.flops is not None:
        limits.append(budget.flops / (4 * session.run.model.parameters))
    return min(limits)


def said(plan: Plan) -> str:
    """In words what is drawn for the verdict, and the smallest gain it can see at worst."""
    stages = f", looked at after {', '.join(map(str, plan.looks))}" if len(plan.looks) > 1 else ""
    attempts, _ = plan.attempts()
    return (
        f"gate: {plan.tasks} held-out tasks x {plan.result} attempts{stages}; at most {attempts:,} attempts on both sides; "
        f"a gain of {100 * plan.sees():.0f} points shows at worst (--gate-share or --held-out-count for more)"
    )
