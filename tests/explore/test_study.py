"""Self-study: who is asked what, and what is learned of it where."""

import asyncio
from types import SimpleNamespace

import numpy as np
import pytest

from selftaught.explore import Behind, OneSource, Recite, SelfStudy
from selftaught.explore.study import SEEDS
from selftaught.models.scripted import ScriptedModel
from selftaught.parts import BadInput
from selftaught.recipe import get_recipe
from selftaught.tasks.pool import TaskPool
from selftaught.train import OffContext
from selftaught.train.credit.off_context import alike
from selftaught.types import Attempt, Group, Message, Request, SamplerSettings, Task, Tokens

DOCUMENT = Task(id="d", prompt="Mira keeps the lamp.")


class Talk:
    """A run whose model asks 'Who?' and answers 'Mira.', and notes what it was asked."""

    generation, step = 3, 7

    def __init__(self, question="Who?"):
        self.asked, self.question, self.scored = [], question, []

    def rng(self, *key):
        import random

        return random.Random(str(key))

    async def sample(self, tag, task, messages, *, n=1, settings=None, role="solver", weights="policy", **_):
        self.asked.append((tag, messages, settings, role, weights))
        text = self.question if role == "asker" else "Mira."
        payload = ScriptedModel().tokens(messages, text)
        return [Attempt(id=f"{tag}/{i}", task=task.id, payload=payload, text=text, messages=messages, role=role) for i in range(n)]

    def tokens(self, messages, reply=""):
        return ScriptedModel().tokens(messages, reply)

    async def score(self, tag, payload, *, outputs, weights, attempt, start):
        self.scored.append((outputs, weights, attempt, start))
        [name] = outputs
        places = np.arange(len(payload), dtype=np.float32)[:, None] + np.zeros(2, np.float32)
        return {name: -places / 100, f"{name}/ids": places}


def test_both_sides_see_the_document_and_only_answers_are_attempts():
    run, request = Talk(), Request(task=DOCUMENT, n=3, settings=SamplerSettings(temperature=0.7))
    [group] = asyncio.run(SelfStudy().explore(run, request))
    asks, answers = ([one for one in run.asked if (one[3] == "asker") == asking] for asking in (True, False))
    assert len(group.attempts_G) == len(asks) == len(answers) == 3
    for tag, (document, seed), settings, _, weights in asks:
        assert document == Message("system", DOCUMENT.prompt) and seed.content in SEEDS and weights == "policy"
        assert settings.temperature == 0.7 and tag.startswith("ask")
    for _, (document, question), settings, role, _ in answers:
        assert (document.content, question) == (DOCUMENT.prompt, Message("user", "Who?")) and settings.temperature == 0 and role == "solver"
    assert [a.parents for a in group.attempts_G] == [(f"ask:{i}/0",) for i in range(3)]


def test_nothing_asked_is_nothing_answered():
    run = Talk(question=" \n")
    [group] = asyncio.run(SelfStudy().explore(run, Request(task=DOCUMENT, n=2, settings=SamplerSettings())))
    assert group.attempts_G == () and len(run.asked) == 2
    with pytest.raises(BadInput, match="answer_temperature=-1"):
        SelfStudy(answer_temperature=-1.0)


def test_a_document_is_recited_whole():
    [group] = asyncio.run(Recite().explore(Talk(), Request(task=DOCUMENT, n=1, settings=SamplerSettings())))
    [attempt] = group.attempts_G
    assert bytes(attempt.payload.ids.tolist()).decode() == DOCUMENT.prompt and attempt.payload.sampled.all()
    assert group.values().tolist() == [1.0] and group.scores[0].source == "human"


def test_answers_stand_behind_the_weights_that_are_named():
    run = Talk()
    asyncio.run(Behind(weights="notes+more").explore(run, Request(task=DOCUMENT, n=2, settings=SamplerSettings())))
    [(_, messages, _, _, weights)] = run.asked
    assert (messages, weights) == (DOCUMENT.messages, "notes+more")


@pytest.mark.parametrize("question", [True, False])
def test_the_teacher_sees_the_document_and_the_student_does_not(question):
    run, document = Talk(), "Mira keeps the lamp.\n"
    messages = (Message("system", document.strip()), Message("user", "Who?"))
    payload = ScriptedModel().tokens(messages, "Mira.")
    attempt = Attempt(id="a", task="d", payload=payload, text="Mira.", messages=messages, generation=4)
    [example] = asyncio.run(OffContext(top=2, question=question).credit(run, [Group(key="d", task=DOCUMENT, attempts_G=(attempt,))]))
    [bare] = example.payloads
    assert bytes(bare.ids.tolist()).decode() == "Who?\nMira." and bare.opened == 5 and example.generation == 4
    first = 1 if question else 5
    assert run.scored == [(("top:2",), "policy", "a", len(document) + first)]
    assert example.streams["mask"].tolist() == [0.0] * first + [1.0] * (10 - first)
    # by hand: token t without the document is token t + 21 with it
    for t in range(first, 10):
        assert example.streams["teacher_ids"][t].tolist() == [t + len(document)] * 2
        assert example.streams["teacher_logprobs"][t].tolist() == pytest.approx([-(t + len(document)) / 100] * 2)
    assert not example.streams["teacher_ids"][:first].any()


def test_what_has_no_document_before_it_teaches_nothing():
    payload = ScriptedModel().tokens((Message("user", "Who?"),), "Mira.")
    attempt = Attempt(id="a", task="d", payload=payload, messages=(Message("user", "Who?"),))
    assert asyncio.run(OffContext().credit(Talk(), [Group(key="d", task=DOCUMENT, attempts_G=(attempt,))])) == []
    with pytest.raises(BadInput, match="top=0"):
        OffContext(top=0)


def test_a_spent_budget_ends_it():
    async def nothing(*args, **kwargs):
        return {}

    messages = (Message("system", "x"), Message("user", "Who?"))
    attempt = Attempt(id="a", task="d", payload=ScriptedModel().tokens(messages, "y"), messages=messages)
    run = SimpleNamespace(tokens=ScriptedModel().tokens, score=nothing)
    run.tokens = lambda messages, reply="": ScriptedModel().tokens(messages, reply)
    assert asyncio.run(OffContext().credit(run, [Group(key="d", task=DOCUMENT, attempts_G=(attempt,))])) == []


def test_alike_counts_from_the_end():
    for one, other, n in (([1, 2, 3], [9, 2, 3], 2), ([2, 3], [1, 2, 3], 2), ([1, 3], [2, 4], 0), ([5], [5], 1)):
        assert alike(np.array(one), np.array(other)) == n
    assert Tokens(ids=np.zeros(1, np.int32), sampled=np.zeros(1, bool), logprobs=np.zeros(1, np.float32)).opened == 1


def test_a_plan_of_one_source_draws_from_no_other(opened):
    run = opened(get_recipe("cartridges-together"))
    pool = TaskPool(["records:people=8,seed=1", "records:people=8,seed=2"])
    for source in (0, 1):
        assert {r.task.source for r in OneSource(source=source, tasks=4).plan(run, pool)} == {pool.sources[source]}
    with pytest.raises(BadInput, match="source 2 of records:.* is asked for"):
        OneSource(source=2).plan(run, pool)
    with pytest.raises(BadInput, match="source=-1"):
        OneSource(source=-1)
