"""A sampler for the gate's tests: a model whose skill is a function of weights, task, temperature and wording."""

import asyncio
import random

import numpy as np

from selftaught.prove.verdict import measure_side, verdict
from selftaught.types import Attempt, Group, SamplerSettings, Task, Tokens, content_hash

SETTINGS = SamplerSettings(temperature=1.0, max_tokens=8)


def make_tasks(count, split="held-out", families=("",)):
    return [Task(id=content_hash(split, i), prompt=f"{split} {i}", split=split, source=families[i % len(families)]) for i in range(count)]


class Scripted:
    """Answers "right" with probability skill(weights, task, temperature), with noise shared by both sides.

    `wordings` adds to the skill by template.
    """

    def __init__(self, skill, grade=None, wordings=None):
        self.skill, self.given, self.wordings, self.asked = skill, grade, wordings or {}, []

    async def draw(self, tasks, n, settings, weights, label, template="{prompt}"):
        self.asked.append((label, len(tasks), n, settings.temperature))
        return [self.group(t, n, settings, weights, label, self.wordings.get(template, 0.0)) for t in reversed(tasks)]

    def group(self, task, n, settings, weights, label, bonus):
        attempts = []
        for i in range(n):
            noise = random.Random(f"{task.id} {i}").random()
            p = self.skill(weights, task, settings.temperature) + bonus
            right = p > 0.5 if settings.temperature == 0 else noise < p
            payload = Tokens(
                ids=np.zeros(3, np.int32),
                sampled=np.array([False, True, True]),
                logprobs=np.array([0, -0.5, -0.5 - (not right)], np.float32),
            )
            attempts.append(Attempt(id=f"{label}{task.id}{i}", task=task.id, payload=payload, text="right" if right else f"wrong {i % 3}"))
        return Group(key=task.id, task=task, attempts_G=tuple(attempts))

    async def grade(self, groups):
        value = self.given or (lambda task, text: float(text == "right"))
        return [np.array([value(g.task, a.text) for a in g.attempts_G], np.float32) for g in groups]

    def answer(self, text, task):
        return text


def sides(skill, grade=None, tasks=100, **options):
    async def both():
        held_out, development = make_tasks(tasks), make_tasks(40, "development")
        sampler = Scripted(skill, grade)
        return [await measure_side(sampler, name, name, held_out, development, SETTINGS, **options) for name in ("start", "result")]

    return asyncio.run(both())


def spread(task):
    return random.Random(task.id + "skill").random()


def judge(skill, grade=None, tasks=100, draws=2000, **options):
    return verdict(*sides(skill, grade, tasks), draws=draws, **options)
