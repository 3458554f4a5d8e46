"""The verdict on two score files: what is missing is told and never a gain, and what differs is refused."""

import json

import numpy as np
import pytest

from selftaught.commands.gate import Options
from selftaught.commands.gate import run as gate
from selftaught.parts import BadInput
from selftaught.scorefiles.scores import Scores, read_scores
from selftaught.scorefiles.verdict import compare_scores


def scores(values_B_n, name="file", settings=None, shown=None, faults=None, start=0):
    values_B_n = np.asarray(values_B_n, float).reshape(len(values_B_n), -1)
    names = tuple(str(start + b) for b in range(len(values_B_n)))
    marks, shown_B = ("",) * len(names), tuple(dict(shown or {}) for _ in names)
    return Scores(
        name=name, tasks_B=names, scores_B_n=values_B_n, marks_B=marks, shown_B=shown_B, faults=faults or {}, settings=settings or {}
    )


def halves(good, bad, none=0):
    return [1.0] * good + [0.0] * bad + [np.nan] * none


BASE = scores(halves(60, 40), "base")
FAILED = scores(halves(60, 0, 40), "cand", faults={(str(b), 0): "errored" for b in range(60, 100)})


def test_what_one_side_alone_lacks_is_refused_with_counts():
    with pytest.raises(BadInput, match=r"40 of 100 tasks lack scores in cand alone \(40 errored\).*--missing wrong.*--common"):
        compare_scores(BASE, FAILED)
    with pytest.raises(BadInput, match="lack scores in base alone"):
        compare_scores(scores(halves(60, 39, 1), "base"), scores(halves(60, 40), "cand"))


def test_dropping_what_failed_is_no_gain():
    """The candidate is right on 60 tasks and failed on the 40 that the base answers wrongly, or half rightly."""
    mixed = scores(halves(50, 10) + halves(20, 20), "base")
    for base, wrong in ((BASE, 0.6), (mixed, 0.6)):
        counted = compare_scores(base, FAILED, missing="wrong")
        assert counted["after"] == wrong and counted["verdict"] != "improved" and counted["missing"]["after"] == 40
        assert "40 after" in counted["sentence"] and "counted wrong" in counted["sentence"]
    cut = compare_scores(mixed, FAILED, missing="common")
    assert cut["low"] > 0 and cut["verdict"] == "can't tell (scores are missing)" and cut["tasks"] == 60 and cut["ungraded"] == 40
    assert "0 tasks before, 40 after" in cut["sentence"]
    # A gain that survives counting the failures wrong is one.
    clear = compare_scores(scores(halves(0, 100)), scores(halves(90, 0, 10)), missing="common")
    assert clear["verdict"] == "improved" and clear["after"] == 1


def test_single_attempts_that_failed_are_seen():
    before, after = np.tile([1.0, 0.0], (30, 1)), np.tile([1.0, np.nan], (30, 1))
    with pytest.raises(BadInput, match="30 of 30 tasks lack scores in cand alone"):
        compare_scores(scores(before), scores(after, "cand"))
    assert compare_scores(scores(before), scores(after), missing="wrong")["gain"] == 0
    # The attempt that one side lacks is left out of both.
    assert compare_scores(scores(before), scores(after), missing="common")["gain"] == 0
    # One attempt a task against four is no loss of any.
    assert compare_scores(scores(before[:, :1]), scores(np.tile(before, 2)))["missing"]["before"] == 0


def test_what_both_lack_is_left_out_and_said():
    found = compare_scores(scores(halves(10, 20, 3)), scores(halves(30, 0, 3)))
    assert found["verdict"] == "improved" and found["tasks"] == 30 and found["ungraded"] == 3
    assert "3 tasks lack scores on both sides, left out" in found["sentence"] and found["missing"]["both"] == 3


def test_tasks_of_one_file_alone():
    long, short = scores(halves(10, 90)), scores(halves(40, 0))
    with pytest.raises(BadInput, match="60 of 100 tasks of file are not in"):
        compare_scores(long, short)
    found = compare_scores(long, short, missing="common")
    assert found["verdict"] == "improved" and found["tasks"] == 40 and "60 not after" in found["sentence"]
    assert compare_scores(long, short, missing="wrong")["after"] == 0.4
    with pytest.raises(BadInput, match="no task in common"):
        compare_scores(long, scores([1.0] * 9, start=500), missing="common")


@pytest.mark.parametrize("name", ["scorer", "metric", "filter", "judge", "sampler", "solver and prompts"])
def test_other_settings_are_refused_unless_same(name):
    one, other = scores(halves(20, 20), settings={name: "a"}), scores(halves(20, 20), settings={name: "b"})
    with pytest.raises(BadInput, match=rf"differ in {name} \(a and b\).*--same"):
        compare_scores(one, other)
    assert compare_scores(one, other, same=True)["gain"] == 0
    assert compare_scores(one, scores(halves(20, 20)))["gain"] == 0  # what only one file says is not known to differ


