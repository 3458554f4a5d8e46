"""Whole runs with torch: on sprout, on folders this project did not make, stopped and resumed."""

import json

import pytest
import torch
from local_models import make_folder
from safetensors.torch import load_file

from selftaught import api
from selftaught.parts import BadInput

SMALL = {"plan.tasks": 2, "plan.n": 4}


def weights(run):
    """Every tensor of the newest generation."""
    newest = json.loads((run / "latest.json").read_text())["latest"]
    return load_file(run / "generations" / newest / "policy" / "model.safetensors")


def numbers(run):
    return [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in (run / "steps.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("recipe", [pytest.param("ttrl", marks=pytest.mark.slow), "selftaught"])
def test_stopped_and_resumed_equals_uninterrupted(recipe, tmp_path):
    options = {**SMALL, "every": 1, "optimizer.lr": 1e-3} | ({"keep.tasks": 4} if recipe == "selftaught" else {})
    job = {"tasks": ("linear:level=3",), "steps": 2, "gate": False, "forecast": False, "options": options}
    whole = api.improve(recipe, out=tmp_path / "whole", **job)
    run, asked = tmp_path / "stopped", []
    api.improve(recipe, out=run, halt=lambda: asked.append(1) or len(asked) > 1, **job)
    resumed = api.improve(recipe, out=run, resume=True)
    assert resumed["tokens"] == whole["tokens"] and resumed["gold_read"] == whole["gold_read"]
    assert numbers(run) == numbers(tmp_path / "whole")
    assert (run / "journal.bin").read_bytes() == (tmp_path / "whole" / "journal.bin").read_bytes()
    one, other = weights(run), weights(tmp_path / "whole")
    assert all(torch.equal(one[name], other[name]) for name in other)


def test_zero_lr_is_bit_equal(tmp_path):
    run = tmp_path / "run"
    api.improve("zero-lr", out=run, tasks=("sort:level=5",), steps=2, gate=False, forecast=False, options=SMALL)
    start = load_file(run / "generations" / "00000" / "policy" / "model.safetensors")
    assert all(torch.equal(start[name], tensor) for name, tensor in weights(run).items())
    assert sum(row["tokens"] for row in numbers(run)) > 0


@pytest.mark.parametrize("adapter", ["", pytest.param("lora", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("architecture", "chat"),
    [*(pytest.param(*kind, marks=pytest.mark.slow) for kind in (("llama", True), ("gemma2", False))), ("gpt2", False), ("qwen3", True)],
)
def test_a_folder_and_a_file_of_ones_own(architecture, chat, adapter, tmp_path):
    folder = make_folder(tmp_path / "model", architecture, chat)
    rows = [{"question": f"{i} and {i}?", "solution": f"It is so.\n#### {i}"} for i in range(60)]
    (tmp_path / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = api.improve(
        "sft-unfiltered", out=tmp_path / "run", model=str(folder), tasks=(f"{tmp_path}/mine.jsonl,prompt=question,answer=solution",),
        steps=1, adapter=adapter, max_tokens=6, options={**SMALL, "plan.temperature": 1.0},
    )  # fmt: skip
    assert result["verdict"] != "not tested" and result["gold_read"]["evaluate"] > 0
    assert result["gold_read"]["train"] == result["gold_read"]["select"] == 0
    assert result["tokens"]["trained"] > 0


def test_refusals_leave_nothing_behind(tmp_path):
    with pytest.raises(BadInput, match="no model folder"):
        api.improve("ttrl", out=tmp_path / "run", model=str(tmp_path / "nowhere"))
    assert not (tmp_path / "run").exists()
