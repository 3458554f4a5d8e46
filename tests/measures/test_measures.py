"""Measures by hand numbers on a subject made by hand, and on models, runs and score files."""

import asyncio
import json
from types import SimpleNamespace

import numpy as np
import pytest

from selftaught.commands.measure import lines
from selftaught.jobs.measuring import measure, of_run
from selftaught.measures.exploitability import exploitability, text_policy
from selftaught.measures.probe import feature_variance, features_of, probe
from selftaught.models.modules.model import ModuleModel
from selftaught.models.scripted import ScriptedModel
from selftaught.parts import BadInput, find, named, shelf
from selftaught.recipe import get_recipe
from selftaught.report import write_measure
from selftaught.statistics.evaluated import evaluated
from selftaught.tasks.games import Games
from selftaught.tasks.pages import Pages, town
from selftaught.tasks.source import parse_source
from selftaught.tasks.tables import Tables
from selftaught.types import Attempt, Group, SamplerSettings, Task
from selftaught.worlds.kuhn import Kuhn
from writer import writing

UNITS = ("task", "row", "node", "deal", "seed", "group", "step")


def subject(**has):
    return SimpleNamespace(**{"seed": 1, "weights": "policy", "sources": (), "settings": SamplerSettings()} | has)


def found(text, on, which="measure"):
    return asyncio.run(getattr(named("measure", text), which)(on))


@pytest.mark.parametrize("name", shelf("measure"))
def test_says_what_it_is(name):
    made = find("measure", name)()
    assert made.unit in UNITS and made.takes in ("words", "rows", "games", "graph", "") and made.label
    declared = type(made).measure_baseline is not find("measure", "pass-1").measure_baseline
    assert declared == bool(made.baseline), "a baseline is named exactly where it is measured"


def answered(correct, best, answers=()):
    """A subject whose attempts are given."""

    async def drawn(n, best=False):
        asked.append((n, best))
        return SimpleNamespace(correct_B_n=np.array(correct, np.float32), best_B_m=np.array(best_, np.float32), answers_B_n=answers)

    asked, best_ = [], best
    return subject(answered=drawn), asked


def test_right_answers_by_hand():
    on, asked = answered([[1, 0, np.nan, 0], [1, 1, 1, 0], [np.nan] * 4], [[1], [0], [1]])
    stated, best = found("pass-1:n=4", on), found("pass-1-best", on)
    assert stated.value == pytest.approx((1 / 3 + 3 / 4) / 2) and stated.n == 2 and 0 <= stated.low < stated.value < stated.high <= 1
    assert best.value == pytest.approx(2 / 3) and best.unit == "task" and asked == [(4, False), (16, True)]
    on, _ = answered([[0] * 15 + [1], [0] * 16], [[0], [0]])
    assert found("pass-16", on).per_item.tolist() == [1, 0]


def test_a_vote_and_one_attempt_by_hand():
    """Three of four say the same: right on the first task, wrong on the second."""
    on, asked = answered([[1, 1, 1, 0], [0, 0, 0, 1]], [[0], [0]], (("a", "a", "a", "b"), ("c", "c", "c", "d")))
    vote = asyncio.run(find("measure", "vote")(k=3).measure(on))
    one = asyncio.run(find("measure", "vote")(k=3).measure_baseline(on))
    assert vote.per_item.tolist() == [1, 0] and one.value == pytest.approx(0.5) and asked == [(6, False)] * 2


