"""What others wrote is shown, never sent: control characters planted in every place they can come from, through every command."""

import io
import json
import re
from pathlib import Path

import pytest

import selftaught
from selftaught.models.scripted import ScriptedModel, solve
from selftaught.shown import one_line, visible

EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\u2066\x7f\x00\u200b\u2028"
SENT = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff]")
SMALL = ("--model", "scripted", "--max-tokens", "200")
# A name that would begin a line of its own.
FORGED = "x\nselftaught says all is well\r" + EVIL.replace("\x00", "")


def evil(request, rng, skill):
    """The script whose replies steer a terminal."""
    return f"{EVIL} first line\n{solve(request, rng, skill)}"


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """Files with it in prompts, columns, ids, names and answers, and a model that writes it."""
    monkeypatch.setattr(ScriptedModel.__init__, "__defaults__", (0.5, evil, 0.05))
    rows = [{FORGED: f"Add {i}+{j}. {EVIL}", "answer": str(i + j), "id": f"{i}{FORGED}{j}"} for i in range(9) for j in range(9)]
    name = f"tasks{EVIL[1:].replace(chr(0), '')}.jsonl".replace("/", "")
    Path(tmp_path, "tasks.jsonl").write_text("\n".join(json.dumps(row | {"prompt": row[FORGED]}) for row in rows))
    Path(tmp_path, name).write_text("\n".join(json.dumps(row) for row in rows))
    for side, score in (("a", 1), ("b", 0)):
        made = [{"task": row["id"], "score": score, "prompt": row[FORGED]} for row in rows[: 20 + score]]
        Path(tmp_path, f"{side}{EVIL[2:6]}.jsonl").write_text("\n".join(json.dumps(row) for row in made))
    return name


def clean(result):
    """Every character that was printed is printable, and no name began a line."""
    code, out, err = result
    sent = SENT.findall(out + err)
    assert not sent, (sent, out, err)
    assert not any(line.startswith("selftaught says all is well") for line in err.splitlines())
    return code, out, err


def test_through_every_command(cli, planted, monkeypatch, tmp_path):
    graded = ("--tasks", "tasks.jsonl", *SMALL)
    code, out, err = clean(
        cli(
            "improve",
            "ttrl",
            *graded,
            "--steps",
            1,
            "--explore.tasks",
            4,
            "--explore.n",
            2,
            "--held-out-count",
            6,
            "--no-forecast",
            "--out",
            "run",
        )
    )
    assert code == 0 and "report" in out, err
    assert clean(cli("evaluate", *graded, "--count", 4, "--answer", "number", "--system", EVIL))[0] == 0
    assert "\\x1b[2J\\x9b31m" in clean(cli("show-prompt", *graded))[1]
    assert clean(cli("solve", f"Add 4+5.{EVIL}", "--work", *SMALL))[0] == 0
    monkeypatch.setattr("sys.stdin", io.StringIO(f"Add 4+5. {EVIL}\n\n"))
    assert "first line" in clean(cli("chat", "run"))[1]
    sides = {side: [{"answer": f"{side}{EVIL}"}] for side in ("start", "result")}
    Path("run", "held_out.jsonl").write_text(json.dumps({"task": FORGED, "text": EVIL} | sides) + "\n")
    monkeypatch.setattr("sys.stdin", io.StringIO("y\nn\n"))
    assert "\\u202e" in clean(cli("label", "run"))[2]
    clean(cli("report", "run"))
    text = [path for path in Path("run").rglob("*") if path.suffix in (".json", ".jsonl", ".html")]
    assert len(text) > 5 and not [path for path in text if SENT.search(path.read_text().replace("\t", ""))]


REFUSED = [
    ("improve", FORGED), ("improve", "ttrl", f"--{FORGED}", "1"), ("improve", "ttrl", "--tasks", FORGED), ("improve", "--out", FORGED * 9),
    ("improve", "ttrl", "--template", FORGED), ("improve", "ttrl", "--explore", FORGED), ("improve", "--model", FORGED),
    ("improve", "--budget", FORGED), ("improve", "--resume", "--out", FORGED), ("evaluate", "--tasks", f"sums:{FORGED}=1"),
    ("evaluate", "--answer", f"({FORGED}"), ("solve", "x", "--with", FORGED), ("solve", "x", "--engine", FORGED), ("gate", FORGED, "b"),
    ("gate", f"{FORGED}.jsonl", "b.jsonl"), ("compare", FORGED), ("list", FORGED), ("show", FORGED), ("report", FORGED), ("label", FORGED),
    ("chat", FORGED), (FORGED,), ("show-prompt", "--chat-template-kwargs", FORGED), ("doctor", FORGED), ("evaluate", "--seed", FORGED),
]  # fmt: skip


@pytest.mark.parametrize("words", REFUSED, ids=lambda words: words[0].partition("\n")[0])
def test_in_refusals(cli, words):
    code, out, err = clean(cli(*words))
    assert code == 2 and not out and len(err.splitlines()) == 1 and "all is well" in err, err


def test_in_files_that_are_named_and_compared(cli, planted, tmp_path):
    code, out, err = clean(cli("gate", *sorted(path.name for path in tmp_path.glob("[ab]*.jsonl"))))
    assert code == 2 and len(err.splitlines()) == 1 and "\\x" in err
    code, out, err = clean(cli("gate", *sorted(path.name for path in tmp_path.glob("[ab]*.jsonl")), "--common"))
    assert code == 0 and "Worse" in out, err
    code, out, err = clean(cli("evaluate", "--tasks", f"{planted},prompt={FORGED}", *SMALL, "--count", 4))
    assert code == 2 or "sampled" in out


def test_one_place_prints():
    package = Path(selftaught.__file__).parent
    apart = ("shown.py", "sandbox/", "models/sprout/train.py")
    prints = [
        p
        for p in package.rglob("*.py")
        if not str(p.relative_to(package)).startswith(apart) and re.search(r"(?<!\w)print\(", p.read_text())
    ]
    assert not prints


def test_what_is_spelled_out_and_what_is_not():
    assert visible("a\x1bb\x07\x9b\u202e\ud800\x7f\ue000") == "a\\x1bb\\x07\\x9b\\u202e\\ud800\\x7f\\ue000"
    assert visible("ü 漢\u3000字 \N{NO-BREAK SPACE}é\tx\ny") == "ü 漢\u3000字 \N{NO-BREAK SPACE}é    x\ny"
    assert (
        visible("a\nb", lines=False) == "a\\nb"
        and one_line("  a\n b\x1b ", 99) == "a b\\x1b"
        and one_line("x" * 300, 20) == f"{'x' * 10} ... {'x' * 10}"
    )
