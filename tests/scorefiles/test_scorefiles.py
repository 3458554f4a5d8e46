"""Score files of any tool: what is read, what is refused with its line, and what the verdict says."""

import json
import zipfile

import numpy as np
import pytest

from selftaught.parts import BadInput
from selftaught.scorefiles.scores import Scores, is_score_file, read_scores
from selftaught.scorefiles.verdict import UNCHECKED, compare_scores
from selftaught.statistics.differences import bootstrap_interval


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def scores(values_B_n, names=None):
    values_B_n = np.asarray(values_B_n, float)
    names = names or [str(b) for b in range(len(values_B_n))]
    return Scores(name="file", tasks_B=tuple(names), scores_B_n=values_B_n, marks_B=("",) * len(names))


def test_plain_rows(tmp_path):
    rows = [{"task": t, "attempt": i, "score": s} for t, i, s in (("a", 1, 0.25), ("b", 0, True), ("a", 0, 0.75), (7, 0, None))]
    read = read_scores(write(tmp_path / "s.jsonl", rows))
    assert read.tasks_B == ("a", "b", "7")
    assert np.array_equal(read.scores_B_n, [[0.75, 0.25], [1, np.nan], [np.nan, np.nan]], equal_nan=True)
    assert np.array_equal(read.means_B, [0.5, 1, np.nan], equal_nan=True)
    (tmp_path / "s.json").write_text(json.dumps(rows))
    assert np.array_equal(read_scores(str(tmp_path / "s.json")).scores_B_n, read.scores_B_n, equal_nan=True)


INSPECT = [
    {"id": 1, "epoch": 1, "input": "1+1", "scores": {"match": {"value": "C"}}},
    {"id": 1, "epoch": 2, "input": "1+1", "scores": {"match": {"value": "I"}}},
    {"id": "two", "epoch": 1, "input": "2+2", "scores": {"match": {"value": "P"}}},
    {"id": "two", "epoch": 2, "input": "2+2", "scores": None, "error": {"message": "timeout"}},
    {"id": "x", "epoch": 1, "input": "3+3", "scores": {"match": {"value": 0.2}}},
]


def test_inspect_logs(tmp_path):
    (tmp_path / "log.json").write_text(json.dumps({"version": 2, "eval": {}, "samples": INSPECT}))
    with zipfile.ZipFile(tmp_path / "log.eval", "w") as archive:
        archive.writestr("header.json", "{}")
        for sample in INSPECT:
            archive.writestr(f"samples/{sample['id']}_epoch_{sample['epoch']}.json", json.dumps(sample))
    plain, packed = (read_scores(str(tmp_path / name)) for name in ("log.json", "log.eval"))
    assert plain.tasks_B == packed.tasks_B == ("1", "two", "x")
    for read in (plain, packed):
        assert np.array_equal(read.scores_B_n, [[1, 0], [0.5, np.nan], [0.2, np.nan]], equal_nan=True)
    assert plain.marks_B == packed.marks_B and len(set(plain.marks_B)) == 3


def test_the_same_conversation_in_two_logs(tmp_path):
    """Messages have ids of their own in each log; what they say is what counts."""
    marks = []
    for name, words in (("a", "hello"), ("b", "hello"), ("c", "goodbye")):
        turns = [{"id": name, "role": "user", "content": words}]
        (tmp_path / f"{name}.json").write_text(json.dumps({"samples": [{"id": 1, "input": turns, "scores": {"m": {"value": 1}}}]}))
        marks.append(read_scores(str(tmp_path / f"{name}.json")).marks_B)
    assert marks[0] == marks[1] != marks[2]


def test_inspect_with_several_scorers(tmp_path):
    path = tmp_path / "log.json"
    path.write_text(json.dumps({"samples": [{"id": 1, "epoch": 1, "scores": {"a": {"value": {"x": 1, "y": 0}}, "b": {"value": "no"}}}]}))
    assert read_scores(f"{path},metric=b").means_B == [0]
    assert read_scores(f"{path},metric=a.x").means_B == [1]
    cases = {"": "several scorers (a, b)", ",metric=c": "no scorer 'c'", ",metric=a": "metric=a.NAME"}
    for options, said in cases.items():
        with pytest.raises(BadInput) as error:
            read_scores(f"{path}{options}")
        assert said in str(error.value)


