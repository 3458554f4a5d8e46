"""What others wrote is shown, never sent: control characters in every place they can come from; see also test_json_page.py."""

import re
import warnings
from pathlib import Path

import pytest

import selftaught
from planting import FORGED, clean, plant
from selftaught.cli import one_line_warnings
from selftaught.shown import one_line, visible

REFUSED = [
    ("improve", FORGED), ("improve", "ttrl", f"--{FORGED}", "1"), ("improve", "--out", FORGED * 9),
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


def test_in_files_that_are_named_and_compared(cli, monkeypatch, tmp_path):
    planted = plant(monkeypatch, tmp_path)
    code, out, err = clean(cli("gate", *sorted(path.name for path in tmp_path.glob("[ab]*.jsonl"))))
    assert code == 2 and len(err.splitlines()) == 1 and "\\x" in err
    code, out, err = clean(cli("gate", *sorted(path.name for path in tmp_path.glob("[ab]*.jsonl")), "--common"))
    assert code == 0 and "Worse" in out, err
    code, out, err = clean(cli("evaluate", "--tasks", f"{planted},prompt={FORGED}", "--model", "scripted", "--count", 1))
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


def test_warnings_are_one_line_without_what_steers(capsys):
    with one_line_warnings():
        warnings.simplefilter("always")
        warnings.warn("a\x1b[2J\nb", stacklevel=1)
    assert capsys.readouterr().err == "warning: a\\x1b[2J b\n"
