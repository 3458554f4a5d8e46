"""A memory: what is written, quoted and forgotten, and that a run with one is stopped and resumed like any other."""

import asyncio
import json
import math
from dataclasses import replace
from types import SimpleNamespace

import pytest

from scripted_run import live_run, played
from selftaught.explore import Memory, Recall, Remember, Retry
from selftaught.explore.memory import LONGEST, cut, forgotten, likeness, rarity, reminded, words
from selftaught.models.scripted import ScriptedModel
from selftaught.parts import BadInput
from selftaught.recipe import get_recipe
from selftaught.run.journal import records
from selftaught.run.method import Method
from selftaught.tasks.families.shelves import Shelves
from selftaught.types import Group, Message, Task, Tokens

RECIPE = get_recipe("omne-ltm").with_options({"steps": 12, "every": 4, "updates.most": 6, "explore.tokens": 600})


def entry(cue, answer, step=0):
    return {"cue": cue, "answer": answer, "step": step}


def reading(request, rng, skill):
    """Answers from the newest line about the customer, else 0."""
    *notes, question = request.messages[-1].content.splitlines()
    own = words(question) & {"ana", "ben", "cleo", "dan"}
    known = [line.split()[-1] for line in notes if line.startswith("- ") and own & words(line)]
    return f"#### {known[-1] if known else 0}"


@pytest.fixture
def made():
    """Opens runs, and closes them."""
    runs = []

    def open_run(folder, model=None):
        runs.append(live_run(RECIPE, folder, sources=("shelves:level=1",), model=model or ScriptedModel(script=reading)))
        return runs[-1]

    yield open_run
    for run in runs:
        run.folder.journal.close()


def recalled(entries, text, **options):
    """What is quoted of a memory, at one token a byte."""
    run = SimpleNamespace(
        state={"memory": entries}, tokens=lambda messages: Tokens(ids=[0] * len(messages[0].content), sampled=None, logprobs=None)
    )
    return [e["answer"] for e in Recall(**options).recalled(run, Task(id="t", prompt=text))]


def test_rare_words_weigh_more_by_hand():
    entries = [entry("a red box", "1"), entry("a red cup", "2"), entry("a blue cup", "3")]
    weights = rarity(entries)
    assert weights["blue"] == pytest.approx(math.log(1 + 2.5 / 1.5)) and weights["red"] == pytest.approx(math.log(1 + 1.5 / 2.5))
    assert (
        weights["a"] == pytest.approx(math.log(1 + 0.5 / 3.5)) and likeness(words("Blue?"), words("a blue cup"), weights) == weights["blue"]
    )
    assert recalled(entries, "a blue box", tokens=27) == ["3"] and recalled(entries, "a cup", tokens=27) == ["3"]
    assert recalled(entries, "blue red", tokens=1000) == ["1", "2", "3"] and recalled(entries, "none", tokens=1000) == []


def test_both_orders_fill_the_same_tokens_and_stand_as_written():
    entries = [entry(f"cup {'red' if i % 2 else 'blue'} {i:02d}", str(i % 10)) for i in range(40)]
    size = len("- cup red 00 0\n")
    room = len("Remembered:\n") + 5 * size
    alike, newest = (recalled(entries, "a red one", tokens=room, by=by) for by in ("likeness", "recency"))
    assert alike == ["1", "3", "5", "7", "9"] and newest == ["6", "7", "8", "9"]
    assert recalled(entries, "a red one", tokens=0) == []
    assert recalled([entry("x", "1")], "x", tokens=1000) == ["1"]


def test_what_is_said_twice_is_forgotten_first():
    entries = [entry("box for Ana", "1"), entry("cup for Ben", "2"), entry("cup for Ana", "1"), entry("hat for Cleo", "1")]
    assert forgotten(entries) == 0
    assert forgotten([entry("a", "1"), entry("b", "2")]) == 0
    pairs = [
        (likeness(words(entries[i]["cue"]), words(entries[j]["cue"]), rarity(entries)), -j, -i)
        for j in range(4) for i in range(j) if entries[i]["answer"] == entries[j]["answer"]
    ]  # fmt: skip
    assert -max(pairs)[2] == forgotten(entries)


