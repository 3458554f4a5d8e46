"""A run that was killed anywhere and resumed ends as one that was not: with a cold cache, a warm one, and one that lies."""

import gzip
import json
import re
import shutil

import pytest

from models.local_models import make_folder
from selftaught.api import improve
from selftaught.jobs.gate import gate
from selftaught.models.language.model import LanguageModel
from selftaught.models.scripted import ScriptedModel
from selftaught.prove.cache import cache_folder
from selftaught.report import write_report
from selftaught.run.journal import decode, encode

TASKS = {"tasks": ("sums:level=2",), "held_out_count": 8}
SCRIPTED = {"model": "scripted", "steps": 3, "options": {"plan.tasks": 2, "plan.n": 4, "optimizer.lr": 1.0, "every": 1}} | TASKS
FILES = ("held_out.jsonl", "held_out.json", "ledger.json", "start.json", "result.json", "steps.jsonl", "report.html")


class Killed(Exception):
    """The process is gone."""


def traces(folder):
    """Everything a run leaves behind, its report too, but times and its own name."""
    for name in ("result.json", "ledger.json", "run.json", "steps.jsonl"):
        text = re.sub(r'("[a-z_ ]*seconds"|"started"): ("[^"]*"|[\d.e-]+)', r"\1: 0", (folder / name).read_text())
        (folder / name).write_text(text.replace(str(folder), "RUN"))
    rows = [row for row in json.loads((folder / "ledger.json").read_text())["rows"] if row["table"] != "seconds"]
    (folder / "ledger.json").write_text(json.dumps(rows))
    write_report(folder)
    return {name: (folder / name).read_text().replace(folder.name, "RUN") for name in FILES}


@pytest.fixture
def kill(monkeypatch):
    """`kill(model, verb, after)`: its `after`-th call from now on never returns; None for never."""

    def at(cls, verb, after):
        plain, left = getattr(cls, f"_plain_{verb}", getattr(cls, verb)), [after]
        monkeypatch.setattr(cls, f"_plain_{verb}", plain, raising=False)

        async def asked(self, *given, **named):
            if left[0] is not None:
                left[0] -= 1
                if left[0] < 0:
                    raise Killed
            return await plain(self, *given, **named)

        monkeypatch.setattr(cls, verb, asked)

    return at


def lies():
    """Every entry of the cache says what other weights said, under the name of these."""
    for path in (cache_folder() / "draws").iterdir():
        schema, _, rows = decode(gzip.decompress(path.read_bytes()))
        for _, attempts in rows:
            attempts[:] = attempts[::-1]
        path.write_bytes(gzip.compress(encode([schema, "0" * 32, [[task, list(attempts)] for task, attempts in rows]])))


def equal(one, other, where):
    for name in FILES:
        assert one[name] == other[name], (name, *where)


def same_as_whole(tmp_path, kill, model, verb, job, recipe="ttrl", caches=("cold", "warm", "foreign"), every=5):
    shutil.rmtree(cache_folder(), ignore_errors=True)
    filled = tmp_path / "filled"
    kill(model, verb, None)
    improve(recipe, out=tmp_path / "unbroken", forecast=False, **job)
    whole = traces(tmp_path / "unbroken")
    shutil.copytree(cache_folder(), filled)
    killed = 0
    for cache in caches:
        for after in range(0, 1000, every):
            shutil.rmtree(cache_folder())
            if cache != "cold":
                shutil.copytree(filled / "draws", cache_folder() / "draws")
            if cache == "foreign":
                lies()
            folder = tmp_path / f"run-{cache}-{after}"
            kill(model, verb, after)
            try:
                improve(recipe, out=folder, forecast=False, **job)
                done = True
            except Killed:
                done, killed = False, killed + 1
                kill(model, verb, None)
                improve(out=folder, resume=True)
            equal(traces(folder), whole, (cache, after))
            if done:
                break
        improve(out=folder, resume=True)
        equal(traces(folder), whole, ("a finished run, resumed", cache))
    return killed


def test_a_scripted_run_killed_and_resumed(tmp_path, kill):
    assert same_as_whole(tmp_path, kill, ScriptedModel, "sample", SCRIPTED, caches=("foreign",), every=8) >= 2


@pytest.mark.slow
@pytest.mark.parametrize("more", [{}, {"budget": 3000}, {"gate_share": 0.25, "held_out_count": None}])
def test_a_scripted_run_killed_at_any_wave_and_resumed(tmp_path, kill, more):
    assert same_as_whole(tmp_path, kill, ScriptedModel, "sample", SCRIPTED | more, every=1) > 20


