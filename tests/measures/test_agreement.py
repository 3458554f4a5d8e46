import asyncio
import math
import random

import numpy as np
import pytest

from selftaught.measures import Agreement
from selftaught.measures.agreement import reference
from selftaught.parts import BadInput, build
from selftaught.types import Attempt, SamplerSettings, Task, Tokens

TOKENS = Tokens(ids=np.zeros(1, np.int32), sampled=np.ones(1, bool), logprobs=np.zeros(1, np.float32))


class FakePool:
    sources = ("sums",)

    def __init__(self, tasks):
        self.tasks = tasks

    def draw(self, rng, count, source=""):
        return rng.sample(self.tasks, min(count, len(self.tasks)))


class FakeRun:
    """The right answer of every task is "1"; the start gives it with probability 0.8."""

    seed, step, generation, settings = 3, 0, 0, SamplerSettings()

    def __init__(self, policy, tasks, broke=False):
        self.policy, self.pool, self.state, self.calls, self.broke = policy, FakePool(tasks), {"anchor": {}}, [], broke
        self.write = self.state.__setitem__

    async def sample(self, tag, task, messages, *, n=1, settings=None, weights="policy", **_):
        self.calls.append((tag, task.id, n, weights, (settings or self.settings).temperature))
        if self.broke:
            return []
        rng = random.Random(f"{task.id}{weights}{self.step}")
        start = lambda: "1" if rng.random() < 0.8 else str(rng.randrange(2, 6))  # noqa: E731
        texts = [start() if weights == "start" else self.policy(task, rng) for _ in range(n)]
        return [Attempt(id=f"{tag}{i}", task=task.id, payload=TOKENS, text=t) for i, t in enumerate(texts)]

    async def check(self, task, texts, purpose="train", gold=False):
        assert not gold and purpose == "select"
        return [float(t == "1") for t in texts]

    def answer(self, text, task):
        return text or None


def votes(count=60, **fields):
    return [Task(id=f"t{i}", prompt="?", checker="gold", **fields) for i in range(count)]


def measure(policy, tasks=None, **options):
    return asyncio.run(Agreement(**options).measure(FakeRun(policy, tasks or votes())))


def test_better_is_higher_and_collapse_is_lower():
    start = measure(lambda t, rng: "1" if rng.random() < 0.8 else "2")
    better = measure(lambda t, rng: "1" if rng.random() < 0.95 else "2")
    assert measure(lambda t, rng: "7") == measure(lambda t, rng: "") == 0  # it agrees with itself wholly
    assert 0.6 < start < better <= 1


def test_references_and_tasks_stay_the_same_over_steps():
    run, keep = FakeRun(lambda t, rng: "1", votes()), Agreement(tasks=20)
    first = asyncio.run(keep.measure(run))
    seen, anchors = {c[1] for c in run.calls}, dict(run.state["anchor"])
    assert sum(c[3] == "start" for c in run.calls) == 20 and {c[4] for c in run.calls if c[3] == "policy"} == {0}
    run.calls, run.step = [], 7
    assert asyncio.run(keep.measure(run)) == first
    assert {c[1] for c in run.calls} == seen and not any(c[3] == "start" for c in run.calls)
    assert run.state["anchor"] == anchors


def test_rule_tasks_are_checked_and_need_no_reference():
    tasks = [Task(id=f"r{i}", prompt="?", checker="rule") for i in range(10)]
    run = FakeRun(lambda t, rng: "1" if t.id in ("r0", "r1", "r2") else "9", tasks)
    assert asyncio.run(Agreement().measure(run)) == pytest.approx(0.3)
    assert all(weights == "policy" for _, _, _, weights, _ in run.calls)


def test_nothing_to_look_at_is_not_a_number():
    assert math.isnan(asyncio.run(Agreement().measure(FakeRun(lambda t, rng: "1", votes(), broke=True))))
    assert math.isnan(measure(lambda t, rng: "1", votes(origin="model")))


def test_a_measure_cut_short_by_the_budget_is_not_a_number():
    run, asked = FakeRun(lambda t, rng: "1", votes()), []

    async def until_spent(tag, task, *args, **options):
        asked.append(tag)
        return [] if len(asked) > 90 else await FakeRun.sample(run, tag, task, *args, **options)

    run.sample = until_spent
    assert math.isnan(asyncio.run(Agreement().measure(run)))


def test_a_task_without_a_margin_does_not_void_the_others():
    run = FakeRun(lambda t, rng: "1", votes(3))
    run.state["anchor"] = {"t0": ["1", 0.0], "t1": ["1", 0.5], "t2": ["2", 0.25]}
    assert asyncio.run(Agreement().measure(run)) == pytest.approx(0.5 / 0.75)


def test_reference_by_hand():
    assert reference(["4", "4", "4", "5", None]) == ("4", pytest.approx(0.4))
    assert reference(["4", "5"])[1] == 0
    assert reference([None, None]) == ("", 0) == reference([])
    assert reference(["4", "4"]) == ("4", 1)


def test_options_are_checked():
    assert build(Agreement, {"tasks": "9", "temperature": "0.5", "n": "2"}) == Agreement(tasks=9, temperature=0.5, n=2)
    for bad in ({"tasks": 0}, {"votes": 1}, {"n": 2}, {"temperature": -1}):
        with pytest.raises(BadInput):
            Agreement(**bad)
