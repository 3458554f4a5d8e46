"""What cannot be meant, of every kind: exit code 2, one line that says what to do, and nothing written, spent or lost."""

import io
import json

import pytest

from selftaught.cli import main

MODEL = ("--model", "scripted")
SMALL = (*MODEL, "--tasks", "sums:level=2", "--steps", "1", "--held-out-count", "10", "--no-forecast")
TTRL = ("improve", "ttrl", *SMALL)
FILE = ("improve", "ttrl", *MODEL, "--steps", "1", "--tasks")
GATE = ("gate", "scripted", "scripted", "--tasks", "sums:level=2", "--held-out-count", "10")
COMPARE = ("compare", "ttrl", *MODEL, "--tasks", "sums:level=2")
# (words, what the line names)
REFUSED = [
    ((*TTRL, "--held-out-count", "0"), "held-out-count"),
    ((*TTRL, "--temperature", "nan"), "temperature"),
    ((*TTRL, "--temperature", "inf"), "temperature"),
    ((*TTRL, "--temperature", "-1"), "temperature"),
    ((*TTRL, "--optimizer.lr", "inf"), "lr"),
    ((*TTRL, "--optimizer.lr", "nan"), "lr"),
    ((*TTRL, "--optimizer.lr", "-1"), "lr"),
    ((*TTRL, "--optimizer.lr", "much"), "lr"),
    ((*TTRL, "--optimizer.betas", "0.9"), "betas"),
    ((*TTRL, "--rounds", "0"), "rounds"),
    ((*TTRL, "--steps", "0"), "steps"),
    ((*TTRL, "--steps", "100000000000"), "steps"),
    ((*TTRL, "--gate", "full", "--no-gate"), "--no-gate"),
    ((*TTRL, "--no-gate", "--require-gain"), "--require-gain"),
    ((*TTRL, "--gate", "off", "--require-gain"), "--require-gain"),
    ((*TTRL, "--explore", "none"), "explore"),
    ((*TTRL, "--loss", "none"), "loss"),
    ((*TTRL, "--credit", "none"), "credit"),
    ((*TTRL, "--explore", "nowhere"), "explore"),
    ((*TTRL, "--explore", "sample:n=1,n=2"), "twice"),
    ((*TTRL, "--explore.n", "0"), "n=0"),
    ((*TTRL, "--explore.n", "1000000000"), "attempts"),
    ((*TTRL, "--explore.tasks", "-1"), "tasks"),
    ((*TTRL, "--explore.temperature", "inf"), "temperature"),
    ((*TTRL, "--seed", "999999999999999999999"), "seed"),
    ((*TTRL, "--seed", "-1"), "seed"),
    ((*TTRL, "--evaluation-seed", "-1"), "seed"),
    ((*TTRL, "--max-tokens", "-3"), "max_tokens"),
    ((*TTRL, "--audit", "-3"), "audit"),
    ((*TTRL, "--budget", "nan"), "budget"),
    ((*TTRL, "--budget", "-5"), "budget"),
    ((*TTRL, "--budget", "five"), "budget"),
    ((*TTRL, "--gate-share", "0"), "gate-share"),
    ((*TTRL, "--gate-share", "nan"), "gate-share"),
    ((*TTRL, "--template", "no place"), "template"),
    ((*TTRL, "--answer", "(unclosed"), "answer"),
    ((*TTRL, "--chat-template-kwargs", "[1]"), "chat_template_kwargs"),
    ((*TTRL, "--engine", "warp"), "engine"),
    ((*TTRL, "--without", "sleep"), "sleep"),
    ((*TTRL, "--out", "there.jsonl"), "there.jsonl"),
    ((*TTRL, "--out", "there.jsonl/below"), "there.jsonl"),
    ((*TTRL, "--out", "x" * 300), "--out"),
    (("improve", "ttrl", "--resume"), "--out"),
    (("improve", "ttrl", *MODEL, "--tasks", "sums:level=2,level=3"), "twice"),
    (("improve", "ttrl", *MODEL, "--tasks", "sums:level=x"), "level"),
    (("improve", "ttrl", *MODEL, "--tasks", "sums:terms=100000"), "terms"),
    (("improve", "ttrl", *MODEL, "--tasks", "summs:level=2"), "sums"),
    (("improve", "t-jepa", "--tasks", "sums:level=2", "--no-gate"), "t-jepa"),
    ((*FILE, "same.jsonl"), "same.jsonl"),
    ((*FILE, "deep.jsonl"), "deep.jsonl"),
    ((*FILE, "surrogates.jsonl"), "surrogates.jsonl"),
    ((*FILE, "nowhere.jsonl"), "nowhere.jsonl"),
    ((*FILE, "text.txt"), "text.txt"),
    ((*FILE, "empty.jsonl"), "empty.jsonl"),
    ((*FILE, "there.jsonl,prompt=question"), "question"),
    (("gate", "scores.jsonl", "huge.jsonl"), "huge.jsonl"),
    (("gate", "scores.jsonl", "latin.jsonl"), "latin.jsonl"),
    (("gate", "scores.jsonl", "there.jsonl"), "there.jsonl"),
    (("gate", "scores.jsonl"), "CANDIDATE"),
    (("gate", "scores.jsonl", "scores.jsonl", "--margin", "nan"), "--margin"),
    (("gate", "scores.jsonl", "scores.jsonl", "--margin", "-1"), "--margin"),
    ((*GATE, "--spent", "-5"), "spent"),
    ((*GATE, "--margin", "nan"), "margin"),
    ((*GATE, "--held-out-count", "0"), "held-out-count"),
    ((*GATE, "--full", "--attempts", "2"), "--attempts"),
    (("evaluate", *MODEL, "--tasks", "sums:level=2", "--count", "0"), "count"),
    (("evaluate", *MODEL, "--tasks", "sums:level=2", "--count", "-2"), "count"),
    (("evaluate", "--model", "org/name-that-is-not-there", "--tasks", "sums:level=2"), "org/name-that-is-not-there"),
    (("label", "nowhere"), "nowhere"),
    (("chat", "nowhere"), "nowhere"),
    (("report", "nowhere"), "nowhere"),
    (("solve", ""), "question"),
    (("solve", "  \n"), "question"),
    (("solve", "x", *MODEL, "--with", "nope"), "nope"),
    (("show", "nope"), "nope"),
    (("list", "nope"), "nope"),
    ((*COMPARE, "--seeds", "0"), "--seeds"),
    ((*COMPARE, "--jobs", "-1"), "--jobs"),
    ((*COMPARE, "--budget", "nan"), "budget"),
    ((*COMPARE, "--steps", "3"), "--budget"),
    (("compare", *MODEL), "recipe"),
    (("nope",), "nope"),
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with files of every damaged kind, in which commands are run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    good = [{"prompt": f"Add {a}+{b}.", "answer": str(a + b)} for a in range(9) for b in range(9)]
    scores = [{"task": str(i), "attempt": 0, "score": i % 2} for i in range(30)]
    files = {
        "there.jsonl": "".join(json.dumps(row) + "\n" for row in good),
        "same.jsonl": json.dumps(good[0]) * 1 + "\n" + (json.dumps(good[0]) + "\n") * 99,
        "deep.jsonl": '{"prompt":' + "[" * 100_000 + "]" * 100_000 + "}\n",
        "surrogates.jsonl": '{"prompt":"a\\ud800b","answer":"1"}\n' * 20,
        "text.txt": "What is 1+1?\n", "empty.jsonl": "",
        "scores.jsonl": "".join(json.dumps(row) + "\n" for row in scores),
        "huge.jsonl": "".join(json.dumps(row | {"score": 1e308}) + "\n" for row in scores),
    }  # fmt: skip
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "latin.jsonl").write_bytes(b'{"task":"\xe9","score":1}\n')
    return tmp_path


@pytest.mark.parametrize(("words", "named"), REFUSED)
def test_it_is_one_line_and_nothing_is_left(folder, capsys, monkeypatch, words, named):
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(SystemExit) as end:
        main(list(words))
    said = capsys.readouterr()
    assert end.value.code == 2 and not said.out, said
    assert len(said.err.splitlines()) == 1 and said.err.startswith("selftaught: ") and named.lower() in said.err.lower(), said.err
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