def harness(doc, filters=("strict",), **more):
    shared = {"doc_id": doc, "doc": {"q": doc}, "target": "4", "doc_hash": f"h{doc}", "resps": [["4"]]}
    return [{**shared, "filter": f, "metrics": ["exact_match"], "exact_match": float(f == "strict"), **more} for f in filters]


def test_harness_logs(tmp_path):
    read = read_scores(write(tmp_path / "samples_gsm8k.jsonl", harness(3) + harness(5, scores_per_repeat={"exact_match": [1, 0, 0]})))
    assert read.tasks_B == ("3", "5") and read.marks_B == ("h3", "h5")
    assert np.array_equal(read.scores_B_n, [[1, np.nan, np.nan], [1, 0, 0]], equal_nan=True)
    both = write(tmp_path / "samples_two.jsonl", harness(3, ("strict", "flexible")))
    with pytest.raises(BadInput, match=r"several filters \(flexible, strict\): write FILE,filter=NAME"):
        read_scores(both)
    assert read_scores(f"{both},filter=flexible").means_B == [0] and read_scores(f"{both},filter=strict,metric=exact_match").means_B == [1]
    old = write(tmp_path / "samples_old.jsonl", [{"doc_id": 0, "doc": {}, "target": "x", "acc": 1.0, "acc_norm": 0.0}])
    with pytest.raises(BadInput, match=r"several metrics \(acc, acc_norm\)"):
        read_scores(old)
    assert read_scores(f"{old},metric=acc_norm").means_B == [0]


@pytest.mark.parametrize(
    "line, said",
    [
        ('{"task": "a", "attempt": 0', "line 3: not JSON"),
        ("[1]", "line 3: a row must be an object, not list"),
        ('{"task": "a", "attempt": 1}', "line 3: no 'score'"),
        ('{"task": "a", "attempt": 1, "skore": 1}', "line 3: no 'score' (did you mean 'skore'?)"),
        ('{"task": "a", "attempt": 1, "score": "good"}', "line 3: the score must be one finite number, not 'good'"),
        ('{"task": "a", "attempt": 1, "score": Infinity}', "line 3: the score must be one finite number"),
        ('{"task": "a", "attempt": 1, "score": [1]}', "line 3: the score must be one finite number"),
        ('{"task": "a", "attempt": -1, "score": 1}', "line 3: attempt must be a whole number from 0"),
        ('{"task": null, "attempt": 0, "score": 1}', "line 3: name a task by text or a whole number"),
        ('{"task": "a", "attempt": 0, "score": 1}', "line 3: task 'a' has attempt 0 twice"),
        ('{"a":' * 100_000, "line 3: not JSON"),
    ],
)
def test_malformed_rows_are_named_with_their_line(tmp_path, line, said):
    path = tmp_path / "s.jsonl"
    path.write_text('{"task": "a", "attempt": 0, "score": 1}\n\n' + line + "\n")
    with pytest.raises(BadInput) as error:
        read_scores(str(path))
    assert said in str(error.value) and str(path) in str(error.value) and "\n" not in str(error.value)


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "broken.eval").write_text("not a zip")
    (tmp_path / "header.json").write_text('{"eval": {}, "status": "success"}')
    (tmp_path / "empty.jsonl").write_text("")
    (tmp_path / "latin.jsonl").write_bytes(b"\xff\xfe")
    cases = {
        "missing.jsonl": "no such file",
        "broken.eval": "--to json",
        "header.json": "without a list 'samples'",
        "empty.jsonl": "no scores",
    }
    for name, said in (cases | {"latin.jsonl": "UTF-8", "empty.jsonl,shade=red": "unknown option 'shade'"}).items():
        with pytest.raises(BadInput, match=said):
            read_scores(str(tmp_path / name))
    assert is_score_file("runs/a.jsonl,metric=acc") and is_score_file("log.eval") and not is_score_file("Qwen/Qwen3-0.6B")


