"""A run that was killed anywhere and resumed ends as one that was not: with a cold cache, a warm one, and one that lies."""

import gzip
import json
import re
import shutil

import pytest

from models.local_models import make_folder
from selftaught.api import improve
from selftaught.models.local import LocalModel
from selftaught.models.scripted import ScriptedModel
from selftaught.report import write_report
from selftaught.run.cache import cache_folder
from selftaught.run.journal import decode, encode

TASKS = {"tasks": ("sums:level=2",), "held_out_count": 8}
SCRIPTED = {"model": "scripted", "steps": 3, "options": {"explore.tasks": 2, "explore.n": 4, "optimizer.lr": 1.0, "every": 1}} | TASKS
FILES = ("held_out.jsonl", "held_out.json", "ledger.json", "start.json", "result.json", "steps.jsonl", "report.html")


class Killed(Exception):
    """The process is gone."""


def traces(folder):
    """Everything a run leaves behind, its report too, but times and its own name."""
    for name in ("result.json", "ledger.json", "run.json", "steps.jsonl"):
        text = re.sub(r'("[a-z_ ]*seconds"|"started"): ("[^"]*"|[\d.e-]+)', r"\1: 0", (folder / name).read_text())
        (folder / name).write_text(text.replace(str(folder), "RUN"))
    rows = [row for row in json.loads((folder / "ledger.json").read_text()) if row["table"] != "seconds"]
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
        _, rows = decode(gzip.decompress(path.read_bytes()))
        for _, attempts in rows:
            attempts[:] = attempts[::-1]
        path.write_bytes(gzip.compress(encode(["0" * 32, [[task, list(attempts)] for task, attempts in rows]])))


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


def test_a_scripted_run_killed_at_any_wave_and_resumed(tmp_path, kill):
    assert same_as_whole(tmp_path, kill, ScriptedModel, "sample", SCRIPTED) > 20


@pytest.mark.parametrize("adapter", ["", "lora"])
def test_a_real_model_killed_while_it_learns_and_resumed(tmp_path, kill, adapter):
    """Where the start was measured from, a resumed run has trained weights loaded."""
    model = str(make_folder(tmp_path / "model", "llama", chat=False))
    options = {"explore.tasks": 2, "every": 1, "optimizer.lr": 3e-3}
    job = {"model": model, "adapter": adapter, "steps": 2, "options": options, "max_tokens": 4, "answer": "text"} | TASKS
    caches = ("cold", "foreign") if adapter else ("warm",)
    assert same_as_whole(tmp_path, kill, LocalModel, "learn", job, "sft-unfiltered", caches, every=1) == 2 * len(caches)
