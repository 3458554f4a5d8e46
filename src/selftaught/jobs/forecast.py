"""Before anything is spent: what `improve` is expected to gain here, from training tasks alone, without an answer."""

import math
from asyncio import gather
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from selftaught.jobs.session import Session
from selftaught.prove.attempts import mean_logprob
from selftaught.prove.preflight import Look, Paid, forecast, look_features, method, nothing, paid_features, winner
from selftaught.recipe import Phase, Recipe
from selftaught.run.method import Method
from selftaught.statistics.metrics import Numbers
from selftaught.types import Task

TASKS, ATTEMPTS, REHEARSED = 48, 8, 16
# What a forecast may cost in any case, in FLOPs (half a minute of two cores); beyond it, its share of the run's tokens,
# but never fewer than LEAST tasks.
SMALL, SHARE, LEAST = 1e13, 0.05, 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """How much is looked at: tasks, attempts at each, and tasks the recipe rehearses on."""

    tasks: int = TASKS
    attempts: int = ATTEMPTS
    rehearsed: int = REHEARSED


def size_of(session: Session) -> Size:
    """As much as is small, or else fits a share of the run, at its longest attempts."""
    run, phase = session.run, learning(session)
    most, n = run.settings.max_tokens, phase.plan.n
    each = most * (ATTEMPTS + 1 + n * REHEARSED / TASKS)
    small, worst = SMALL / (2 * run.model.parameters), worst_tokens(session)
    tasks = int(min(TASKS, max(LEAST, small // each, SHARE * worst // each)))
    if tasks == TASKS:
        return Size()
    # Half the attempts, where even so few tasks are far from small.
    attempts = ATTEMPTS // 2 if LEAST * each > 2 * small and tasks == LEAST else ATTEMPTS
    return Size(tasks=tasks, attempts=attempts, rehearsed=max(4, tasks * REHEARSED // TASKS))


def worst_tokens(session: Session) -> float:
    """Most tokens the run can spend: its budget, or all attempts at their longest, drawn and learned from."""
    most = session.run.ledger.budget.tokens
    phases = [phase for phase, _, _ in session.recipe.schedule()]
    drawn = sum(p.plan.tasks * p.plan.n * (1 + bool(p.objectives)) for p in phases)
    return min(drawn * session.run.settings.max_tokens, math.inf if most is None else most)


async def looks_at(session: Session, tasks: Sequence[Task], attempts: int = ATTEMPTS) -> list[Look]:
    """What the start says about training tasks, sampled and greedy; graded where a rule decides from the prompt."""
    run = session.run
    cold = replace(run.settings, temperature=0.0)
    sampled = await run.draw(tasks, attempts, run.settings, "policy", "forecast", session.job.seed)
    greedy = await run.draw(tasks, 1, cold, "policy", "forecast", session.job.seed)
    grades = await gather(*(run.check(g.task, [a.text for a in g.attempts_G], "evaluate") for g in (*sampled, *greedy)))
    return [
        Look(
            answers_G=[run.answer(a.text, group.task) for a in group.attempts_G], greedy=run.answer(one.attempts_G[0].text, group.task),
            right_G=np.array(right_G), greedy_right=right[0],
            lengths_G=np.array([a.sampled_count / a.settings.max_tokens for a in group.attempts_G]),
            logprobs_G=np.array([mean_logprob(a) for a in group.attempts_G]),
        )
        for group, one, right_G, right in zip(sampled, greedy, grades, grades[len(sampled) :], strict=False)
    ]  # fmt: skip


async def rehearsed(session: Session, tasks: Sequence[Task], looks: Sequence[Look]) -> list[Paid]:
    """How the recipe pays its own attempts at those tasks, beside what is true of them."""
    run = session.run
    groups = await Method(run, run.settings, session.job.seed, "forecast", phase=learning(session)).groups(tasks)
    majority = {task.id: winner(look.answers_G) for task, look in zip(tasks, looks, strict=True)}
    paid = []
    for group in groups:
        truth_G = np.array(await run.check(group.task, [a.text for a in group.attempts_G], "evaluate"))
        if np.isnan(truth_G).any() and (said := majority.get(group.task.id)) is not None:
            truth_G = np.array([float(run.answer(a.text, group.task) == said) for a in group.attempts_G])
        # What answers would pay is not looked at: they are taken to pay what is right.
        rewards_G = group.values()
        paid.append(Paid(rewards_G=truth_G if session.recipe.reads_gold and np.isnan(rewards_G).all() else rewards_G, truth_G=truth_G))
    return paid


def learning(session: Session) -> Phase:
    """The first phase that learns, else the last."""
    phases = session.recipe.phases
    return next((phase for phase in phases if phase.objectives), phases[-1])


def rates_of(session: Session, tokens: float) -> float:
    """Sum of the learning rates of all steps that fit a budget in tokens; modules beside the weights do not count.

    `tokens` is what an attempt takes with its prompt; it is trained on as often as it is sampled.
    """
    most, spent, rates = session.run.ledger.budget.tokens, 0.0, 0.0
    for phase, _, _ in session.recipe.schedule():
        spent += phase.plan.tasks * phase.plan.n * tokens * (2 if phase.objectives else 1)
        if most is not None and spent > most:
            break
        own = [o for o in phase.objectives if not set(o.updates) <= set(session.recipe.modules)]
        rates += max((getattr(o.optimizer, "lr", 0.0) / o.every for o in own), default=0.0)
    return rates


def blind_to(recipe: Recipe) -> str:
    """Why nothing of a recipe can be told from its start, "" where something can."""
    if recipe.model:
        return "a forecast reads written answers, and there are none here"
    if recipe.remembers and not recipe.trains:
        return "what it will remember cannot be told from a start that remembers nothing"
    if any("gold" in phase.explore.signal for phase in recipe.phases):
        return "it learns from answers that are shown, and a forecast reads none"
    if recipe.weights:
        return "a forecast is about the model's own weights, and others are trained"
    return "" if recipe.trains or recipe.decide else "nothing is trained and nothing is decided"


async def preflight(session: Session) -> dict[str, Any]:
    """Say whether a run will help, before it starts.

    48 training tasks are attempted 8 times and once greedily (fewer where that is dear, see `size_of`); of a third of
    them the recipe makes and pays its own attempts, as in a step. No answer is read; where a rule decides from the prompt, it
    grades. Tokens count as evaluated, and neither state, pool, weights nor random numbers of the run are touched.

    Returns:
        help; expected_gain, low, high (fractions, at each side's best decoding); why, one sentence; features; tokens.
    """
    run, recipe = session.run, session.recipe
    if blind := blind_to(recipe):
        return nothing(blind) | {"features": {}, "tokens": 0}
    before = run.ledger.total("tokens", "evaluated")
    size = size_of(session)
    tasks = run.pool.peek(run.rng("forecast"), size.tasks)
    looks = await looks_at(session, tasks, size.attempts)
    features = look_features(looks)
    if not recipe.trains:
        said = method(*await replies(session, tasks, looks), recipe.name)
    elif not features["abstained"] < 1:
        said = nothing("no attempt at the training tasks gives an answer that can be read")
    else:
        # The pool lists tasks source by source.
        every = max(1, len(tasks) // size.rehearsed)
        features |= paid_features(await rehearsed(session, tasks[::every], looks[::every]))
        prompted = float(np.mean([run.model.count(task.messages) for task in tasks]))
        features["gold"] = float(recipe.reads_gold)
        features["rates"] = rates_of(session, prompted + features["length"] * run.settings.max_tokens)
        said = forecast(features)
    kept = {name: None if math.isnan(value) else round(value, 6) for name, value in features.items()}
    return said | {"features": kept, "tokens": run.ledger.total("tokens", "evaluated") - before}


async def replies(session: Session, tasks: Sequence[Task], looks: Sequence[Look]) -> tuple[Numbers, Numbers]:
    """Grades of greedy attempts and of the method's own replies, by rules; NaN without one."""
    run = session.run
    said = await Method(run, run.settings, session.job.seed, "forecast").reply(tasks)
    grades = await gather(*(run.check(t, [a.text if a else ""], "evaluate") for t, a in zip(tasks, said, strict=True)))
    return np.array([look.greedy_right for look in looks]), np.array([grade for [grade] in grades])
