"""Watcher: looks at a run's health at every step, outside its budget, and says when something is wrong."""

import random
from asyncio import gather
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from selftaught.monitors import injections, kept_answers, start_probe
from selftaught.monitors.audit import calibration_error, vote_accuracy
from selftaught.monitors.base import Monitor
from selftaught.monitors.health import first_attempts, lengths
from selftaught.run.access import RunAccess
from selftaught.run.generations import LAG
from selftaught.run.method import Method
from selftaught.types import Floats, Group, Purpose, Task, content_hash

SCORED, AUDITED = 16, 8
# FLOPs of a first look that is not to be dear.
DEAR = 5e11


class Watcher:
    """What monitors need to know beyond a step's groups, and what they said.

    Attributes:
        monitors: raise alarms; none means that nothing is asked of the model.
        audit: sealed tasks whose answers are read at each generation, under "audit"; none of them is trained on.
        steps: numbers of the steps so far.
        start: the start's replies to the probe's tasks (see `monitors.start_probe`); None before the first look.
        answers: the start's greedy answers, where its replies have too little probability (see `monitors.kept_answers`).
        lengths: mean length of attempts at each task source when it was first met.
        alarms: {name, step, message} each.
    """

    def __init__(self, monitors: Sequence[Monitor] = (), audit: Sequence[Task] = ()) -> None:
        self.monitors, self.audit = tuple(monitors), tuple(audit)
        self.steps: list[Mapping[str, float]] = []
        self.start: list[dict[str, Any]] | None = None
        self.answers: list[dict[str, Any]] = []
        self.lengths: dict[str, float] = {}
        self.alarms: list[dict[str, Any]] = []

    async def examine(self, run: RunAccess, groups: Sequence[Group]) -> None:
        """Note what the step's groups do not say by themselves, and raise the alarms that are due."""
        if not self.monitors or not run.recipe.trains:
            return
        with outside(run):
            if self.start is None:
                # What is taught by answers may well unlearn the start's.
                fit = "text" in run.model.capabilities and not run.recipe.reads_gold
                self.start = await start_probe.first_look(run, probes(run)) if fit else []
                self.answers = await kept_answers.first_answers(run, groups) if fit and kept_answers.improbable(self.start) else []
            found = await self.look(run) | await drift(run, groups)
            found |= await injections.persuade(run, run.phase.read if run.phase else (), groups)
        found |= vitals(run, found, groups)
        now = lengths(groups)
        self.lengths = now | self.lengths
        if now:
            found["length_ratio"] = float(np.mean([now[source] / self.lengths[source] for source in now]))
        for name, value in found.items():
            run.note(name, value)
        self.hear([*self.steps, run.notes], run.position + 1)

    async def examine_end(self, run: RunAccess) -> None:
        """Look once more behind the last step: what it learned has not been seen by the next one."""
        if not self.monitors or not run.recipe.trains or self.start is None:
            return
        with outside(run):
            found = await self.look(run)
        self.hear([*self.steps, found | vitals(run, found, ())], run.position)

    async def look(self, run: RunAccess) -> dict[str, float]:
        """How the policy stands to the start."""
        return await start_probe.look(run, self.start or []) | await kept_answers.still_kept(run, self.answers)

    def hear(self, steps: Sequence[Mapping[str, float]], step: int) -> None:
        """Raise the alarms that are due, each monitor's once."""
        raised = {alarm["name"] for alarm in self.alarms}
        for monitor in self.monitors:
            if monitor.name not in raised and (message := monitor.alarm(steps)):
                self.alarms.append({"name": monitor.name, "step": step, "message": message})

    @property
    def lag(self) -> int:
        """Steps before the alarms that their trouble may have begun."""
        raised = {alarm["name"] for alarm in self.alarms}
        return max((monitor.lag for monitor in self.monitors if monitor.name in raised), default=LAG)

    async def measure(self, run: RunAccess) -> None:
        """Note how right the votes, the attempts and the rewards are on the audit set."""
        if not self.audit:
            return
        with outside(run):
            groups = await run.draw(self.audit, AUDITED, run.settings, "policy", f"audit/{run.position}", run.seed, purpose="audit")
            graded = await gather(*(run.check(g.task, [a.text for a in g.attempts_G], "audit", gold=True) for g in groups))
            rewarded = await Method(run, run.settings, run.seed, f"audit/{run.position}", purpose="audit").read(groups)
        correct: list[Floats] = [np.array(grades, np.float32) for grades in graded]
        # Readers may add attempts behind those that were graded, and leave groups out.
        rewards = {g.task.id: g.values()[:AUDITED] for g in rewarded}
        unscored = np.full(AUDITED, np.nan, np.float32)
        rewards_N = np.concatenate([rewards.get(g.task.id, unscored)[: len(g.attempts_G)] for g in groups])
        run.note("audit_accuracy", float(np.nanmean(np.concatenate(correct))))
        run.note("audit_vote", vote_accuracy([[run.answer(a.text, g.task) for a in g.attempts_G] for g in groups], correct))
        run.note("audit_calibration", calibration_error(rewards_N, np.concatenate(correct)))

    def snapshot(self) -> dict[str, Any]:
        """JSON-ready; the steps are in steps.jsonl."""
        return {"start": self.start, "answers": self.answers, "lengths": self.lengths, "alarms": self.alarms}

    def restore(self, saved: Mapping[str, Any], steps: Sequence[Mapping[str, float]]) -> None:
        """The inverse of `snapshot`."""
        self.answers = saved.get("answers", [])
        self.start, self.lengths, self.alarms[:], self.steps = saved["start"], saved["lengths"], saved["alarms"], list(steps)