def test_the_numbers_are_those_of_the_gate():
    rng = np.random.default_rng(0)
    before, after = rng.random((40, 4)), rng.random((40, 2)) * 0.5 + 0.5
    found = compare_scores(scores(before), scores(after), seed=5)
    diff_B = after.mean(axis=1) - before.mean(axis=1)
    assert (found["low"], found["high"]) == bootstrap_interval(diff_B, 5) and 0 < found["p"] < 0.05
    assert found["gain"] == pytest.approx(diff_B.mean()) and found["tasks"] == 40 and found["best"]["gain"] is None
    assert found["verdict"] == "improved" and UNCHECKED in found["sentence"] and not found["best_checked"]


def test_both_settings_must_show_it():
    rng = np.random.default_rng(1)
    low, high = scores(rng.random((60, 4)) * 0.5), scores(rng.random((60, 4)) * 0.5 + 0.3)
    same = scores(rng.random((60, 4)) * 0.5)
    both = compare_scores(low, high, best=(low, high))
    assert both["verdict"] == "improved" and both["best_checked"] and "nobody checked" not in both["sentence"]
    only_stated = compare_scores(low, high, best=(same, low), margin=0.2)
    assert only_stated["verdict"].startswith("no change larger than") and only_stated["kind"] == "decoding"
    assert "the sampler explains it" in only_stated["sentence"]
    assert compare_scores(high, low)["verdict"] == compare_scores(low, high, best=(high, low))["verdict"] == "worse"


def test_nothing_changed_and_too_few_tasks():
    ones = scores(np.ones((30, 1)))
    assert compare_scores(ones, ones)["verdict"] == "can't tell (needs 61 tasks)"
    many = scores(np.ones((100, 1)))
    assert compare_scores(many, many)["verdict"] == "no change larger than 3.0 points"
    noisy = scores(np.random.default_rng(2).random((30, 1)))
    found = compare_scores(ones, scores(np.where(noisy.scores_B_n > 0.1, 1.0, 0.0)))
    assert found["verdict"].startswith(("can't tell (needs", "worse"))
    assert compare_scores(scores([[np.nan], [1]]), scores([[1], [1]]), missing="common")["verdict"] == "not tested"


def test_scores_outside_the_unit_interval_are_told_as_they_are():
    rng = np.random.default_rng(3)
    before = rng.normal(10, 2, (80, 1))
    found = compare_scores(scores(before), scores(before + 1 + rng.normal(0, 0.5, (80, 1))))
    assert found["verdict"] == "improved" and "%" not in found["sentence"] and "points" not in found["sentence"] and not found["fraction"]
    still = compare_scores(scores(before), scores(before + rng.normal(0, 0.01, (80, 1))))
    assert still["verdict"].startswith("no change larger than 0.0") and 0.3 < still["margin"] < 1


def test_tasks_that_are_missing_or_other_questions():
    three, two = scores(np.ones((3, 1)), ["a", "b", "c"]), scores(np.ones((2, 1)), ["c", "a"])
    with pytest.raises(BadInput, match=r"1 of 3 tasks of file are not in file \(b\).*--common"):
        compare_scores(three, two)
    assert compare_scores(three, two, missing="common")["tasks"] == 2
    order = compare_scores(scores([[0], [1]], ["a", "b"]), scores([[1], [0]], ["b", "a"]))
    assert order["gain"] == 0 and order["p"] == 1
    one, other = (Scores(name=n, tasks_B=("a",), scores_B_n=np.ones((1, 1)), marks_B=(m,)) for n, m in (("x", "1"), ("y", "2")))
    with pytest.raises(BadInput, match="one question in x and another in y"):
        compare_scores(one, other)
