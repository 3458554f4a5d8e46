"""Programs that ask, answer and write their successors: the choice of parents by hand, viability, walls, and stops."""

import asyncio
import json
import math

import pytest

from scripted_run import live_run, played
from selftaught.explore import Archive, Evolve, first_agent
from selftaught.explore.agent import told, wished
from selftaught.explore.archive import best_of, chances, first, stones
from selftaught.jobs.fits import fit_machine
from selftaught.parts import BadInput
from selftaught.recipe import get_recipe
from selftaught.run.journal import records, waves
from selftaught.run.method import Method
from selftaught.tools import Program

RECIPE = get_recipe("dgm").with_options({"plan.tasks": 3, "plan.n": 2, "0.steps": 3, "every": 1})
GRADES = "def main(data):\n    import {what}\n    return str({what})"


def entry(score, parent=None, source=""):
    return {"source": source, "score": score, "parent": parent, "tasks": 4}


def test_a_parent_is_drawn_by_its_score_and_its_few_children():
    found = chances([entry(0.5), entry(0.7, 0), entry(0.3, 0)])
    weights = [0.5 / 3, 1 / (1 + math.exp(-2)), 1 / (1 + math.exp(2))]
    assert found == pytest.approx([weight / sum(weights) for weight in weights])


def test_stones_are_ancestors_of_the_best_that_scored_below_their_parents():
    # 0.5 -> 0.4 -> 0.6 -> 0.3 -> 0.9: two steps down on the way; the branch beside it does not count.
    line = [entry(0.5), entry(0.4, 0), entry(0.6, 1), entry(0.3, 2), entry(0.1, 0), entry(0.9, 3)]
    assert stones(line) == 2 and stones([entry(0.5)]) == 0 and stones([entry(0.2), entry(0.9, 0)]) == 0


def test_the_first_agent_knows_a_result_a_wrong_step_and_how_to_choose():
    assert first_agent.result("1+1=2 #### 3 ") == "3" and first_agent.steps("1+1=2 #### 3") == "1+1=2" and first_agent.number("x-4 y") == -4
    assert first_agent.wrong("1+1=2 2*3=7 9-4=6") == 2 and first_agent.wrong("(1+2)*3=9 11*11=121") == 0
    assert first_agent.answer("p", ["a", "b"]) == "a" and first_agent.ask("p") == {"prompt": "p", "n": 4, "temperature": 1.0}


def test_a_successor_differs_compiles_and_may_write_otherwise():
    texts = {first_agent.write(first(), seed) for seed in range(60)}
    assert first_agent.write(first(), 3) == first_agent.write(first(), 3) and len(texts) > 40
    for text in texts:
        compile(text, "program", "exec")
    changed = [text for text in texts if "CHANGES = 2" not in text or "(4, 4, 1)" not in text]
    assert changed, "what decides how it edits is its own to edit"


@pytest.mark.parametrize("said", [None, 3, {}, {"prompt": "p", "n": 0, "temperature": 1.0}, {"prompt": "p", "n": True, "temperature": 1},
                                  {"prompt": "p", "n": 1, "temperature": math.nan}, {"prompt": 1, "n": 1, "temperature": 1}])  # fmt: skip
def test_what_cannot_be_asked_is_not(opened, said):
    run = opened(RECIPE)
    [request, *_] = RECIPE.phases[0].plan.plan(run, run.pool)
    assert wished(said, request) is None
    prompt, n, settings = wished({"prompt": "p", "n": 99, "temperature": 0}, request)
    assert (prompt, n, settings.temperature) == ("p", request.n, 0.0), "never more than the plan allows"


def test_a_program_reaches_neither_checker_nor_task_nor_disk(opened):
    run, tool = opened(RECIPE), Program()
    task = run.pool.draw(run.rng("x"), 1)[0]
    for what in ("selftaught.tasks.families.countdown", "torch"):
        assert asyncio.run(told(run, task, tool, what, GRADES.format(what=what), {})) is None
    reads = "def main(data):\n    return open('/etc/hostname').read()"
    assert json.loads(tool.call(json.dumps({"program": reads, "data": 0}), task).text)["why"]
    assert asyncio.run(told(run, task, tool, "echo", "def main(data):\n    return sorted(data)", {"prompt": 1})) == ["prompt"]