def test_second_turns_by_hand_with_the_same_noise_on_both_sides():
    asked = []

    async def sample(requests):
        asked.extend(requests)
        return [[SimpleNamespace(text=f"{request.task.id}{i}{request.role}") for i in range(request.n)] for request in requests]

    async def check(task, texts, purpose, gold):
        assert purpose == "evaluate" and gold
        # First answers are right in the first draft alone, second ones of task a in all four.
        return [float(text in ("a0solver", "b0solver") or text.endswith("reviser") and task.id == "a") for text in texts]

    tasks = [Task(id="a", prompt="x"), Task(id="b", prompt="y")]
    on = subject(run=SimpleNamespace(check=check), model=SimpleNamespace(sample=sample), tasks=tasks, once=lambda key, ask: ask())
    assert found("first-answer", on).per_item.tolist() == [0.25, 0.25]
    assert found("second-answer", on).per_item.tolist() == [1, 0]
    assert found("second-answer", on, "measure_baseline").per_item.tolist() == [0.25, 0.25]
    assert found("answer-mended", on).per_item.tolist() == [0.75, -0.25]
    policy = list(asked)
    asked.clear()
    on.weights = "start"
    found("answer-mended", on)
    assert [r.noise for r in asked] == [r.noise for r in policy[-len(asked) :]] and {r.weights for r in asked} == {"start"}
    assert {r.key for r in asked}.isdisjoint(r.key for r in policy)


def test_weights_that_changed():
    model = SimpleNamespace(digest=lambda weights: "same" if weights == "start" else "other")
    assert found("weights-changed", subject(model=model)).value == 1
    start = found("weights-changed", subject(model=model, weights="start"))
    assert start.value == 0 and np.isnan(start.low) and start.n == 1


def test_exploitability_is_of_the_one_game_among_the_tasks():
    model = ScriptedModel()
    run = SimpleNamespace(world=lambda name, options: Kuhn())
    on = subject(model=model, run=run, sources=(Games(game="kuhn"),))
    policy = asyncio.run(text_policy(model, Kuhn(), n=16, settings=SamplerSettings(max_tokens=8)))
    assert found("exploitability:lines=16,max-tokens=8", on).value == pytest.approx(exploitability(Kuhn(), policy))
    with pytest.raises(BadInput, match="--tasks game:kuhn"):
        found("exploitability", subject(model=model, run=run))


def test_probes_are_of_features_and_of_raw_rows():
    recipe = get_recipe("t-jepa")
    table = Tables(table="wine")
    [task] = table.draw("width", 1, "train")
    model = ModuleModel.open(recipe.model, task.payload, recipe.with_options(recipe.tiny).modules)
    on = subject(model=model, sources=(table,), weights="start")
    train, test = table.rows("train"), table.rows("held-out")
    features = [asyncio.run(features_of(model, values, "start")) for values, _ in (train, test)]
    by_hand = probe((features[0], train[1]), (features[1], test[1]), "linear", (0, 1, 2))
    assert np.array_equal(found("probe:fit=linear", on).per_item, by_hand.per_item) and by_hand.unit == "row"
    raw = found("probe:fit=linear", on, "measure_baseline")
    assert np.array_equal(raw.per_item, probe(train, test, "linear", (0, 1, 2)).per_item)
    assert found("feature-variance", on).value == pytest.approx(np.log(feature_variance(features[1])))
    with pytest.raises(BadInput, match="one table at a time"):
        found("probe", subject(sources=(table, Tables(table="digits"))))


def test_a_score_file(tmp_path):
    file = tmp_path / "scores.jsonl"
    file.write_text("".join(f'{{"task": "{i}", "attempt": {j}, "score": {int(i < 5)}}}\n' for i in range(20) for j in range(2)))
    table = measure("pass-1", str(file))
    assert [(row["name"], row["value"], row["n"]) for row in table["rows"]] == [("scores", 0.25, 20)]
    assert 0 < table["rows"][0]["low"] < 0.25 < table["rows"][0]["high"] < 1
    for text, options, said in (("vote", {}, "asks a model"), ("pass-1", {"tasks": ("sums",)}, "leave out --tasks")):
        with pytest.raises(BadInput, match=said):
            measure(text, str(file), **options)