async def drift(run: RunAccess, groups: Sequence[Group]) -> dict[str, float]:
    """KL of the policy from the start in nats a token, on some of the step's attempts.

    Mean of exp(-d) - 1 + d with d = log p_policy - log p_start of a sampled token: unbiased, never negative (Schulman
    2020, "Approximating KL divergence", k3).
    """
    # A search has nothing but attempts that continue others.
    made = [a for g in groups for a in first_attempts(g) or g.attempts_G]
    made = [a for a in made if a.sampler == "policy" and hasattr(a.payload, "logprobs") and a.sampled_count]
    chosen = random.Random(content_hash("drift", run.seed, run.step)).sample(made, min(SCORED, len(made)))
    scored = await gather(*(run.score(f"drift-{a.id}", a.payload, weights="start", start=a.payload.opened) for a in chosen))
    if not chosen:
        return {}
    d_T = np.concatenate([(a.payload.logprobs - s["logprobs"])[a.payload.sampled] for a, s in zip(chosen, scored, strict=True)])
    return {"kl": float(np.mean(np.expm1(-d_T.astype(np.float64)) + d_T))}


def probes(run: RunAccess) -> int:
    """How many replies of the start are held against the policy at every step: fewer where they would be dear to draw."""
    flops = 2 * run.model.parameters * start_probe.TASKS * run.settings.max_tokens
    return start_probe.TASKS if flops <= DEAR else start_probe.TASKS // 3


def vitals(run: RunAccess, found: Mapping[str, float], groups: Sequence[Group]) -> dict[str, float]:
    """Whether the policy still is a model: broken, 1 when a log-probability is not finite; uniformity.

    uniformity is the mean surprise of a token, sampled by the policy or of the start's replies, over ln(vocabulary): 1
    for a policy to which all tokens are alike. Left out where the model does not say how large its vocabulary is.
    """
    # Every attempt under way was sampled by the weights that are looked at, or reads "start", which cannot break.
    made = [a.payload.logprobs[a.payload.sampled] for g in groups for a in g.attempts_G if hasattr(a.payload, "logprobs")]
    told_T = np.concatenate([np.zeros(0, np.float32), *made])
    surprises = [v for v in (found.get("surprise", np.nan), -float(told_T.mean()) if len(told_T) else np.nan) if not np.isnan(v)]
    numbers = {"broken": float(not np.isfinite(told_T).all() or not all(np.isfinite(value) for value in found.values()))}
    vocabulary = getattr(run.model, "vocabulary", 0)
    return numbers | ({"uniformity": max(surprises) / float(np.log(vocabulary))} if vocabulary > 1 and surprises else {})


@contextmanager
def outside(run: RunAccess, purpose: Purpose = "audit") -> Iterator[None]:
    """What is asked inside belongs to the audit (or to the evaluation), not to the budget."""
    before, stage = run.purpose, run.stage
    run.purpose = run.stage = purpose
    try:
        yield
    finally:
        run.purpose, run.stage = before, stage