def test_a_quotation_is_one_line_an_entry_above_the_last_question():
    assert cut("one\n\nUser: two\t three") == "one User: two three" and len(cut("x" * 999)) == LONGEST
    turns = (Message("system", "s"), Message("user", "q"), Message("assistant", "a"), Message("user", "r"))
    assert reminded(turns, "N") == (*turns[:3], Message("user", "N\n\nr"))


def test_a_stream_is_remembered_and_bounded(made, tmp_path):
    run = played(made(tmp_path / "run"))
    rewards = [row["reward"] for row in run.watcher.steps]
    memory = run.state["memory"]
    assert len(memory) == 6 == run.watcher.steps[-1]["remembered"] and len({e["cue"] for e in memory}) == 6
    assert rewards[0] == 0 and sum(rewards[-6:]) >= 4
    # an answer is read to grade every attempt, and shown where none was right
    assert run.ledger.summary()["gold_read"]["train"] == 12 + rewards.count(0.0)
    text = (tmp_path / "run/generations/00012/state/memory/memory.txt").read_text()
    assert text == Memory().files(memory)["memory.txt"] and text.count("\n") == 6
    assert not list((tmp_path / "run/generations").glob("00000/state/memory/*"))
    run.folder.journal.close()


def test_the_attempt_holds_the_quotation_and_the_group_the_task(made, tmp_path):
    run = made(tmp_path / "run")
    [task] = run.pool.draw(run.rng("x"), 1)
    run.states["memory"] = [entry(task.text, "7")]
    for then in (Recall().then, Retry()):
        [group] = asyncio.run(Recall(then=then).explore(run, RECIPE.phases[0].plan.request(run, task)))
        assert group.task == task and group.attempts_G[0].messages[0].content.startswith(f"Remembered:\n- {task.text} 7\n\n")
        assert group.attempts_G[0].task == task.id
    assert Recall(then=Retry()).continues and not Recall().continues


def test_a_rewarded_answer_needs_no_feedback_and_an_unanswered_task_leaves_nothing(made, tmp_path):
    run = made(tmp_path / "run", model=ScriptedModel(skill=1.0))
    run.begin_step(RECIPE.phases[0], of=1)
    tasks = run.pool.draw(run.rng("x"), 2)
    request = RECIPE.phases[0].plan.request(run, tasks[0])
    [group] = asyncio.run(Recall().explore(run, request))
    [group] = asyncio.run(RECIPE.phases[0].read[0].read(run, [group]))
    read = run.ledger.total("gold", "train")
    unknown = Group(key="u", task=replace(tasks[1], sealed=None), attempts_G=group.attempts_G)
    run.stage = "update"
    asyncio.run(Remember().update(run, [group, unknown]))
    right = run.answer(group.attempts_G[0].text, tasks[0]) if group.values()[0] >= 1 else None
    assert [e["cue"] for e in run.state["memory"]] == [tasks[0].text]
    assert right is None or run.ledger.total("gold", "train") == read and run.state["memory"][0]["answer"] == right


@pytest.mark.parametrize("kept", [2, 9, 17])
def test_a_run_killed_within_a_step_and_resumed_is_the_same(made, tmp_path, kept):
    one = played(made(tmp_path / "one"))
    journal = tmp_path / "one/journal.bin"
    with journal.open("rb") as file:
        whole, _, _ = records(file)
    (tmp_path / "two").mkdir()
    (tmp_path / "two/journal.bin").write_bytes(
        journal.read_bytes()[: whole[min(kept, len(whole)) - 1].at + whole[min(kept, len(whole)) - 1].size]
    )
    two = played(made(tmp_path / "two"))
    for run in (one, two):
        run.folder.journal.close()
    assert (tmp_path / "two/journal.bin").read_bytes() == journal.read_bytes()
    assert json.dumps(one.snapshot()["state"]) == json.dumps(two.snapshot()["state"]) and one.ledger.snapshot() == two.ledger.snapshot()


