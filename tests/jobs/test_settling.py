"""The sampler that is chosen for a model nobody knows: hot where votes still mean something, as long as most attempts need."""

import asyncio
import random
from dataclasses import dataclass, replace
from types import SimpleNamespace

import pytest

from selftaught.jobs.settling import ENDED, room_for, settle, votes_agree
from selftaught.types import Group, SamplerSettings, Task

TASKS = [Task(id=f"t{i}", prompt=f"q{i}") for i in range(16)]


@dataclass
class Fake:
    """Right with probability `sure(temperature)`, else one of 50 answers; a reply needs `needs` tokens."""

    sure: object
    needs: int = 20

    def __post_init__(self):
        self.settings, self.asked = SamplerSettings(max_tokens=512), []

    async def draw(self, tasks, n, settings, weights, label, seed):
        self.asked.append((label, settings.temperature, settings.max_tokens))
        rng = random.Random(f"{label}{settings.temperature}")

        def said():
            right = rng.random() < self.sure(settings.temperature)
            cut = self.needs > settings.max_tokens
            return SimpleNamespace(
                text="" if cut else ("right" if right else str(rng.randrange(50))), stop="length" if cut else "end",
                sampled_count=min(self.needs, settings.max_tokens),
            )  # fmt: skip

        return [Group(key=t.id, task=t, attempts_G=tuple(said() for _ in range(n))) for t in tasks]

    def answer(self, text, task):
        return text or None


@pytest.mark.parametrize(("limit", "chosen"), [(1.5, 1.0), (0.8, 0.7), (0.5, 0.4)])
def test_the_hottest_temperature_whose_votes_agree(limit, chosen):
    run = Fake(lambda heat: 0.9 if heat <= limit else 0.05)
    found = asyncio.run(settle(run, TASKS, 1))
    assert found.settings.temperature == chosen and found.settings.max_tokens == 32 and found.ended == 1
    assert f"--temperature {chosen:g}" in found.line() and "mean little" not in found.line()
    # no cooler one is tried than is needed
    assert min(heat for label, heat, _ in run.asked if label == "heat") == chosen


def test_where_no_vote_means_anything_that_is_said():
    found = asyncio.run(settle(Fake(lambda heat: 0.1), TASKS, 1))
    assert len(found.agree) == 3 and "votes mean little at any of these" in found.line()


def test_the_length_is_what_nine_in_ten_need():
    found = asyncio.run(settle(Fake(lambda heat: 0.9, needs=100), TASKS, 1))
    assert found.settings.max_tokens == 128 and found.ended >= ENDED
    assert room_for([100] * 10, 512) == 128 and room_for([40] * 9 + [500], 512) == 56
    endless = asyncio.run(settle(Fake(lambda heat: 0.9, needs=9999), TASKS, 1))
    assert endless.settings.max_tokens == 512 and endless.ended == 0 and "0% of attempts end" in endless.line()


def test_what_was_asked_for_is_kept():
    run = Fake(lambda heat: 0.9)
    run.settings = replace(run.settings, temperature=0.9)
    found = asyncio.run(settle(run, TASKS, 1, heat=0.9))
    assert found.settings.temperature == 0.9 and found.settings.max_tokens == 32 and not found.agree
    long = asyncio.run(settle(Fake(lambda heat: 0.9), TASKS, 1, most=77))
    assert long.settings.max_tokens == 77 and long.settings.temperature == 1.0


def test_no_answer_is_no_agreement():
    nothing = [Group(key="t", task=TASKS[0], attempts_G=tuple(SimpleNamespace(text="") for _ in range(4)))]
    assert votes_agree(Fake(lambda heat: 1), nothing) == 0 and votes_agree(Fake(lambda heat: 1), []) == 0
