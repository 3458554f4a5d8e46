"""The gate of written questions, and what their author is paid."""

import asyncio
import math

import numpy as np
import pytest

from selftaught.models.scripted import ScriptedModel
from selftaught.parts import BadInput
from selftaught.recipe import get_recipe
from selftaught.supervise import Answerable, Stumped
from selftaught.types import Attempt, Group, Message, Score, Task

RECIPE = get_recipe("search-self-play")
SOUGHT = Task(id="t", prompt="write", key="moling", source="pages:people=240,world=0")


def proposal(name, question, pages):
    turns = (Message("user", "write"), Message("assistant", "<call>search moling</call>"), Message("user", pages))
    return Attempt(id=name, task="t", payload=None, text=f"<question>{question}</question>", messages=turns, role="proposer")


def valid(name, value):
    return Score(attempt=name, name="valid", value=value, source="self", judge="x")


def reading(request, rng, skill):
    """Reads what it is shown and nothing else."""
    *pages, question = request.messages[0].content.split("\n")
    person = question.removesuffix("?").split()[-1]
    return next((f"#### {page.rstrip('.').split()[-1]}" for page in pages if page.startswith(person)), "#### unknown")


def test_a_question_is_valid_if_its_own_documents_give_its_key(opened):
    """Right key; another one's page, so that the documents give another answer; a page that was never found; said not valid before."""
    pages = "Ba friend Do pet moling.\nKe friend Ba pet soling."
    made = [proposal("right", "pet of Ba?", pages), proposal("wrong", "pet of Ke?", pages), proposal("unread", "pet of Lo?", pages)]
    made.append(proposal("void", "pet of Ba?", pages))
    scores = tuple(valid(a.id, float(a.id != "void")) for a in made)
    run = opened(RECIPE, model=ScriptedModel(script=reading))
    group = asyncio.run(Answerable().read_group(run, Group(key="t", task=SOUGHT, attempts_G=tuple(made), scores=scores)))
    np.testing.assert_array_equal(group.values("valid"), [1, 0, 0, 0])
    assert run.ledger.summary()["gold_read"]["train"] == 0 and {s.source for s in group.scores} == {"self"}
    assert run.ledger.total("tokens", "sampled") > 0 and len([s for s in group.scores if s.judge == "answerable"]) == 3


def test_a_gate_without_budget_says_nothing(opened):
    made = proposal("a", "pet of Ba?", "Ba friend Do pet moling.")
    run = opened(RECIPE, model=ScriptedModel(script=reading), budget=10)
    group = asyncio.run(Answerable().read_group(run, Group(key="t", task=SOUGHT, attempts_G=(made,), scores=(valid("a", 1.0),))))
    assert math.isnan(group.values("valid")[0])


def test_an_author_is_paid_what_solvers_left_after_they_tried(opened):
    """1 - 3/4; nothing valid: 0; valid and never attempted: no score; attempts that nobody scored: no score."""
    asked = [proposal(name, "?", "") for name in ("hard", "void", "spent", "unscored")]
    group = Group(key="t", task=SOUGHT, attempts_G=tuple(asked), scores=tuple(valid(a.id, float(a.id != "void")) for a in asked))

    def solved(key, rewards):
        attempts = tuple(Attempt(id=f"{key}{i}", task="q", payload=None) for i in range(4))
        given = [Score(attempt=a.id, value=r, source="self", judge="own-key") for a, r in zip(attempts, rewards, strict=False)]
        return Group(key=key, task=Task(id="q", prompt="q", origin="model"), attempts_G=attempts, scores=tuple(given))

    groups = [group, solved("hard", [1, 1, 0, 1]), solved("unscored", [])]
    paid, solvers, _ = asyncio.run(Stumped().read(opened(RECIPE), groups))
    np.testing.assert_array_equal(paid.values(), np.array([0.25, 0, np.nan, np.nan], np.float32))
    assert solvers.scores == groups[1].scores


def test_bad_numbers_are_refused():
    for options in ({"n": 2}, {"n": 0}, {"share": 0.0}, {"temperature": -1.0}):
        with pytest.raises(BadInput, match=next(iter(options))):
            Answerable(**options)