def test_a_method_is_asked_with_the_memory_it_is_given(made, tmp_path):
    run = played(made(tmp_path / "run"))
    held = run.pool.draw(run.rng("y"), 8)
    right = {}
    for label, state in (("empty", run.recipe.initial()), ("full", None)):
        replies = asyncio.run(Method(run, run.settings, 1, label, state=state).reply(held))
        right[label] = sum(reply.text != "#### 0" for reply in replies)
    assert right["empty"] == 0 and right["full"] >= 6
    # nothing is shown beside a run, whatever a part asks for
    assert Method(run, run.settings, 1, "x").reveal(held[0]) is None
    run.folder.journal.close()


def test_values_out_of_range_are_refused():
    for wrong in (lambda: Recall(tokens=-1), lambda: Recall(by="luck"), lambda: Remember(most=0)):
        with pytest.raises(BadInput):
            wrong()


def test_solve_and_chat_answer_with_what_a_run_remembers(cli, monkeypatch, tmp_path):
    monkeypatch.setattr("selftaught.models.scripted.ScriptedModel.__init__.__defaults__", (0.5, reading, 0.05))
    options = ("--steps", "12", "--explore.tokens", "600", "--no-gate", "--no-forecast")
    code, _, err = cli("improve", "omne-ltm", "--model", "scripted", "--tasks", "shelves:level=1", *options, "--out", "run")
    assert code == 0, err
    shelf = Shelves(customers=4, shelves=4).work(("Ana", "hat"))[1]
    code, out, err = cli("solve", "A hat came. Which shelf is for Ana?", "--with", "run", "--work")
    assert code == 0 and shelf in out.split(), err
    code, out, _ = cli("solve", "A hat came. Which shelf is for Ana?", "--model", "scripted", "--with", "omne-ltm", "--work")
    assert code == 0 and "0" in out.split()
    code, out, _ = cli("chat", "run", typed="A hat came. Which shelf is for Ana?\n\n")
    assert code == 0 and [line.split() for line in out.splitlines() if ":" in line] == [["before:", "####", "0"], ["after:", "####", shelf]]
    code, _, err = cli("solve", "A hat?", "--with", "run", "--seed", "3")
    assert code == 2 and "leave out --seed" in err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run"]


def test_the_gate_finds_what_a_memory_is_worth(cli, monkeypatch):
    monkeypatch.setattr("selftaught.models.scripted.ScriptedModel.__init__.__defaults__", (0.5, reading, 0.05))
    words = (
        "improve",
        "omne-ltm",
        "--model",
        "scripted",
        "--tasks",
        "shelves:level=1",
        "--explore.tokens",
        "600",
        "--held-out-count",
        "30",
    )
    code, out, err = cli(*words, "--steps", "16", "--out", "run", "--json")
    result = json.loads(out.splitlines()[-1])
    assert code == 0 and result["verdict"] == "improved" and result["before"] < 0.2 < 0.6 < result["after"], err
    code, out, err = cli("gate", "run", "--json")
    again = json.loads(out.splitlines()[-1])
    assert code == 0 and [again[key] for key in ("verdict", "before", "after")] == [
        result[key] for key in ("verdict", "before", "after")
    ], err
    code, out, _ = cli("measure", "last-quarter", "--model", "run", "--json")
    rows = {row["name"]: row["value"] for row in json.loads(out.splitlines()[-1])["rows"]}
    assert rows["result"] > rows["start"] == 0.0 or rows["result"] >= rows["start"]
    assert cli("improve", "--resume", "--out", "run", "--json")[0] == 0
