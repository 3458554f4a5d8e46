"""The ledger by hand: rows, totals, stages, seconds; and what requests put into it."""

import asyncio
import json
import math

import pytest

from selftaught.parts import BadInput
from selftaught.prompts import wrapped
from selftaught.recipe import get_recipe
from selftaught.run.budget import Budget
from selftaught.run.ledger import KINDS, Ledger
from selftaught.run.stopwatch import Stopwatch
from selftaught.types import Message

ASKED = (Message("user", "2+2?"),)


def tiny(name):
    recipe = get_recipe(name)
    return recipe.with_options(recipe.tiny)


def filled():
    ledger = Ledger(parameters=10, watch=Stopwatch(lambda: 0.0, lambda: 0.0))
    ledger.tokens("prompted", 100)
    ledger.tokens("sampled", 40)
    ledger.stage = "read"
    ledger.tokens("prompted", 20, "judge")
    ledger.tokens("sampled", 5, "judge")
    ledger.add("calls", "judge", 2, "judge")
    ledger.checks(8)
    ledger.stage = "credit"
    ledger.tokens("scored", 7)
    ledger.tokens("trained", 300)
    ledger.stage = "keep"
    ledger.tokens("sampled", 11, purpose="select")
    ledger.tokens("sampled", 1000, purpose="evaluate")
    ledger.tokens("prompted", 30, purpose="audit")
    ledger.gold("audit")
    for source in ("self", "self", "self", "rule"):
        ledger.add("source", source)
    return ledger


def test_summary_by_hand():
    summary = filled().summary()
    assert summary["tokens"] == {"prompted": 120, "sampled": 56, "scored": 7, "trained": 300, "evaluated": 1030}
    assert summary["flops"] == {"spent": 10 * (2 * (120 + 56 + 7) + 6 * 300), "evaluated": 10 * 2 * 1030}
    assert summary["calls"] == {"checker": 8, "judge": 2, "tool": 0}
    assert summary["gold_read"] == {"train": 0, "select": 0, "audit": 1, "evaluate": 0}
    assert summary["sources"] == {"self": 0.75, "peer": 0, "rule": 0.25, "gold": 0, "teacher": 0, "human": 0}
    none = dict.fromkeys(KINDS, 0)
    assert summary["stages"] == {
        "explore": none | {"prompted": 100, "sampled": 40}, "read": none | {"prompted": 20, "sampled": 5}, "credit": none | {"scored": 7},
        "train": none | {"trained": 300}, "keep": none | {"sampled": 11}, "evaluate": none | {"evaluated": 1000},
        "audit": none | {"evaluated": 30},
    }  # fmt: skip
    assert filled().spent == 120 + 56 + 7 + 300 and filled().calls == 8


def test_table_has_every_row_and_adds_up():
    ledger = filled()
    table = ledger.table()
    assert {"table": "tokens", "stage": "read", "role": "judge", "purpose": "train", "kind": "sampled", "count": 5} in table
    assert {"table": "flops", "stage": "train", "role": "solver", "purpose": "train", "kind": "trained", "count": 18000} in table
    assert {"table": "tokens", "stage": "evaluate", "role": "solver", "purpose": "evaluate", "kind": "evaluated", "count": 1000} in table
    flops = sum(row["count"] for row in table if row["table"] == "flops" and row["kind"] != "evaluated")
    assert flops == ledger.summary()["flops"]["spent"] and json.loads(json.dumps(table)) == table


def test_restored_ledger_is_the_same():
    ledger, other = filled(), Ledger(parameters=10)
    other.restore(json.loads(json.dumps(ledger.snapshot())))
    assert other.rows == ledger.rows and other.snapshot() == ledger.snapshot()


def test_calls_are_refused_and_counted():
    ledger = Ledger(Budget(calls=10))
    assert ledger.checks(6) and not ledger.checks(5) and ledger.checks(100, "evaluate") and ledger.checks(4, "select")
    assert ledger.calls == 10 and ledger.total("calls", "checker") == 110 and ledger.total("refused", "calls") == 1
    # Nothing more is explored, but what was made may be read, scored and learned from.
    assert not ledger.admit(1)
    ledger.stage = "read"
    assert ledger.admit(1)