def test_a_run_has_two_sides_and_their_difference(tmp_path):
    """What its verdict holds is read, not asked again."""
    folder = tmp_path / "run"
    folder.mkdir()
    job = {"recipe": "ttrl", "model": "scripted", "tasks": ["sums:level=1"]}
    (folder / "run.json").write_text(json.dumps({"job": job}))
    sides = {"start": {"stated": [0.0, 0.5, 0.5]}, "result": {"stated": [0.5, 0.5, 1.0]}}
    (folder / "held_out.json").write_text(json.dumps(sides))
    table = measure("pass-1", str(folder))
    assert [row["name"] for row in table["rows"]] == ["start", "result", "difference"] and table["tasks"] == ["sums:level=1"]
    assert [row["value"] for row in table["rows"]] == pytest.approx([1 / 3, 2 / 3, 1 / 3])
    for given, option in (({"tasks": ("sums",)}, "--tasks"), ({"held_out_count": 4}, "--count"), ({"temperature": 0.5}, "--temperature")):
        with pytest.raises(BadInput, match=f"settings of its own: leave out {option}"):
            measure("pass-1", str(folder), **given)


def test_intervals_of_shares_end_at_0_and_1_and_others_do_not():
    values = np.array([0.0] * 9 + [1.0])
    assert evaluated("x", values, bounds=(0.0, 1.0)).low == 0 and evaluated("x", values).low < 0
    assert evaluated("x", np.array([[1, np.nan], [0, 1]])).value == pytest.approx(0.75)


def test_on_the_command_line(cli, tmp_path):
    words = ("--model", "scripted", "--tasks", "sums:level=1", "--count", "4")
    assert cli("improve", "ttrl", *words[:4], "--steps", "1", "--plan.tasks", "2", "--no-gate", "--no-forecast", "--out", "run")[0] == 0
    code, out, _ = cli("measure", "vote:k=2", *words, "--json", "--out", "page.html")
    rows = json.loads(out.splitlines()[-1])["rows"]
    assert code == 0 and [row["name"] for row in rows] == ["model", "one attempt"] and "one attempt" in (tmp_path / "page.html").read_text()
    both = of_run({name: find("measure", name)() for name in ("weights-changed", "first-answer")}, tmp_path / "run")
    assert set(both["first-answer"]) == {"start", "result"} and both["weights-changed"]["start"].value == 0
    code, out, _ = cli("measure", "second-answer", "--model", "run")
    assert code == 0 and "its own first answer" in out and "difference" in out


def test_numbers_that_are_no_shares_are_shown_as_they_are(tmp_path):
    table = {
        "measure": "exploitability", "label": "exploitability", "unit": "seed", "higher": False, "share": False, "model": "m", "tasks": [],
        "rows": [{"name": "start", "n": 1, "value": 0.4209, "low": None, "high": None}],
    }  # fmt: skip
    assert lines(table)[0].endswith("less is better") and "0.421" in lines(table)[1] and "%" not in lines(table)[1]
    page = write_measure(table, tmp_path / "m.html").read_text()
    assert "0.421" in page and "42.1" not in page and "best response" in page


def test_a_reply_is_right_or_not_by_task():
    asked = []

    async def right_replies(count):
        asked.append(count)
        return np.array([1, 0, np.nan, 1], np.float32)

    made = found("reply:tasks=4", subject(right_replies=right_replies))
    assert made.value == pytest.approx(2 / 3) and made.n == 3 and made.unit == "task" and asked == [4]


def test_documents_are_read_with_every_question_and_not_without():
    asked = []

    class Reads:
        async def sample(self, requests):
            asked.extend(requests)
            return [[SimpleNamespace(text="lamp" if len(r.messages) == 2 or i == 0 else "") for i in range(r.n)] for r in requests]

    class Grades:
        async def check(self, task, texts, purpose, gold):
            assert (purpose, gold) == ("evaluate", True)
            return [float(text == "lamp") for text in texts]

    tasks = [Task(id=str(i), prompt=f"What does {i} keep?") for i in range(3)]
    on = subject(model=Reads(), run=Grades(), tasks=tasks, sources=(parse_source("records:people=16,seed=2"),))
    assert found("in-context:n=2", on).value == 1.0 and found("in-context:n=2", on, "measure_baseline").value == 0.5
    (before, question), (alone,) = asked[0].messages, asked[3].messages
    assert before.role == "system" and before.content.count("Who keeps what:") == 2 and question == alone == tasks[0].messages[0]
    assert asked[0].noise == asked[3].noise and len({request.key for request in asked}) == 6
    with pytest.raises(BadInput, match="needs documents"):
        found("in-context", subject(model=Reads(), run=Grades(), tasks=tasks))