def test_only_what_still_asks_answers_and_writes_is_viable(opened):
    run = opened(RECIPE)
    [group] = asyncio.run(RECIPE.phases[0].explore.explore(run, RECIPE.phases[0].plan.plan(run, run.pool)[0]))
    part = Evolve(tool=Program())
    for i, broken in enumerate(("return max(replies", "return ast.unparse(tree)", 'return {"prompt"')):
        assert broken in first()
        text = first().replace(broken, broken.replace("return", "raise ValueError #"))
        text = text.replace("raise ValueError # max(replies", "raise ValueError #")
        assert not asyncio.run(part.viable(run, group, text, f"broken-{i}"))
    assert asyncio.run(part.viable(run, group, first(), "whole")) and not asyncio.run(part.viable(run, group, None, "none"))


def test_all_that_were_scored_are_kept_and_the_best_is_a_file_of_the_generation(tmp_path):
    run = played(live_run(RECIPE, tmp_path / "run"))
    run.folder.journal.close()
    archive = run.state["archive"]
    assert len(archive["programs"]) == 3 and all(p["tasks"] == 3 and 0 <= p["score"] <= 1 for p in archive["programs"])
    assert archive["programs"][0]["source"] == first() and archive["programs"][1]["parent"] == 0
    for generation in ("00000", run.folder.pointers["latest"]):
        written = tmp_path / "run/generations" / generation / "state/archive/program.py"
        held = Archive().initial() if generation == "00000" else archive
        assert not written.exists() or written.read_text() == best_of(held)
    assert written.exists() and "state/archive/program.py" in (written.parents[2] / "hashes.json").read_text()


def test_the_method_is_the_best_program_and_a_run_gone_back_has_the_archive_of_then(tmp_path):
    run = live_run(RECIPE, tmp_path / "run")
    good = "def main(data):\n    return {'prompt': 'x', 'n': 1, 'temperature': 0} if data['do'] == 'ask' else 'best'"
    archive = {"programs": [entry(0.9, source=good), entry(0.2, 0, first())], "candidate": {"source": first(), "parent": 0}}
    tasks = run.pool.draw(run.rng("x"), 2)
    for state, texts in ((archive, {"best"}), (Archive().initial(), None)):
        replies = asyncio.run(Method(run, run.settings, 3, "x", state={"archive": state}).reply(tasks))
        assert {reply.text for reply in replies} == texts if texts else "best" not in {reply.text for reply in replies}
    run.folder.journal.close()


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_run_killed_inside_an_evaluation_and_gone_on_with_equals_one_that_was_not(tmp_path, share):
    one = played(live_run(RECIPE, tmp_path / "one"))
    one.folder.journal.close()
    journal = tmp_path / "one/journal.bin"
    with journal.open("rb") as file:
        whole, _, _ = records(file)
    kept = int(share * len(whole))
    assert {wave["kind"] for wave in waves(journal)} == {"call", "sample"}
    (tmp_path / "two").mkdir()
    (tmp_path / "two/journal.bin").write_bytes(journal.read_bytes()[: whole[kept].at + whole[kept].size])
    two = played(live_run(RECIPE, tmp_path / "two"))
    two.folder.journal.close()
    assert (tmp_path / "two/journal.bin").read_bytes() == journal.read_bytes()
    assert two.state == one.state and two.ledger.snapshot() == one.ledger.snapshot()


@pytest.mark.parametrize(("parents", "from_"), [("latest", {1}), ("best", {0}), ("archive", {0, 1})])
def test_the_archive_goes_back_and_the_latest_goes_on(opened, parents, from_):
    run, found = opened(RECIPE), set()
    [group] = asyncio.run(RECIPE.phases[0].explore.explore(run, RECIPE.phases[0].plan.plan(run, run.pool)[0]))
    for seed in range(12):
        run.seed = seed
        part = Evolve(parents=parents, tries=1)
        # The best has a child, so that the other is drawn at times too.
        found.add(asyncio.run(part.successor(run, group, [entry(0.6, source=first()), entry(0.4, 0, first())]))["parent"])
    assert found == from_
    with pytest.raises(BadInput, match="parents"):
        Evolve(parents="none")


def test_all_programs_are_scored_on_the_same_tasks(opened):
    run, other = opened(RECIPE), opened(RECIPE, seed=1)
    plan = RECIPE.phases[0].plan
    first_step = [task.id for task in plan.drawn(run, run.pool)]
    run.position = 2
    assert [task.id for task in plan.drawn(run, run.pool)] == first_step != [task.id for task in plan.drawn(other, other.pool)]


def test_where_nothing_holds_programs_the_recipe_is_refused_before_anything_is_opened(monkeypatch):
    fit_machine(RECIPE)
    monkeypatch.setattr("selftaught.tools.program.found", lambda: ("none", "bubblewrap is not installed"))
    with pytest.raises(BadInput, match="programs are not run here.*bubblewrap is not installed.*install bubblewrap"):
        fit_machine(RECIPE)
    fit_machine(get_recipe("ttrl"))