def test_a_run_whose_budget_has_ended_takes_no_step_more(tmp_path):
    job = SCRIPTED | {"steps": 40, "budget": 3000, "gate": False}
    whole = improve("ttrl", out=tmp_path / "run", forecast=False, **job)
    again = improve(out=tmp_path / "run", resume=True)
    assert whole["steps"] == again["steps"] < 40 and whole["tokens"] == again["tokens"]


def test_a_gate_sized_by_a_share_is_the_same_after_a_resume(tmp_path):
    told = []
    job = SCRIPTED | {"gate_share": 0.25, "held_out_count": None}
    whole = improve("ttrl", out=tmp_path / "run", forecast=False, say=told.append, **job)
    plan = json.loads((tmp_path / "run" / "gate.json").read_text())
    assert (plan["tasks"], plan["result"], plan["looks"]) == (60, 2, [30, 60])
    assert any(line.startswith("gate: 60 held-out tasks x 2 attempts, looked at after 30, 60") for line in told)
    seen, looked = whole["tasks"], whole["looked"]
    assert seen == looked["looks"][looked["look"] - 1] and f"look {looked['look']} of 2, {seen} of 60 tasks" in whole["sentence"]
    kept = json.loads((tmp_path / "run" / "held_out.json").read_text())
    assert kept["start"]["tasks"] == kept["result"]["tasks"] and len(kept["start"]["tasks"]) == seen
    again = improve(out=tmp_path / "run", resume=True)
    for key in ("sentence", "before", "after", "p", "looked"):
        assert again[key] == whole[key]
    checked = gate(str(tmp_path / "run"))
    assert checked["looked"]["looks"] == [30, 60] and checked["before"] == whole["before"]


def test_the_start_that_is_said_is_the_start_of_the_verdict(tmp_path):
    told = []
    result = improve("ttrl", out=tmp_path / "run", forecast=False, say=told.append, **SCRIPTED)
    [line] = [line for line in told if line.startswith("start: ")]
    assert line.startswith(f"start: {result['before']:.1%} at T=1, greedy {result['baselines']['greedy']:.1%}, 8 held-out tasks")
    assert result["vote_curve"]["1"] == result["pass_at"]["1"]["before"] == result["before"]
    assert result["baselines"]["best_temperature"] == result["best"]["before"]


@pytest.mark.slow
@pytest.mark.parametrize("adapter", ["", "lora"])
def test_a_real_model_killed_while_it_learns_and_resumed(tmp_path, kill, adapter):
    """Where the start is told from, a resumed run has trained weights loaded."""
    model = str(make_folder(tmp_path / "model", "llama", chat=False))
    options = {"plan.tasks": 2, "every": 1, "optimizer.lr": 3e-3}
    job = {
        "model": model,
        "adapter": adapter,
        "steps": 2,
        "options": options,
        "max_tokens": 4,
        "answer": "text",
        "monitors": False,
        **TASKS,
        "held_out_count": 4,
    }
    killed = same_as_whole(tmp_path, kill, LanguageModel, "learn", job, "sft-unfiltered", every=1)
    assert killed == 2 * 3


@pytest.mark.parametrize("adapter", ["", "lora"])
def test_the_start_of_a_run_that_has_learned_is_still_its_start(tmp_path, adapter):
    """Without what was kept, it is drawn again: by the weights the run began with, not by those that are loaded."""
    model = str(make_folder(tmp_path / "model", "llama", chat=False))
    options = {"plan.tasks": 2, "every": 1, "optimizer.lr": 0.1}
    job = {
        "model": model,
        "adapter": adapter,
        "steps": 1,
        "options": options,
        "max_tokens": 4,
        "answer": "text",
        "monitors": False,
        **TASKS,
        "held_out_count": 4,
    }
    improve("sft-unfiltered", out=tmp_path / "run", forecast=False, **job)
    start = json.loads((tmp_path / "run" / "start.json").read_text())
    (tmp_path / "run" / "start.json").unlink()
    (tmp_path / "run" / "journal.bin").unlink()
    shutil.rmtree(cache_folder())
    improve(out=tmp_path / "run", resume=True)
    again = json.loads((tmp_path / "run" / "start.json").read_text())
    assert again == start
    lines = [json.loads(line) for line in (tmp_path / "run" / "held_out.jsonl").read_text().splitlines()]
    assert any(line["start"][0]["text"] != line["result"][0]["text"] for line in lines), "training changed what is said"