def test_seconds_go_to_stages_and_survive_a_resume():
    now = [0.0]
    watch = Stopwatch(lambda: now[0], lambda: now[0] / 2)

    def passes(seconds):
        now[0] += seconds

    passes(3)
    watch.stage = "read"
    passes(4)
    with watch.outside("evaluate"):
        passes(10)
        # As coroutines do, one block begins within another and ends after it.
        second = watch.outside("evaluate")
        second.__enter__()
    passes(20)
    second.__exit__(None, None, None)
    with watch.outside("train"):
        passes(1)
    assert watch.snapshot() == {"explore": [3, 1.5], "read": [5, 2.5], "evaluate": [30, 15]}
    assert watch.seconds() == (38, 19) and watch.seconds(counted=True) == (8, 4)
    later = Stopwatch(lambda: now[0], lambda: now[0] / 2)
    later.restore(watch.snapshot())
    passes(2)
    assert later.seconds(counted=True) == (10, 5)


def test_stages_of_a_run(play):
    run = play(tiny("selftaught"))
    stages = run.ledger.summary()["stages"]
    assert {"explore", "train", "keep"} <= set(stages) and "evaluate" not in stages
    assert all(set(tokens) == set(KINDS) for tokens in stages.values())
    assert [stage for stage, tokens in stages.items() if tokens["trained"]] == ["train"]
    totals = {kind: sum(tokens[kind] for tokens in stages.values()) for kind in KINDS}
    assert totals == run.ledger.summary()["tokens"]


def test_judges_are_counted(play):
    run = play(tiny("self-rewarding-dpo"))
    sampled = [key for key in run.ledger.rows if key[:3] == ("tokens", "sampled", "judge")]
    assert sampled and {key[4] for key in sampled} == {"read"} and run.ledger.summary()["calls"]["judge"] > 0


@pytest.mark.parametrize("purpose", ["evaluate", "audit"])
def test_what_is_not_for_training_is_free_and_counted_apart(purpose, opened):
    run = opened(tiny("ttrl"), budget=1)
    [task] = run.pool.draw(run.rng("t"), 1)
    assert asyncio.run(run.sample("a", task, ASKED, n=2)) == []
    run.purpose = purpose
    attempts = asyncio.run(run.sample("a", task, ASKED, n=2))
    scores = asyncio.run(run.score("a", attempts[0].payload))
    assert len(attempts) == 2 and len(scores["logprobs"]) == len(attempts[0].payload)
    assert run.ledger.spent == run.ledger.reserved == run.train_reserve == 0
    tokens = run.model.count(ASKED) + sum(a.sampled_count for a in attempts) + len(attempts[0].payload)
    assert run.ledger.summary()["stages"] == {purpose: dict.fromkeys(KINDS, 0) | {"evaluated": tokens}}


def test_draw_keeps_noise_and_names_templates(opened):
    asked = []
    run = opened(tiny("ttrl"))
    whole = run.model.sample

    async def sample(requests):
        asked.extend(requests)
        return await whole(requests)

    run.dispatcher.performers["sample"] = sample
    tasks = run.pool.draw(run.rng("t"), 1)
    for template, purpose in (("{prompt}", "evaluate"), ("Q: {prompt} {brace}", "evaluate"), ("{prompt}", "audit")):
        [group] = asyncio.run(run.draw(tasks, 2, run.settings, "policy", "start", 3, template=template, purpose=purpose))
        assert group.task is tasks[0]
    plain, other, audit = asked
    assert len({request.key for request in asked}) == 3 and {request.noise for request in asked} == {f"evaluate/3/{tasks[0].id}"}
    assert plain.key.count("/") == 4 and plain.messages == tasks[0].messages == audit.messages
    assert other.messages[-1].content == f"Q: {tasks[0].messages[-1].content} {{brace}}"
    assert {row["purpose"] for row in run.ledger.table() if row["table"] == "tokens"} == {"evaluate", "audit"}


def test_templates_wrap_the_last_user_turn():
    talk = (Message("system", "s"), Message("user", "a"), Message("assistant", "b"), Message("user", "c {prompt}"), Message("tool", "d"))
    made = wrapped(talk, "<{prompt}>")
    assert [turn.content for turn in made] == ["s", "a", "b", "<c {prompt}>", "d"] and [t.role for t in made] == [t.role for t in talk]
    with pytest.raises(BadInput, match="has no place for the question"):
        wrapped(talk, "no place")


def test_checks_beyond_the_budget_are_not_scored(opened):
    run = opened(tiny("ttrl"), budget=Budget(calls=3), sources=("countdown:level=1",))
    [task] = run.pool.draw(run.rng("t"), 1)
    assert task.checker == "rule"
    assert all(math.isfinite(v) for v in asyncio.run(run.check(task, ["1", "2"])))
    assert all(math.isnan(v) for v in asyncio.run(run.check(task, ["1", "2"])))
    assert all(math.isfinite(v) for v in asyncio.run(run.check(task, ["1", "2"], "evaluate")))
