"""Passwords and tokens, planted in the environment, addresses and options, are nowhere in what is printed, raised or written."""

import pytest

import selftaught
from selftaught.jobs.gate import gate
from selftaught.keys import without_keys
from selftaught.parts import BadInput

TOKEN, KEY, WORD = "hf_" + "aB3dE5gH7jK9mN1pQ3sT5", "sk-proj-0123456789abcdefXYZ", "correct-horse-battery"
ADDRESS = f"https://someone:{WORD}@host.example/data.jsonl?token={KEY}"
SECRETS = (TOKEN, KEY, WORD)
SMALL = ("--model", "scripted", "--tasks", "sums:level=1")
COMMANDS = [
    ("improve", "--model", ADDRESS), ("improve", "--tasks", ADDRESS),     ("improve", *SMALL, "--out", ADDRESS),
    ("improve", *SMALL, "--system", f"the key is {KEY}"), ("improve", *SMALL, "--explore.api_key", "abcdefgh"), ("improve", ADDRESS),
    ("improve", "ttrl", *SMALL, "--dry-run", "--explore", f"sample:token={TOKEN}"), ("improve", *SMALL, "--budget", KEY),
    ("improve", "--engine", f"vllm:hf_token={TOKEN}"), ("improve", "--resume", "--out", ADDRESS), ("evaluate", "--tasks", ADDRESS),
    ("evaluate", *SMALL, "--template", f"{KEY} {{prompt}}"), ("solve", "Add 1+2.", "--model", ADDRESS), 
    ("gate", ADDRESS, ADDRESS), ("gate", "scripted", "scripted", "--tasks", ADDRESS), ("gate", f"{WORD}.jsonl", "b.jsonl"),
    ("compare", "ttrl", "--model", ADDRESS, "--no-controls"), ("report", ADDRESS), ("show", TOKEN),
    ("chat", ADDRESS), (KEY,),
]  # fmt: skip


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name, value in (("HF_TOKEN", TOKEN), ("OPENAI_API_KEY", KEY), ("MY_PASSWORD", WORD)):
        monkeypatch.setenv(name, value)


def nowhere(tmp_path, *said):
    """No secret stands in what was said or in any file."""
    for text in (*said, *(path.read_bytes().decode("latin-1") + str(path) for path in tmp_path.rglob("*") if path.is_file())):
        assert not [secret for secret in SECRETS if secret in text], text[:500]


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0][:8])
def test_a_key_on_the_command_line_is_refused_and_not_repeated(cli, tmp_path, words):
    code, out, err = cli(*words)
    assert code == 2 and len(err.splitlines()) == 1, err
    nowhere(tmp_path, out, err)


def test_no_exception_repeats_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for call, options in (
        (selftaught.improve, {"model": ADDRESS}), (selftaught.evaluate, {"tasks": ADDRESS}), (selftaught.improve, {"out": ADDRESS}),
        (lambda **given: selftaught.solve("Add 1+2.", **given), {"engine": f"vllm:hf_token={TOKEN}"}),
        (gate, {"base": ADDRESS, "candidate": ADDRESS}),
    ):  # fmt: skip
        with pytest.raises(BadInput) as error:
            call(**options)
        nowhere(tmp_path, str(error.value), repr(error.value))


def test_what_is_no_key_stays():
    for text in ("--loss.max_tokens=64", "a?page=3", "https://host/x@y", "sums:tokens=5,level=2", "mail me@host", "vllm:tokenizer=a"):
        assert without_keys(text) == text
    assert without_keys('["https://a:b@c", "d@e"]') == '["https://***@c", "d@e"]'
