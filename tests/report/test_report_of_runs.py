"""Reports of runs as they are written: what a run leaves behind is what the page reads."""

import json
import subprocess
import sys

import numpy as np

from selftaught import api
from selftaught.cli import main
from selftaught.run.folder import SHOWN_GROUPS, RunFolder
from selftaught.types import Attempt, Group, Score, Task, Tokens


def data_of(path):
    html = path.read_text(encoding="utf-8")
    return json.loads(html.partition('id="data">')[2].partition("</script>")[0])


def test_a_run_ends_with_its_report(tmp_path):
    out, sources = tmp_path / "run", ("sums:level=3", "countdown:level=1")
    job = dict(model="scripted", tasks=sources, steps=2, held_out_count=6, forecast=False, options={"plan.tasks": 8, "plan.n": 4})
    result = api.improve("ttrl", out=out, **job)
    data = data_of(out / "report.html")
    assert len(data["held"]["questions"]) == 6 and set(data["held"]["sources"]) == set(sources)
    assert sum(q["n"][0] for q in data["held"]["questions"]) + sum(q["n"][1] for q in data["held"]["questions"]) == data["held"]["attempts"]
    # What the page counts as right is what the verdict is about.
    held = [json.loads(line) for line in (out / "held_out.jsonl").read_text().splitlines()]
    first = [np.mean([a["right"] for a in row["result"][: result["attempts"]]]) for row in held]
    assert np.mean(first) == result["after"]
    assert len(data["training"]["groups"]) == 2 * SHOWN_GROUPS and {g["p"] for g in data["training"]["groups"]} == {1, 2}
    html = (out / "report.html").read_text()
    assert "--model scripted --tasks sums:level=3 countdown:level=1" in html.replace("</span> <span>", " ")
    assert "Tokens by stage" in html and "explore" in html


def test_the_command_writes_the_page_again_and_says_where(tmp_path, capsys, monkeypatch):
    from made_runs import make_run

    folder, shown = make_run(tmp_path / "run", tasks=2, count=4), []
    monkeypatch.setattr("webbrowser.open", shown.append)
    for extra in ([], ["--open"], ["--json"]):
        (folder / "report.html").unlink(missing_ok=True)
        try:
            main(["report", str(folder), *extra])
        except SystemExit as end:
            assert end.code == 0
        assert (folder / "report.html").exists()
        said = capsys.readouterr().out.strip()
        assert said == (json.dumps({"report": str(folder / "report.html")}) if extra == ["--json"] else str(folder / "report.html"))
    assert shown == [(folder / "report.html").as_uri()]


def test_the_report_needs_no_torch():
    code = "import sys, selftaught.report; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def attempt(name):
    payload = Tokens(ids=np.zeros(2, np.int32), sampled=np.ones(2, bool), logprobs=np.zeros(2, np.float32))
    return Attempt(id=name, task="t", payload=payload, text=name)


def test_groups_are_logged_evenly_with_every_note(tmp_path):
    folder = RunFolder(tmp_path / "run")
    groups = []
    for i in range(20):
        made = (attempt(f"{i}/a"), attempt(f"{i}/b"))
        notes = [Score(attempt=f"{i}/a", value=0.0, source="self", judge="vote", note="18"),
                 Score(attempt=f"{i}/a", value=0.5, source="self", judge="critic", name="critique", note="the sign was lost")]  # fmt: skip
        groups.append(Group(key=str(i), task=Task(id="t", prompt=f"task {i}", source="s"), attempts_G=made, scores=tuple(notes)))
    folder.write_groups(3, groups)
    folder.journal.close()
    rows = [json.loads(line) for line in (tmp_path / "run" / "attempts.jsonl").read_text().splitlines()]
    assert [row["task"] for row in rows] == [f"task {i}" for i in (0, 3, 6, 9, 12, 15)] and {row["step"] for row in rows} == {3}
    assert rows[0]["attempts"][0]["notes"] == ["vote: 18", "critic: the sign was lost"] and rows[0]["attempts"][1]["notes"] == []


def test_held_out_rows_and_the_ledger_are_written_whole(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.write_held_out({"task": str(i), "right": np.float32(1)} for i in range(2))
    folder.write_ledger([{"table": "tokens", "count": 3}])
    folder.journal.close()
    assert [json.loads(line)["task"] for line in (folder.path / "held_out.jsonl").read_text().splitlines()] == ["0", "1"]
    assert json.loads((folder.path / "ledger.json").read_text())["rows"] == [{"table": "tokens", "count": 3}]
    assert not list(folder.path.glob("*.part"))
