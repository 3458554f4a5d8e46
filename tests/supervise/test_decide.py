"""Which attempt is the reply."""

import asyncio
from types import SimpleNamespace

import pytest

from selftaught.supervise import Best, First, Last, Majority
from selftaught.types import Attempt, Group, Score, Task

RUN = SimpleNamespace(answer=lambda text, task: text or None)


def chosen(part, texts, rewards=()):
    attempts = tuple(Attempt(id=str(i), task="t", payload=None, text=text) for i, text in enumerate(texts))
    scores = tuple(Score(attempt=str(i), value=v, source="self", judge="j") for i, v in enumerate(rewards))
    group = Group(key="t", task=Task(id="t", prompt="p"), attempts_G=attempts, scores=scores)
    return int(asyncio.run(part.decide(RUN, group)).id)


def test_first_and_last():
    assert chosen(First(), "abc") == 0 and chosen(Last(), "abc") == 2


@pytest.mark.parametrize(("texts", "index"), [("abb", 1), ("ab", 0), (["", "b"], 1), (["", ""], 0), ("bab", 0)])
def test_majority_is_the_earliest_of_the_winners(texts, index):
    assert chosen(Majority(), texts) == index


@pytest.mark.parametrize(("rewards", "index"), [((0.1, 0.9, 0.9), 1), ((float("nan"), -5.0, -7.0), 1), ((float("nan"),) * 3, 0), ((), 0)])
def test_best_is_the_earliest_of_the_highest(rewards, index):
    assert chosen(Best(), "abc", rewards) == index


@pytest.mark.parametrize("part", [First(), Last(), Majority(), Best()])
def test_an_empty_group_is_refused(part):
    with pytest.raises(ValueError, match="no attempts"):
        chosen(part, "")
