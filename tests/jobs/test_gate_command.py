"""`selftaught gate`: runs, folders, adapters and score files, from the command line and from Python."""

import json
import shutil

import numpy as np
import pytest

from selftaught.api import improve
from selftaught.jobs.checkpoints import find_checkpoint
from selftaught.jobs.gate import added, gate
from selftaught.parts import BadInput

QUICK = {"tasks": ("sums:level=3",), "held_out_count": 12}


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    """A folder and a cache of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SELFTAUGHT_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run of the scripted model that becomes much better."""
    options, out = {"plan.tasks": 4, "optimizer.lr": 1.0}, tmp_path_factory.mktemp("finished") / "run"
    improve("ttrl", model="scripted", tasks=("sums:level=3",), held_out_count=40, steps=8, out=out, forecast=False, options=options)
    return out


@pytest.fixture
def trained(finished, tmp_path):
    """A copy of that run."""
    shutil.copytree(finished, tmp_path / "run")
    return "run"


def skills(folder, **skill):
    """A run's generations with other skills, which are no damage."""
    pointers = json.loads((folder / "latest.json").read_text())
    for which, value in skill.items():
        generation = folder / "generations" / pointers[which]
        (generation / "scripted.json").write_text(json.dumps({"skill": {"policy": value}, "generation": 1}))
        (generation / "hashes.json").unlink()


def test_a_run_is_gated_again_on_the_tasks_it_held_out(trained, tmp_path, cli):
    skills(tmp_path / "run", start=0.3, best=0.9)
    own = json.loads((tmp_path / "run" / "held_out.json").read_text())
    code, out, err = cli("gate", "run", "--json", "--require-gain", "--out", "verdict")
    result = json.loads(out.splitlines()[-1])
    assert code == 0 and result["verdict"] == "improved" and result["tasks"] == 40
    assert (result["base"], result["candidate"]) == ("run (start)", "run (best)") and "measuring run (best)" in err
    assert result["sentence"] in out and result["gain"] > 0.4 and result["gold_read"]["train"] == 0 < result["tokens"]["evaluated"]
    assert result["kind"] and result["pass_at"]["16"]["after"] is not None
    kept = json.loads((tmp_path / "verdict" / "sides.json").read_text())
    assert sorted(kept["start"]["tasks_B"]) == sorted(own["start"]["tasks"])
    rows = [json.loads(line) for line in (tmp_path / "verdict" / "held_out.jsonl").read_text().splitlines()]
    assert len(rows) == 40 and {"task", "text", "source", "start", "result"} <= set(rows[0])
    assert len(rows[0]["start"]) == 16 and rows[0]["start"][0]["right"] in (0, 1)
    assert cli("gate", "run", "--out", "verdict")[0] == 2


def test_no_gain_exits_with_3_where_one_is_required(trained, tmp_path, cli):
    skills(tmp_path / "run", start=0.9, best=0.3)
    code, out, _ = cli("gate", "run", "--require-gain", "--json")
    assert code == 3 and json.loads(out.splitlines()[-1])["verdict"] == "worse"
    assert cli("gate", "run")[0] == 0


def test_generations_and_other_models_are_sides_too(trained, tmp_path):
    skills(tmp_path / "run", start=0.5, best=0.5)
    newest = sorted((tmp_path / "run" / "generations").iterdir())[-1]
    same = gate("scripted", str(newest), tasks=("sums:level=2",), held_out_count=12)
    assert same["gain"] == 0 and same["candidate"].endswith(f"run ({newest.name})") and same["tasks"] == 12
    assert same["equal_tokens"]["k"] is not None, "a run knows what it spent"
    assert gate("scripted", "scripted", **QUICK)["equal_tokens"]["k"] is None


