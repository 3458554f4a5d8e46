"""docs/json.md names every key of every `--json` output, and no other; whatever is planted, no command prints control characters."""

import io
import json
import re
from pathlib import Path

import pytest

from planting import EVIL, FORGED, SENT, clean, plant
from selftaught.commands.shared import percent
from selftaught.compare.table import tabled
from selftaught.parts import shelf

PAGE = (Path(__file__).parent.parent / "docs" / "json.md").read_text()
TASKS = ("--model", "scripted", "--tasks", "tasks.jsonl", "--max-tokens", "200")
RUN = ("improve", "ttrl", *TASKS, "--steps", "1", "--plan.tasks", "2", "--plan.n", "2", "--held-out-count", "4")
KEY = "hf_" + "aB3dE5gH7jK9mN1pQ3sT5"
# Which sections an output has, and how it is made.
OUTPUTS = {
    ("verdict", "ledger", "improve"): (*RUN, "--off-task", "chain:level=1", "--out", "run"),
    ("dry-run",): (*RUN, "--dry-run"),
    ("verdict", "ledger", "gate"): ("gate", "scripted", "scripted", *TASKS[2:], "--held-out-count", "2"),
    ("verdict", "gate-files"): ("gate", "a.jsonl", "b.jsonl"),
    ("ledger", "evaluate"): ("evaluate", *TASKS, "--count", "2"),
    ("measure",): ("measure", "pass-1:n=2", *TASKS, "--count", "2"),
    ("ledger", "solve"): ("solve", f"Add 1+2. {EVIL}", "--work", *TASKS),
    ("show-prompt",): ("show-prompt", *TASKS),
    ("label",): ("label", "run"),
    ("report",): ("report", "run"),
}


def documented(section):
    """Keys in the tables of a section."""
    body = re.search(rf"^## {section}\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)[1]
    return [key for row in re.findall(r"^\| (`.*?) \|", body, re.MULTILINE) for key in re.findall(r"`(.+?)`", row)]


def keys(value, before=""):
    """Dotted names of everything inside."""
    if isinstance(value, dict) and value:
        return [name for key, inner in value.items() for name in keys(inner, f"{before}.{key}".strip("."))]
    if isinstance(value, list) and value:
        return [name for inner in value for name in keys(inner, f"{before}[]")]
    return [before]


def matches(pattern, key):
    """Whether a documented name stands for a key; of an empty list or a value that is unknown its own name is enough."""
    form = re.escape(pattern).replace(r"\*\*", ".*").replace(r"\*", r"[^.\[\]]+")
    return re.fullmatch(form, key) is not None or pattern.startswith((f"{key}[]", f"{key}."))


def agree(sections, value, optional=()):
    """Every key is documented in these sections, and every documented key is there."""
    known, found = [key for section in sections for key in documented(section)], set(keys(value))
    assert not [key for key in found if not any(matches(pattern, key) for pattern in known)], sections
    assert not [pattern for pattern in known if pattern not in optional and not any(matches(pattern, key) for key in found)], sections


def said_once(result, out, err):
    """A start has one number, wherever it is said."""
    start, greedy = re.search(r"start: ([\d.]+%) at T=1, greedy ([\d.]+%)", err).groups()
    rows = dict(re.findall(r"^  (start, [\w ]+?)  +([\d.]+%)", out, re.MULTILINE))
    assert start == rows["start, as stated"] == percent(result["before"]) and greedy == rows["start, greedy"]
    assert "generation" not in err and "step 1/1" in err


def one_verdict(result, out, err):
    """A run whose answers are all graded has no second number."""
    assert "Every answer is graded without labels" in out and result["value"] is None


SAID = {"improve": said_once, "label": one_verdict}


def test_every_command(cli, monkeypatch, tmp_path):
    plant(monkeypatch, tmp_path)
    monkeypatch.setenv("HF_TOKEN", KEY)
    for name, score in (("a", 0), ("b", 1)):
        rows = ({"task": str(i), "score": score * i % 2} for i in range(6))
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    for sections, words in OUTPUTS.items():
        code, out, err = clean(cli(*words, "--json"))
        assert code == 0 and ("\\x1b[2J" in out) >= (words[0] in ("solve", "show-prompt")), err
        result = json.loads(out.splitlines()[-1])
        agree(sections, result, optional={"remedy.settings.*", "remedy.minutes"})
        if words[-1] == "run" and words[0] in SAID:
            SAID[words[0]](result, out, err)
    run = tmp_path / "run"
    table = tabled({"ttrl": [run], "star": [run]}, [1], {"ttrl", "star"})
    beside = {"failed": [], "tasks": ["sums"], "model": "", "budget": 1, "settings": {"seeds": [1]}, "out": ""}
    agree(("compare",), json.loads(json.dumps(table | beside)), optional={"claims.**"})
    text = [path for path in run.rglob("*") if path.suffix in (".json", ".jsonl", ".html")]
    assert len(text) > 5 and not [path for path in text if SENT.search(path.read_text().replace("\t", ""))]
    assert not [path for path in run.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]
    monkeypatch.setattr("sys.stdin", io.StringIO(f"Add 4+5. {EVIL}\n\n"))
    assert "first line" in clean(cli("chat", "run"))[1]
    sides = {side: [{"answer": f"{side}{EVIL}"}] for side in ("start", "result")}
    (run / "held_out.jsonl").write_text(json.dumps({"task": FORGED, "text": EVIL} | sides) + "\n")
    monkeypatch.setattr("sys.stdin", io.StringIO("y\nn\n"))
    assert "\\u202e" in clean(cli("label", "run"))[2]


def test_lists(cli, monkeypatch):
    monkeypatch.setattr("selftaught.tasks.gym.source.abouts", lambda: {"chain_sum": "Sums."})
    lists = {}
    for what in ("recipes", "parts", "tasks"):
        lists |= json.loads(cli("list", what, "--json")[1])
    agree(("list",), lists)
    names = {row["name"] for row in lists["tasks"]}
    assert {"sums", "game:kuhn", "table:wine"} <= names and "gym:chain_sum" in names
    monkeypatch.setattr("selftaught.tasks.gym.source.abouts", dict)
    assert "pip install 'selftaught[gym]'" in cli("list", "tasks")[1]
    assert {f"game:{name}" for name in shelf("environment")} <= names


def test_every_section_is_about_an_output():
    sections = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    assert set(sections) == {section for known in OUTPUTS for section in known} | {"compare", "list"}


@pytest.mark.parametrize("section", re.findall(r"^## (.+)$", PAGE, re.MULTILINE))
def test_no_key_is_named_twice(section):
    assert len(documented(section)) == len(set(documented(section)))