def test_other_prompts_and_targets_are_refused_unless_same():
    for name in ("prompt", "target"):
        one, other = (scores(halves(20, 20), shown={name: mark}) for mark in "ab")
        with pytest.raises(BadInput, match=f"{name}s of 40 of 40 tasks differ.*--same"):
            compare_scores(one, other)
        assert compare_scores(one, other, same=True)["tasks"] == 40


def test_best_decodings_are_of_the_same_tasks():
    before, after = scores(halves(10, 30)), scores(halves(30, 10))
    with pytest.raises(BadInput, match="about other tasks"):
        compare_scores(before, after, best=(scores(halves(10, 31)), scores(halves(30, 11))))
    with pytest.raises(BadInput, match="differ in scorer"):
        best = scores(halves(10, 30), settings={"scorer": "b"})
        compare_scores(scores(halves(10, 30), settings={"scorer": "a"}), after, best=(best, best))
    hot, cold = (scores(halves(10, 30), settings={"sampler": s}) for s in ("hot", "cold"))
    assert compare_scores(hot, hot, best=(hot, cold))["best_checked"]


def test_lower_is_better():
    rng = np.random.default_rng(0)
    loss_B = rng.normal(3, 0.5, 50)
    before, after = scores(loss_B), scores(loss_B - rng.normal(0.5, 0.1, 50))
    assert compare_scores(before, after)["verdict"] == "worse"
    found = compare_scores(before, after, lower=True)
    assert found["verdict"] == "improved" and found["gain"] == pytest.approx((after.means_B - loss_B).mean())
    assert found["low"] < found["gain"] < found["high"] < 0 and found["lower_is_better"]
    wrong = compare_scores(scores(halves(20, 20)), scores(halves(20, 0, 20)), lower=True, missing="wrong")
    assert wrong["after"] == 1  # the worst fraction of which less is better
    with pytest.raises(BadInput, match="--lower-is-better"):
        compare_scores(scores(loss_B, settings={"metric": "word_perplexity"}), scores(loss_B))


@pytest.mark.parametrize("size", [1e-12, 1e99])
def test_any_unit_gives_the_same_verdict(size):
    rng = np.random.default_rng(4)
    before = rng.normal(-2, 1, 60)
    after = before + rng.normal(0.4, 0.8, 60)
    plain, sized = compare_scores(scores(before), scores(after)), compare_scores(scores(before * size), scores(after * size))
    assert sized["verdict"] == plain["verdict"] == "improved"
    assert sized["p"] == pytest.approx(plain["p"]) and sized["low"] == pytest.approx(plain["low"] * size)


def test_few_tasks_and_equal_gains():
    assert compare_scores(scores([0.0, 0.0]), scores([1.0, 1.0]))["verdict"] == "can't tell (needs 10 tasks)"
    nine = compare_scores(scores(np.zeros(9)), scores(np.ones(9)))
    assert nine["low"] > 0 and nine["verdict"] == "can't tell (needs 10 tasks)" and "9 tasks are too few" in nine["sentence"]
    twelve = compare_scores(scores(np.zeros(12)), scores(np.ones(12)))
    assert twelve["verdict"] == "improved" and 0.5 < twelve["low"] < 0.6 and twelve["high"] == 1


def write(path, values):
    path.write_text("".join(json.dumps({"task": i, "score": v}) + "\n" for i, v in enumerate(values)))
    return str(path)


def test_the_command(tmp_path, capsys):
    base, failed = write(tmp_path / "b.jsonl", halves(60, 40)), write(tmp_path / "c.jsonl", [*[1] * 60, *[None] * 40])
    assert gate(Options(base=base, candidate=failed, missing="wrong", require_gain=True)) == 3
    assert "40 after" in capsys.readouterr().out
    assert read_scores(failed).faults["99", 0] == "not scored"
    for options, said in (
        ({}, "40 of 100 tasks lack scores"), ({"common": True, "missing": "wrong"}, "give one of them"),
        ({"out": "x"}, "--out is for models"),
        ({"temperature": 0.5}, "--temperature is for models"), ({"margin": float("nan")}, "--margin nan"),
        ({"best_base": base}, "both --best-base"),
    ):  # fmt: skip
        with pytest.raises(BadInput, match=said):
            gate(Options(base=base, candidate=failed, **options))
    with pytest.raises(BadInput, match="--same is for score files"):
        gate(Options(base="scripted", candidate="scripted", same=True))