@pytest.mark.slow
def test_a_file_that_nobody_here_trains_on_serves_whole(tmp_path):
    """Three fifths of it decide; with a run in the comparison only what a run on this file would hold out."""
    rows = [{"prompt": f"{i}+{i} = ?", "answer": str(2 * i)} for i in range(200)]
    (tmp_path / "q.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert 100 < gate("scripted", "scripted", tasks=("q.jsonl",))["tasks"] < 140
    improve("ttrl", model="scripted", tasks=("sums:level=3",), steps=1, held_out_count=8, gate=False, out="run", forecast=False)
    assert 20 < gate("scripted", "run", tasks=("q.jsonl",))["tasks"] < 60


def test_each_verdict_on_the_same_tasks_is_counted():
    assert [gate("scripted", "scripted", attempts=1, **QUICK)["reuse"] for _ in range(2)] == [1, 2]
    assert gate("scripted", "scripted", tasks=("sums:level=3",), held_out_count=13, attempts=1)["reuse"] == 1


def test_off_task_families_and_full():
    result = gate("scripted", "scripted", off_task=("sort:level=2", "linear:level=1"), full=True, margin=0.2, **QUICK)
    assert [row["family"] for row in result["off_task"]] == ["sort:level=2", "linear:level=1"]
    assert result["attempts"] == 16 and not any(row["worse"] for row in result["off_task"])
    assert gate("scripted", "scripted", **QUICK)["attempts"] == 4


def test_tasks_without_answers_wait_for_labels(tmp_path, cli):
    (tmp_path / "q.jsonl").write_text("".join(json.dumps({"prompt": f"{i}+{i} = ?"}) + "\n" for i in range(200)))
    with pytest.raises(BadInput, match="selftaught label"):
        gate("scripted", "scripted", tasks=("q.jsonl",), held_out_count=12)
    (tmp_path / "gold.jsonl").write_text("".join(json.dumps({"prompt": f"{i}+{i} = ?", "answer": "1"}) + "\n" for i in range(200)))
    code, out, _ = cli("gate", "scripted", "scripted", "--tasks", "q.jsonl", "--held-out-count", 12, "--out", "v", "--json")
    result = json.loads(out.splitlines()[-1])
    assert code == 0 and result["verdict"] == "not tested" and "selftaught label v" in result["sentence"] and result["labels"] == 0
    assert result["gold_read"]["evaluate"] == 0


@pytest.mark.parametrize(
    "words, said",
    [
        (("scripted",), "give CANDIDATE too"),
        (("scripted", "scripted"), "give --tasks"),
        (("./nothing", "scripted"), "there is no model folder or run './nothing'"),
        (("scripted", "empty"), "'empty' is neither a run nor a model"),
        (("scripted", "scripted", "--tasks", "sumz:level=3"), "sums"),
        (("scripted", "scripted", "--tasks", "sums:level=3", "--margin", "0"), "--margin"),
        (("scripted", "scripted", "--tasks", "sums:level=3", "--held-out-count", "1"), "only 1 held-out"),
        (("scripted", "scripted", "--tasks", "sums:level=3", "--common"), "score files"),
        (("a.jsonl",), "two score files"),
        (("a.jsonl", "b.jsonl"), "no such file"),
        (("a.jsonl", "b.jsonl", "--best-base", "c.jsonl"), "--best-candidate"),
        (("a.jsonl", "b.jsonl", "--tasks", "sums"), "--tasks is for models"),
    ],
)
def test_mistakes_are_one_line_and_exit_2(words, said, cli, tmp_path):
    (tmp_path / "empty").mkdir()
    code, out, err = cli("gate", *words)
    assert code == 2 and not out and said in err and len(err.splitlines()) == 1


def test_runs_that_cannot_be_gated(trained, tmp_path):
    with pytest.raises(BadInput, match="leave out --evaluation-seed"):
        gate("run", evaluation_seed=5)
    with pytest.raises(BadInput, match="leave out --held-out-count"):
        gate("run", tasks=("sums:level=3",), held_out_count=20)
    improve("self-consistency", model="scripted", tasks=("sums:level=3",), held_out_count=8, gate=False, out="none", forecast=False)
    with pytest.raises(BadInput, match="trained nothing"):
        gate("none")
    (tmp_path / "run" / "latest.json").unlink()
    with pytest.raises(BadInput, match="no saved generation"):
        gate("run")


def test_a_hub_id_is_looked_up_before_the_other_side_is_measured(monkeypatch, tmp_path):
    from unittest.mock import Mock

    import huggingface_hub
    from huggingface_hub.errors import RepositoryNotFoundError

    def missing(*asked, **options):
        raise RepositoryNotFoundError("404: nobody\nhere", response=Mock())

    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", missing)
    with pytest.raises(BadInput, match=r"'no/model' is no folder here and no model on the hub \(404: nobody\)"):
        gate("scripted", "no/model", **QUICK)
    (tmp_path / "config.json").write_text("{}")
    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", lambda *asked, **options: None)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda *asked, **options: str(tmp_path / "config.json"))
    assert find_checkpoint("some/model", "best").job.model == "some/model"


def test_length_limits_are_the_same_on_both_sides(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    assert find_checkpoint("sprout", "start").limit == find_checkpoint("", "start").limit == 64
    assert find_checkpoint("model", "start").limit == 512


def test_score_files_from_the_command_line(cli, tmp_path):
    rng = np.random.default_rng(0)
    for name, skill in (("a", 0.3), ("b", 0.7)):
        rows = [{"task": t, "attempt": i, "score": int(rng.random() < skill)} for t in range(50) for i in range(4)]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    code, out, _ = cli("gate", "a.jsonl", "b.jsonl", "--json", "--require-gain")
    result = json.loads(out.splitlines()[-1])
    assert code == 0 and result["verdict"] == "improved" and "nobody checked the best decoding" in out and not result["best_checked"]
    best = ("--best-base", "a.jsonl", "--best-candidate", "a.jsonl")
    code, out, _ = cli("gate", "a.jsonl", "b.jsonl", *best, "--json", "--require-gain")
    assert code == 3 and json.loads(out.splitlines()[-1])["kind"] == "decoding"


def test_ledgers_are_added_at_any_depth():
    assert added({"a": 1, "b": {"c": 2}}, {"b": {"c": 3, "d": 4}, "e": None}) == {"a": 1, "b": {"c": 5, "d": 4}, "e": 0}


def test_folders_and_adapters(tmp_path):
    """Tiny random Llamas: a folder against itself, against a PEFT adapter on it, and one model in memory at a time."""
    import gc
    import warnings

    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from models.local_models import make_folder

    base = make_folder(tmp_path / "base", "llama", chat=False)
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        config = LoraConfig(r=2, target_modules="all-linear", init_lora_weights=False, task_type="CAUSAL_LM")
        module = get_peft_model(AutoModelForCausalLM.from_pretrained(base), config)
        module.save_pretrained(tmp_path / "adapter")
        AutoTokenizer.from_pretrained(base).save_pretrained(tmp_path / "adapter")
    del module
    gc.collect()

    def modules():
        return [o for o in gc.get_objects() if type(o).__name__ == "LlamaForCausalLM"]

    others = modules()
    quick = {"tasks": ("sums:level=1",), "held_out_count": 4, "max_tokens": 4}
    same, other = (gate("base", candidate, out=f"out-{candidate}", **quick) for candidate in ("base", "adapter"))
    assert same["gain"] == 0 and same["before"] == same["after"]
    texts = [
        [json.loads(line) for line in (tmp_path / f"out-{c}" / "held_out.jsonl").read_text().splitlines()] for c in ("base", "adapter")
    ]
    said = [[[[a["text"] for a in row[side][:4]] for side in ("start", "result")] for row in rows] for rows in texts]
    assert all(start == result for start, result in said[0])
    assert any(start != result for start, result in said[1])
    assert other["tasks"] == 4
    assert not [o for o in modules() if not any(o is model for model in others)], "both models were let go"
