"""Proposing: who attempts what, whose key it is, and what a resume replays between proposal and solving."""

import asyncio
from dataclasses import replace

import pytest

from scripted_run import live_run, played
from selftaught.explore import Converse, Propose
from selftaught.explore.propose import question_of
from selftaught.models.scripted import ScriptedModel
from selftaught.parts import BadInput
from selftaught.prompts import posed, told
from selftaught.recipe import get_recipe
from selftaught.run.journal import records, waves
from selftaught.tools import Search
from selftaught.types import Attempt
from writer import writing

RECIPE = get_recipe("search-self-play").with_options({"plan.tasks": 6, "explore.rollouts": 3, "steps": 2})


def explored(run, recipe=RECIPE):
    phase = recipe.phases[0]

    async def all_of():
        requests = phase.plan.plan(run, run.pool)
        return requests, await asyncio.gather(*(phase.explore.explore(run, request) for request in requests))

    return asyncio.run(all_of())


def test_what_the_documents_answer_is_attempted_and_nothing_else(opened):
    run = opened(RECIPE, model=ScriptedModel(script=writing))
    requests, made = explored(run)
    kept = refused = 0
    for request, (proposals, *solved) in zip(requests, made, strict=True):
        source = next(iter(run.pool._sources.values()))
        assert proposals.task is request.task and [a.role for a in proposals.attempts_G] == ["proposer"]
        valid = proposals.values("valid") == 1
        assert [group.key for group in solved] == [a.id for a, good in zip(proposals.attempts_G, valid, strict=True) if good]
        for group in solved:
            assert group.task.key == request.task.key == source.truth(group.task.text)
            assert group.task.origin == "model" and group.task.lineage == (group.key,) and len(group.attempts_G) == 3
            assert {a.role for a in group.attempts_G} == {"solver"}
        kept, refused = kept + valid.sum(), refused + (~valid).sum()
    assert kept and refused and run.ledger.summary()["gold_read"]["train"] == 0


def test_without_the_gate_wrong_keys_are_attempted(opened):
    open_gate = RECIPE.with_options({"explore.gate": "none"})
    run = opened(open_gate, model=ScriptedModel(script=writing))
    source = next(iter(run.pool._sources.values()))
    _, made = explored(run, open_gate)
    wrong = [source.truth(group.task.text) != group.task.key for _, *solved in made for group in solved]
    assert 0 < sum(wrong) < len(wrong)


def test_a_task_without_a_key_is_answered(opened):
    run = opened(RECIPE, model=ScriptedModel(script=writing, skill=1.0))
    task = replace(run.pool.draw(run.rng("x"), 1)[0], key="", prompt="home of Nobody?")
    [group] = asyncio.run(RECIPE.phases[0].explore.explore(run, RECIPE.phases[0].plan.request(run, task)))
    assert [a.role for a in group.attempts_G] == ["solver"] and group.key == task.id


def test_a_question_stands_between_marks_and_does_not_say_its_answer():
    def said(text):
        return Attempt(id="a", task="t", payload=None, text=text)

    assert posed(said("so: <question> pet of Ba? </question>"), "moling") == "pet of Ba?"
    assert posed(said("<question>a?</question> or <question>b?</question>"), "moling") == "b?"
    assert posed(said("pet of Ba?"), "moling") == posed(said("<question>is it a Moling?</question>"), "moling") == ""


def test_a_proposal_keeps_what_it_was_told(opened):
    run = opened(RECIPE, model=ScriptedModel(script=writing))
    _, made = explored(run)
    for proposals, *_ in made:
        for attempt in proposals.attempts_G:
            assert told(attempt) == (Search().call(proposals.task.key, proposals.task).text,)


def test_two_equal_questions_are_two_tasks(opened):
    run = opened(RECIPE)
    task = run.pool.draw(run.rng("x"), 1)[0]
    one, other = (question_of(task, Attempt(id=i, task=task.id, payload=None, text="<question>pet of Ba?</question>")) for i in "ab")
    assert one.prompt == other.prompt and one.id != other.id
    with pytest.raises(BadInput, match="both roles"):
        Propose(write=Converse())


CALLS = []


@pytest.fixture
def counted(monkeypatch):
    plain = Search.call
    monkeypatch.setattr(Search, "call", lambda self, argument, task: (CALLS.append(argument), plain(self, argument, task))[1])
    CALLS.clear()


def test_a_run_killed_after_any_wave_ends_as_if_untouched(tmp_path, counted):
    """Every wave of the first step: inside a search of the author, between proposal, gate and solving, inside a solver's search."""
    one = played(live_run(RECIPE, tmp_path / "one", model=ScriptedModel(script=writing)))
    journal, made = (tmp_path / "one/journal.bin").read_bytes(), len(CALLS)
    one.folder.journal.close()
    with (tmp_path / "one/journal.bin").open("rb") as file:
        whole, _, _ = records(file)
        held = list(waves(tmp_path / "one/journal.bin"))
    kinds = [(wave["kind"], wave["keys"][0].split("/")[1]) for wave in held]
    assert {("call", "proposer"), ("sample", "reader"), ("call", "solver")} <= set(kinds)
    for kept in range(1, len(whole) // 2 + 1):
        path = tmp_path / f"killed-{kept}"
        path.mkdir()
        (path / "journal.bin").write_bytes(journal[: whole[kept - 1].at + whole[kept - 1].size])
        CALLS.clear()
        two = played(live_run(RECIPE, path, model=ScriptedModel(script=writing)))
        two.folder.journal.close()
        replayed = sum(len(wave["keys"]) for wave in held[:kept] if wave["kind"] == "call")
        assert len(CALLS) == made - replayed, kinds[kept - 1]
        assert (path / "journal.bin").read_bytes() == journal and two.ledger.snapshot() == one.ledger.snapshot()
        assert two.state == one.state and two.model.skill == one.model.skill


def test_the_start_answers_with_the_tools_too():
    assert RECIPE.by_method and not RECIPE.remembers and not get_recipe("ttrl").by_method
    assert not replace(RECIPE, decide=None).by_method