def own_questions(of_task):
    """A subject whose method wrote these questions, as {key of a task: questions}, in a town where a pet is asked for."""
    source = Pages(people=20)
    tasks = [Task(id=key, prompt=key, key=key, source=source.text()) for key in of_task]

    async def made(asked):
        groups = []
        for task in asked:
            written = [Attempt(id=f"{task.id}/{i}", task=task.id, payload=None) for i in range(len(of_task[task.id]) + 1)]
            groups.append(Group(key=task.id, task=task, attempts_G=tuple(written)))
            for attempt, question in zip(written, of_task[task.id], strict=False):
                asks = Task(id=attempt.id, prompt=question, key=task.key, source=source.text(), origin="model")
                groups.append(Group(key=attempt.id, task=asks, attempts_G=()))
        return groups

    pool = SimpleNamespace(draw=lambda rng, count: tasks[:count])
    return subject(sources=(source,), run=SimpleNamespace(pool=pool), made=made)


def test_wrong_keys_by_hand():
    """Of three tasks: one question of two has another answer than its key; one nobody can read; none was accepted."""
    people = town(20, 0)[0]
    (name, facts), (_, others) = list(people.items())[:2]
    assert facts["pet"] != others["pet"]
    on = own_questions({facts["pet"]: [f"pet of {name}?", f"home of {name}?"], others["pet"]: ["what?"], "nothing": []})
    wrong, accepted = found("wrong-keys", on), found("proposed", on)
    np.testing.assert_array_equal(wrong.per_item, np.array([0.5, 1.0, np.nan], np.float32))
    assert wrong.value == 0.75 and not find("measure", "wrong-keys").higher
    assert accepted.per_item.tolist() == [1, 1, 0] and found("proposed:tasks=2", on).n == 2
    with pytest.raises(BadInput, match="give --tasks pages"):
        found("wrong-keys", subject(sources=(Tables(table="wine"),)))


def test_replies_are_the_methods_and_its_baseline_the_models():
    on, asked = answered([[0, 0]], [[0]])

    async def replied(n):
        return SimpleNamespace(correct_B_n=np.array([[1, 0, 1, 1]], np.float32)) if n == 4 else None

    on.replied = replied
    assert found("replies", on).value == 0.75 and found("replies", on, "measure_baseline").value == 0 and asked == [(4, False)]


def test_both_sides_of_a_run_with_tools_answer_with_them(cli, monkeypatch, tmp_path):
    """The start has searched as well as the result, in the verdict, in the measures and in `gate RUN`."""
    monkeypatch.setattr(ScriptedModel.__init__, "__defaults__", (0.5, writing, 0.05))
    words = ("--model", "scripted", "--tasks", "pages:people=40,world=1", "--steps", 2, "--plan.tasks", 4, "--held-out-count", 12)
    code, out, _ = cli("improve", "search-self-play", *words, "--json", "--out", tmp_path / "run", "--anyway")
    verdict = json.loads(out.strip().splitlines()[-1])
    assert code == 0 and verdict["before"] > 0.2 and verdict["gold_read"]["train"] == verdict["gold_read"]["select"] == 0
    measured = of_run({text: named("measure", text) for text in ("replies", "proposed:tasks=8")}, tmp_path / "run")
    assert set(measured["replies"]) == {"start", "result", "asked plainly"} and measured["replies"]["start"].value > 0.2
    assert measured["replies"]["asked plainly"].value == 0 < measured["proposed:tasks=8"]["result"].value
