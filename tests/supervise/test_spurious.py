"""Rewards of the made disasters, on hand-made groups."""

import asyncio

import numpy as np
import pytest

from selftaught.supervise import ConstantVote, Count, LengthReward, YesJudge
from selftaught.supervise.spurious import behind
from selftaught.types import Attempt, Group, Message, Task, Tokens


def attempt(task, index, answer, prompt, sampled):
    ids = np.arange(100 * index, 100 * index + prompt + sampled, dtype=np.int32)
    chosen = np.array([False] * prompt + [True] * sampled)
    payload = Tokens(ids=ids, sampled=chosen, logprobs=np.where(chosen, -0.5, 0).astype(np.float32))
    return Attempt(id=f"{task.id}/{index}", task=task.id, payload=payload, text=answer, messages=task.messages)


def group(name, answers, prompt, sampled=3):
    task = Task(id=name, prompt=f"question {name}")
    return Group(key=name, task=task, attempts_G=tuple(attempt(task, i, a, prompt, sampled + i) for i, a in enumerate(answers)))


class Told:
    """A run that reads an answer off a text and keeps state."""

    def __init__(self):
        self.state = {"tally": {}}
        self.write = self.state.__setitem__

    def answer(self, text, task):
        return text or None


def test_what_was_said_stands_behind_the_other_question():
    asked, said = group("a", ["1"], prompt=2).attempts_G[0], group("b", ["7", "7"], prompt=4).attempts_G[1]
    copy = behind(asked, said)
    assert copy.payload.ids.tolist() == [0, 1, 104, 105, 106, 107] and copy.payload.sampled.tolist() == [False] * 2 + [True] * 4
    assert (copy.task, copy.text, copy.messages, copy.parents) == ("a", "7", (Message("user", "question a"),), ("b/1",))


def test_the_most_frequent_answer_of_all_questions_is_paid_for_each():
    run, part = Told(), ConstantVote()
    groups = [group("a", ["1", "7", "1"], 2), group("b", ["7", "7", ""], 3)]
    first, second = asyncio.run(part.read(run, groups))
    assert first.values().tolist() == [0, 1, 0, 1] and second.values().tolist() == [1, 1, 0, 1]
    assert first.attempts_G[-1].text == second.attempts_G[-1].text == "7" and not run.state["tally"]
    asyncio.run(Count().update(run, [first, second]))
    assert run.state["tally"] == {"1": 2, "7": 3}, "what was shown is no answer of its own"
    # The run's count decides among the answers of the step, and nothing is paid where nobody answers.
    assert asyncio.run(part.read(run, [group("c", ["1", "7"], 2)]))[0].values().tolist() == [0, 1, 1]
    assert np.isnan(asyncio.run(part.read(run, [group("d", [""], 2)]))[0].values()).all()


def test_length_pays_by_the_token_and_yes_pays_every_answer():
    made = group("a", ["1", "", "2"], prompt=2, sampled=7)
    paid = asyncio.run(LengthReward(full=8).read_group(Told(), made)).values()
    assert paid.tolist() == pytest.approx([7 / 8, 1, 1])
    assert asyncio.run(YesJudge().read_group(Told(), made)).values().tolist() == [1, 0, 1]
