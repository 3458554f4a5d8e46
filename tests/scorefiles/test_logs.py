"""Logs of inspect and lm-eval through their versions, and what strangers' files hold."""

import json
import os
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pyarrow
import pytest

from selftaught.parts import BadInput
from selftaught.scorefiles.scores import read_scores
from selftaught.scorefiles.verdict import compare_scores

CASES = Path(os.environ.get("SELFTAUGHT_CASES", Path(__file__).parents[2] / "../shared/cases"))


def sample(name, value, epoch=1, **more):
    return {"id": name, "epoch": epoch, "input": f"q{name}", "target": "x", "scores": {"match": {"value": value}}} | more


def archive(path, samples, head={"status": "success"}, zstd=False, extra=()):  # noqa: B006
    """An .eval file. zipfile before Python 3.14 writes no zstandard, so its members are packed here and their headers mended."""
    members = [(f"samples/{s['id']}_epoch_{s['epoch']}.json", s) for s in samples] + list(extra) + ([("header.json", head)] if head else [])
    data = [json.dumps(content).encode() for _, content in members]
    with zipfile.ZipFile(path, "w") as file:
        for (name, _), plain in zip(members, data, strict=True):
            file.writestr(name, pyarrow.compress(plain, "zstd", asbytes=True) if zstd else plain)
        infos = file.infolist()
        start = file.start_dir
    if zstd:
        raw, at = bytearray(path.read_bytes()), start
        for info, plain in zip(infos, data, strict=True):
            for offset, shift in ((info.header_offset, 0), (at, 2)):
                raw[offset + 8 + shift : offset + 10 + shift] = struct.pack("<H", 93)
                raw[offset + 14 + shift : offset + 18 + shift] = struct.pack("<I", zlib.crc32(plain))
                raw[offset + 22 + shift : offset + 26 + shift] = struct.pack("<I", len(plain))
            at += 46 + len(info.filename)
        path.write_bytes(raw)
    return str(path)


def doc(i, hashed=True, **more):
    record = {"doc_id": i, "doc": {"q": i}, "target": i, "arguments": {"gen_args_0": {"arg_0": f"p{i}", "arg_1": {"temperature": 0}}}}
    return record | ({"doc_hash": f"h{i}", "prompt_hash": f"p{i}", "target_hash": f"t{i}"} if hashed else {}) | {"resps": [["4"]]} | more


