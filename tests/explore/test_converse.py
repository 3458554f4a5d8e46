"""Several turns with tools: what is asked, what is counted, and what a resume replays."""

import asyncio
from dataclasses import dataclass, replace

import pytest

from scripted_run import live_run, played
from selftaught.explore import Converse, Even
from selftaught.interaction import Reply
from selftaught.models.scripted import ScriptedModel
from selftaught.parts import BadInput
from selftaught.recipe import Phase, Recipe
from selftaught.run.journal import records, waves
from selftaught.stages import Tool
from selftaught.types import Task

CALLS = []


@dataclass(frozen=True, kw_only=True)
class Double(Tool):
    """Twice a whole number."""

    name = "double"
    about = "twice a number, as <call>double 4</call>"

    def call(self, argument: str, task: Task) -> Reply:
        CALLS.append(argument)
        return Reply(text=str(2 * int(argument)))


TALK = Converse(tools=(Double(),), turns=12)
RECIPE = Recipe(name="talk", phases=(Phase(plan=Even(tasks=2, n=2), explore=TALK, steps=2, every=1),))


def talking(request, rng, skill):
    """Doubles what it was told last, ten times over, then answers."""
    said = request.messages[-1].content
    if request.after is None:
        return "<call>double 3</call>"
    number = int(said)
    return f"#### {number}" if number > 3 * 2**10 else f"<call>double {number}</call>"


def test_a_call_is_answered_and_the_sequence_goes_on(opened):
    run = opened(RECIPE, model=ScriptedModel(script=talking))
    [group] = asyncio.run(TALK.explore(run, RECIPE.phases[0].plan.plan(run, run.pool)[0]))
    [attempt, other] = group.attempts_G
    assert attempt.text == other.text == f"#### {3 * 2**11}" and len(attempt.messages) == 1 + 2 * 11
    said = "".join(chr(i) for i in attempt.payload.ids[attempt.payload.sampled])
    assert said.count("<call>") == 11 and "12" not in said.split("</call>")[0]


def test_a_conversation_costs_what_its_tokens_cost(opened):
    run = opened(RECIPE, model=ScriptedModel(script=talking))
    [group] = asyncio.run(TALK.explore(run, RECIPE.phases[0].plan.plan(run, run.pool)[0]))
    tokens, longest = run.ledger.summary()["tokens"], len(group.attempts_G[0].payload)
    first = group.attempts_G[0].payload.opened
    # The opening is read once for both attempts, everything else once for each.
    assert tokens["prompted"] + tokens["sampled"] == 2 * longest - first
    assert run.train_reserve == 0 and run.ledger.summary()["calls"]["tool"] == 2 * 11


def test_training_is_reserved_once_for_an_attempt_that_goes_on(opened):
    from selftaught.recipe import get_recipe

    run = opened(get_recipe("ttrl"), model=ScriptedModel(script=talking))
    run.begin_step(replace(get_recipe("ttrl").phases[0], explore=TALK), of=1)
    [request, *_] = RECIPE.phases[0].plan.plan(run, run.pool)
    [group] = asyncio.run(TALK.explore(run, request))
    worst = sum(len(a.payload) + request.settings.max_tokens for a in group.attempts_G)
    assert sum(len(a.payload) for a in group.attempts_G) <= run.train_reserve <= worst
    run.settle_reserve()
    assert run.ledger.reserved == 0


@pytest.mark.parametrize("kept", [3, 12])
def test_a_resume_replays_calls_and_makes_none_twice(tmp_path, kept):
    CALLS.clear()
    one = played(live_run(RECIPE, tmp_path / "one", model=ScriptedModel(script=talking)))
    journal, made = tmp_path / "one/journal.bin", len(CALLS)
    with journal.open("rb") as file:
        whole, _, _ = records(file)
        calls = sum(len(wave["keys"]) for wave in list(waves(journal))[:kept] if wave["kind"] == "call")
    assert made == 2 * 2 * 2 * 11 and calls
    # Killed after so many waves, within the first step.
    (tmp_path / "two").mkdir()
    (tmp_path / "two/journal.bin").write_bytes(journal.read_bytes()[: whole[kept - 1].at + whole[kept - 1].size])
    CALLS.clear()
    two = played(live_run(RECIPE, tmp_path / "two", model=ScriptedModel(script=talking)))
    assert len(CALLS) == made - calls
    for run in (one, two):
        run.folder.journal.close()
    assert (tmp_path / "two/journal.bin").read_bytes() == journal.read_bytes() and one.ledger.snapshot() == two.ledger.snapshot()


def test_what_is_no_call_ends_it_and_an_unknown_tool_is_told(opened):
    assert TALK.called("it is <call>double 4</call> then") is None and TALK.called("<call>double 4") is None
    assert TALK.called("<call>a <call>double 4</call>\n") == ("double", "4") and TALK.called("<call></call>") == ("", "")
    run = opened(RECIPE)
    task = run.pool.draw(run.rng("x"), 1)[0]
    assert asyncio.run(TALK.replied(run, task, ("nope", "1"), "0")) == "no tool is called 'nope': there are double"
    failed = asyncio.run(run.call("0", task, Double(), "many"))
    assert not failed.ok and failed.text.startswith("double failed: ") and run.grader.faults.step["calls"] == (1, 1)
    with pytest.raises(BadInput, match="different names"):
        Converse(tools=(Double(), Double()))