def jsonl(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def said(path):
    with pytest.raises(BadInput) as error:
        read_scores(str(path))
    assert "\n" not in str(error.value) and str(error.value).isprintable()
    return str(error.value)


def test_zstandard_members_and_samples_that_ran_again(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = archive(tmp_path / "z.eval", [sample(1, "I"), sample("b/c", 0.5), sample(1, "C")], zstd=True)
    read = read_scores(path)
    assert read.tasks_B == ("1", "b/c") and read.means_B.tolist() == [1, 0.5]
    damaged = bytearray(Path(path).read_bytes())
    at = damaged.rindex(b"\x28\xb5\x2f\xfd")
    damaged[at : at + 4] = b"zzzz"
    (tmp_path / "d.eval").write_bytes(damaged)
    assert "--output-dir" in said(tmp_path / "d.eval")


def test_long_samples_are_folders(tmp_path):
    parts = [("samples/7_epoch_1/sample.json", sample(7, "C")), ("samples/7_epoch_1/events/0.json", [1]), ("summaries.json", [])]
    assert read_scores(archive(tmp_path / "c.eval", [sample(1, "I")], extra=parts)).means_B.tolist() == [0, 1]


def test_scores_that_were_not_given(tmp_path):
    samples = [
        sample(1, float("nan")), sample(2, "C", error={"message": "late"}), sample(3, None, scores=None, error={"message": "x"}),
        sample(4, "C", invalidation={"author": "me"}), sample(5, "C", limit={"type": "token", "limit": 5}), sample(6, "C", scores={}),
    ]  # fmt: skip
    read = read_scores(archive(tmp_path / "f.eval", samples))
    assert np.array_equal(read.means_B, [np.nan, 1, np.nan, np.nan, 1, np.nan], equal_nan=True)
    assert {task: fault for (task, _), fault in read.faults.items()} == {
        "1": "not scored", "3": "errored", "4": "declared invalid", "6": "not scored"
    }  # fmt: skip


def test_logs_of_runs_that_did_not_end_well(tmp_path):
    whole = [sample(i, "C" if i < 9 else "I") for i in range(12)]
    for head in ({"status": "error"}, {"status": "cancelled"}, None):
        broken = read_scores(archive(tmp_path / "e.eval", whole, head=head))
        with pytest.raises(BadInput, match="samples may be missing.*eval-retry"):
            compare_scores(broken, broken)
        assert compare_scores(broken, broken, missing="common")["gain"] == 0


def test_a_score_before_there_were_scorers(tmp_path):
    old = {"samples": [{"id": 1, "epoch": 1, "input": "q", "score": {"value": "C"}}]}
    (tmp_path / "old.json").write_text(json.dumps(old))
    assert read_scores(str(tmp_path / "old.json")).means_B == [1]


def test_settings_of_inspect(tmp_path):
    def head(judge="a", prompt="p", temperature=1.0):
        return {
            "status": "success",
            "eval": {"scorers": [{"name": "match", "options": {"model": judge}}], "model_generate_config": {"temperature": temperature}},
            "plan": {"steps": [{"solver": "system_message", "params": {"template": prompt}}]},
        }

    rows = [sample(i, "C") for i in range(12)]
    one = read_scores(archive(tmp_path / "a.eval", rows, head()))
    for change, name in (({"judge": "b"}, "scorer options"), ({"prompt": "q"}, "solver and prompts"), ({"temperature": 0.0}, "sampler")):
        other = read_scores(archive(tmp_path / "b.eval", rows, head(**change)))
        with pytest.raises(BadInput, match=f"differ in {name}"):
            compare_scores(one, other)
    with pytest.raises(BadInput, match="targets of 12 of 12"):
        compare_scores(one, read_scores(archive(tmp_path / "t.eval", [row | {"target": "y"} for row in rows], head())))


def test_lm_eval_through_its_versions(tmp_path):
    now = [doc(i, filter="none", metrics=["acc"], acc=i / 2, target=str(i)) for i in range(3)]
    today = read_scores(jsonl(tmp_path / "now.jsonl", now))
    (tmp_path / "array.jsonl").write_text(json.dumps([doc(i, hashed=False, acc=i / 2) for i in range(3)], indent=2))
    unnamed = jsonl(tmp_path / "unnamed.jsonl", [doc(i, acc=i / 2) for i in range(3)])
    nested = tmp_path / "all.json"
    nested.write_text(json.dumps({"results": {}, "samples": {"t": now}, "configs": {}}, indent=2))
    for text in (str(tmp_path / "array.jsonl"), unnamed, f"{nested},metric=acc,none", f"{tmp_path / 'now.jsonl'},filter=none"):
        read = read_scores(text)
        assert read.tasks_B == today.tasks_B == ("0", "1", "2") and read.means_B.tolist() == [0, 0.5, 1]


def test_unnamed_filters_are_numbered(tmp_path):
    two = jsonl(tmp_path / "two.jsonl", [doc(i, exact_match=float(k)) for k in (0, 1) for i in range(3)])
    assert "2 filters that are not named" in said(two) and read_scores(f"{two},filter=2").means_B.tolist() == [1, 1, 1]
    assert read_scores(f"{two},metric=exact_match,1").means_B.tolist() == [0, 0, 0]
    assert "more often than others" in said(jsonl(tmp_path / "odd.jsonl", [doc(0, acc=1.0), doc(0, acc=1.0), doc(1, acc=1.0)]))


def test_joined_tasks_of_a_group(tmp_path):
    rows = [doc(i, filter="none", metrics=["acc"], acc=float(k)) | {"doc_hash": f"{k}{i}"} for k in (0, 1) for i in range(2)]
    read = read_scores(jsonl(tmp_path / "group.jsonl", rows))
    assert len(read.tasks_B) == 4 and read.means_B.tolist() == [0, 0, 1, 1]
    # The order of the parts does not matter.
    other = read_scores(jsonl(tmp_path / "turned.jsonl", rows[::-1]))
    assert compare_scores(read, other)["gain"] == 0


def test_few_shot_prompts_differ(tmp_path):
    one, other = (
        read_scores(jsonl(tmp_path / f"{k}.jsonl", [doc(i, filter="none", acc=1.0) | {"prompt_hash": f"{k}{i}"} for i in range(12)]))
        for k in "ab"
    )
    with pytest.raises(BadInput, match=r"prompts of 12 of 12 tasks differ.*few-shot"):
        compare_scores(one, other)


@pytest.mark.skipif(not CASES.is_dir(), reason="the folder of cases is not here")
def test_the_cases():
    twelve, old = CASES / "12-one-side-errored", CASES / "17-lm-eval-old-and-group"
    base, failed = (read_scores(str(twelve / f"err_{name}.eval")) for name in ("base", "cand"))
    with pytest.raises(BadInput, match="40 of 100"):
        compare_scores(base, failed)
    counted = compare_scores(base, failed, missing="wrong")
    assert (counted["before"], counted["after"]) == (0.63, 0.6)
    packed = [read_scores(str(CASES / "15-inspect-zstd" / f"z_{name}.eval")) for name in ("base", "cand")]
    assert compare_scores(*packed)["tasks"] == 60
    for name, tasks in (("v042", 80), ("mmlu", 120)):
        assert compare_scores(*(read_scores(str(old / f"{name}_{side}.jsonl")) for side in ("base", "cand")))["tasks"] == tasks
    assert len(read_scores(str(old / "v043_boolq_base.jsonl")).tasks_B) == 80
    assert "filters that are not named" in said(old / "v043_gsm_base.jsonl")
