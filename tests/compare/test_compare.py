"""Recipes side by side: pooling by hand numbers, letters, Holm, and whole comparisons on the scripted model."""

import json
import os
import signal
import subprocess
import sys
import time
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from scipy import stats as peer

from selftaught.compare.opened import declaration, open_recipe
from selftaught.compare.runs import Settings, ask, ask_all, compare, in_turn
from selftaught.compare.sweep import Wanted, alone, sweep
from selftaught.compare.table import lines, tabled
from selftaught.parts import BadInput
from selftaught.recipes import CONTROLS
from selftaught.statistics.differences import crossed_interval, crossed_p, holm
from selftaught.statistics.intervals import estimate
from selftaught.statistics.pooled import letters, over_seeds, pooled, told_apart, words

SMALL = Settings(model="scripted", tasks=("linear:level=2",), held_out_count=12, budget=8_000)


def test_crossed_p_agrees_with_the_interval():
    diff_S_B = np.random.default_rng(0).normal(0.05, 0.3, (4, 40))
    p = crossed_p(diff_S_B)
    for level, inside in ((1 - p - 1e-4, False), (1 - p + 1e-4, True)):
        got = crossed_interval(diff_S_B, level)
        assert (got.low <= 0 <= got.high) == inside


def test_p_of_equal_seeds_is_the_paired_t():
    diff_B = np.random.default_rng(1).normal(0.1, 0.3, 30)
    assert crossed_p(np.stack([diff_B] * 3)) == pytest.approx(peer.ttest_1samp(diff_B, 0).pvalue, abs=1e-6)
    assert crossed_p(np.zeros((2, 5))) == 1 and crossed_p(np.ones((2, 5))) < 1e-9


def test_pooled_by_hand():
    got = pooled([[0.0, 2.0, np.nan], [1.0, 3.0, 1.0]])
    assert (got.gain, got.positive, got.by_seed) == (1.5, 2, (1.0, 2.0))
    assert (got.low, got.high) == pytest.approx(crossed_interval(np.array([[0.0, 2.0], [1.0, 3.0]]))[1:3])
    one = pooled([np.repeat([0.0, 1.0], 20)])
    assert one.gain == 0.5 and 0.3 < one.low < 0.5 < one.high < 0.7 and one.p < 1e-3


def test_over_seeds_is_the_t_test():
    values = [0.1, 0.3, 0.2, 0.05, 0.4]
    found, test = over_seeds(values), peer.ttest_1samp(values, 0)
    assert found.p == pytest.approx(test.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(test.confidence_interval()))
    assert over_seeds([0.2, 0.2]).p == 0 and over_seeds([0.0, 0.0]).p == 1
    with pytest.raises(ValueError, match="two seeds"):
        over_seeds([1.0])


def test_letters_by_hand():
    apart = {frozenset("ac"), frozenset("ad"), frozenset("bd")}
    assert letters("abcd", apart) == {"a": "a", "b": "ab", "c": "bc", "d": "c"}
    assert letters("ab", ()) == {"a": "a", "b": "a"}
    assert letters("ab", {frozenset("ab")}) == {"a": "a", "b": "b"}


@pytest.mark.parametrize("seed", range(20))
def test_letters_are_the_maximal_cliques(seed):
    """Against a naive search: a letter is a largest set of names none of which is told apart from another."""
    rng = np.random.default_rng(seed)
    names = "abcdefg"
    apart = {frozenset(pair) for pair in combinations(names, 2) if rng.random() < 0.4}
    found = letters(names, apart)
    for a, b in combinations(names, 2):
        assert bool(set(found[a]) & set(found[b])) == (frozenset((a, b)) not in apart)
    sets = [set(c) for k in range(1, 8) for c in combinations(names, k) if not any(set(p) in map(set, apart) for p in combinations(c, 2))]
    largest = [c for c in sets if not any(c < other for other in sets)]
    held = {mark: {n for n in names if mark in found[n]} for mark in "".join(found.values())}
    assert sorted(map(sorted, held.values())) == sorted(map(sorted, largest))


def test_told_apart_holds_over_all_pairs():
    rng = np.random.default_rng(3)
    base = rng.normal(0.5, 0.2, (3, 60))
    values = {"same": base, "like": base + rng.normal(0, 0.2, (3, 60)), "far": base + 0.3 + rng.normal(0, 0.05, (3, 60))}
    assert told_apart(values) == {frozenset(("same", "far")), frozenset(("like", "far"))}
    assert told_apart({"one": base}) == set()


def side(low, high):
    return {"gain": (low + high) / 2, "low": low, "high": high}


@pytest.mark.parametrize(
    ("stated", "best", "reach", "adjusted", "expected"),
    [
        ((0.02, 0.1), (0.01, 0.1), (-0.1, 0.1), 0.01, ("improved", "sharpened")),
        ((0.02, 0.1), (0.01, 0.1), (0.01, 0.1), 0.05, ("improved", "new")),
        ((0.02, 0.1), (0.01, 0.1), (0.01, 0.1), 0.06, ("can't tell", "")),
        ((0.02, 0.1), (-0.01, 0.1), (0.01, 0.1), 0.01, ("can't tell", "decoding")),
        ((-0.1, -0.02), (-0.01, 0.1), (0.01, 0.1), 0.01, ("worse", "")),
        ((-0.01, 0.03), (-0.04, 0.02), (0.01, 0.1), 1.0, ("no change larger than 4.0 points", "")),
        ((-0.03, 0.03), (0.0, 0.0), (0.0, 0.0), 1.0, ("no change larger than 3.0 points", "")),
    ],
)
def test_words(stated, best, reach, adjusted, expected):
    assert words(side(0.02, 0.1), side(0.01, 0.1), None, 0.01, tasks=100) == ("improved", "")
    assert words(side(0.02, 0.1), side(0.01, 0.1), None, 0.01, tasks=9) == ("can't tell", "")
    assert words(side(*stated), side(*best), side(*reach), adjusted, tasks=100) == expected


def test_recipes_are_opened_so_that_the_budget_ends_them():
    assert open_recipe("ttrl", {})[0].phases[0].steps == 10_000
    star = open_recipe("star", {})[0]
    assert (star.rounds, [p.steps for p in star.phases]) == (10_000, [9, 1])
    turns = open_recipe("score-self-correct", {"0.steps": "7"})[0]
    assert (turns.rounds, [p.steps for p in turns.phases]) == (1, [7, 10_000])
    assert open_recipe("self-consistency", {})[0].phases[0].steps == 1
    recipe, job, *_ = open_recipe("selftaught without reflect", {})
    assert recipe.name == "selftaught without reflect" and job.without == "reflect" and recipe.phases[0].steps == 10_000


def test_options_go_where_they_belong():
    recipe, _, taken, _ = open_recipe("ttrl", {"optimizer.lr": "1e-4", "judge.n": "3"})
    assert recipe.phases[0].objectives[0].optimizer.lr == 1e-4 and taken == {"optimizer.lr"}
    assert open_recipe("zero-lr", {"optimizer.lr": "1e-4"})[0].phases[0].objectives[0].optimizer.lr == 0
    assert open_recipe("self-consistency", {"optimizer.lr": "1e-4"})[2] == set()
    with pytest.raises(BadInput, match="not float"):
        open_recipe("ttrl", {"optimizer.lr": "fast"})


def test_declaration_is_of_what_a_recipe_does():
    from dataclasses import replace

    from selftaught.recipe import Claim, get_recipe

    ttrl = get_recipe("ttrl")
    assert declaration(ttrl) == declaration(replace(ttrl, claim=Claim(text="else", equal="steps"), tiny={}))
    assert declaration(ttrl) != declaration(ttrl.with_options({"plan.n": 9}))


@pytest.mark.parametrize(
    ("recipes", "changed", "message"),
    [
        (["ttrll"], {}, "did you mean 'ttrl'"),
        (["t-jepa"], {}, "--claims t-jepa"),
        (["spiral/fixed-opponent"], {}, "--claims spiral"),
        (["ttrl"], {"options": {"judge.n": "3"}}, "no recipe of ttrl has an option --judge.n"),
        (["ttrl without sense"], {}, "--without sense"),
    ],
)
def test_bad_input_is_refused_before_anything_runs(recipes, changed, message, tmp_path):
    from dataclasses import replace

    with pytest.raises(BadInput, match=message):
        compare(recipes, replace(SMALL, **changed), [1], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_settings_that_end_otherwise_are_refused():
    with pytest.raises(BadInput, match="leave out --steps"):
        Settings(options={"steps": "3"})
    with pytest.raises(BadInput, match="above 0"):
        Settings(budget=0)


def test_a_run_is_one_command(tmp_path):
    run = ask("star/votes", 3, tmp_path, Settings(model="m", tasks=("a", "b"), budget=2e12, equal="flops", options={"plan.n": "4"}))
    text = " ".join(run.words)
    assert run.folder == tmp_path / "star-votes-3" and "improve star/votes --seed 3 " in text
    for piece in ("--model m", "--tasks a b", "--budget 2000000000000flops", "--rounds 10000", "--plan.n 4", "--held-out-count 100"):
        assert piece in text
    assert "--budget" not in ask("self-consistency", 3, tmp_path, SMALL).words
    marked = ask("star/votes", 3, tmp_path, SMALL, marked=True)
    assert marked.folder.name == f"star-votes-3-{marked.mark[:8]}"


def test_what_is_not_trained_runs_once(tmp_path):
    rows = [ask_all(text, [4, 5], tmp_path, SMALL) for text in ("ttrl", "self-consistency")]
    assert [run.folder.name for run in in_turn(rows)] == ["ttrl-4", "self-consistency-4", "ttrl-5"]


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """A whole comparison: (folder, table, lines that were said)."""
    out, said = tmp_path_factory.mktemp("compared"), []
    table = compare(["ttrl", "cooler-start", "zero-lr"], SMALL, [1, 2], out, jobs=2, say=said.append)
    return out, table, said


def test_a_whole_comparison(compared):
    out, table, said = compared
    assert len(said) == 5 and table["failed"] == [] and [r["recipe"] for r in table["rows"]] == ["ttrl", "cooler-start", "zero-lr"]
    rows = {r["recipe"]: r for r in table["rows"]}
    ttrl = rows["ttrl"]
    folders = [out / "ttrl-1", out / "ttrl-2"]
    sides = [json.loads((f / "held_out.json").read_text()) for f in folders]
    diff = np.array([np.subtract(s["result"]["best"], s["start"]["best"]) for s in sides])
    assert ttrl["best"]["gain"] == pytest.approx(diff.mean()) and ttrl["best"]["low"] == pytest.approx(estimate(diff).low)
    trained = [rows[name] for name in ("ttrl", "zero-lr")]
    assert [r["holm"] for r in trained] == pytest.approx(holm([r["p"] for r in trained]))
    assert rows["cooler-start"]["holm"] is None and not rows["cooler-start"]["trains"] and rows["cooler-start"]["tokens"] < 8_000
    assert rows["zero-lr"]["best"]["gain"] == 0 and rows["zero-lr"]["verdict"] == "can't tell"
    assert all(0 < r["tokens"] <= 8_000 and set(r["gold_read"]) >= {"train", "select"} for r in trained)
    for a, b in combinations(rows.values(), 2):
        assert bool(set(a["letters"]) & set(b["letters"])) == (b["recipe"] not in a["separated"])
    json.dumps(table)


def test_finished_runs_are_not_repeated(compared):
    out, table, _ = compared
    before = {path: path.stat().st_mtime_ns for path in out.glob("*/*")}
    said = []
    again = compare(["ttrl", "cooler-start", "zero-lr"], SMALL, [1, 2], out, say=said.append)
    assert json.dumps(again) == json.dumps(table) and not said
    assert before == {path: path.stat().st_mtime_ns for path in out.glob("*/*")}
    with pytest.raises(BadInput, match="with other settings .*give another --out"):
        compare(["ttrl"], Settings(model="scripted", tasks=("sums:level=3",), held_out_count=12, budget=9_000), [1], out)


def test_lines_fit_the_terminal(compared):
    _, table, _ = compared
    for width in (200, 100, 60):
        shown = lines(table, width)
        assert len(shown[0]) <= width and shown[0].startswith("recipe") and "ttrl" in "\n".join(shown)
        assert ("not shown" in shown[-1]) == ("alarms" not in shown[0])
    assert lines({"rows": []}, 80) == []


COMMAND = ["compare", "ttrl", "--no-controls", "--model", "scripted", "--tasks", "sums:level=3", "--held-out-count", "12"]


def started(out, budget):
    return subprocess.Popen(
        [sys.executable, "-m", "selftaught", *COMMAND, "--budget", budget, "--seeds", "2", "--jobs", "2", "--out", str(out)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.slow
def test_an_interrupted_comparison_goes_on_and_ends_as_it_would_have(tmp_path):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert started(whole, "24k").communicate()[1].count("done") == 2
    process = started(cut, "24k")
    journal, deadline = cut / "ttrl-1" / "steps.jsonl", time.monotonic() + 60
    while not journal.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130 and "give the same command to go on" in said
    assert not (cut / "compare.json").exists()
    done = started(cut, "24k")
    assert done.communicate(timeout=90)[0].count("\n") > 3 and done.returncode == 0
    tables = [json.loads((out / "compare.json").read_text()) for out in (whole, cut)]
    for one, two in zip(*(table["rows"] for table in tables), strict=True):
        assert {k: v for k, v in one.items() if k != "seconds"} == {k: v for k, v in two.items() if k != "seconds"}


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_a_folder_is_for_one_comparison_at_a_time(tmp_path):
    """Even when the first was killed: the runs it started hold the lock."""
    process = started(tmp_path, "100M")
    while not (tmp_path / "ttrl-1" / "steps.jsonl").exists() and process.poll() is None:
        time.sleep(0.02)
    process.kill()
    process.communicate()
    [child] = [int(p.name) for p in Path("/proc").iterdir() if p.name.isdecimal() and str(tmp_path / "ttrl-1").encode() in command(p)]
    try:
        with pytest.raises(BadInput, match="still at work"), alone(tmp_path):
            pass
    finally:
        os.kill(child, signal.SIGKILL)
    # A process that was killed lets go of its memory a moment before its files.
    deadline = time.monotonic() + 30
    while True:
        try:
            with alone(tmp_path):
                break
        except BadInput:
            assert time.monotonic() < deadline
            time.sleep(0.02)


def command(process):
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


def test_a_run_that_breaks_is_a_failure_and_the_others_go_on(tmp_path):
    def run(name, code):
        words = ("timeit", "-n1", "-r1", code)
        return Wanted(recipe=name, seed=1, folder=tmp_path / name, words=words, again=words, mark=name)

    good, bad = run("good", "pass"), run("bad", "raise ValueError('it broke')")
    said = []
    assert sweep([good, bad, run("other", "pass")], tmp_path, 2, said.append) == {bad.folder: "ValueError: it broke"}
    assert good.finished() and not bad.finished() and len(said) == 3
    words = ("selftaught", "show", "nothing")
    refused = Wanted(recipe="refused", seed=1, folder=tmp_path / "refused", words=words, again=words, mark="refused")
    with pytest.raises(BadInput, match="^refused: .*nothing"):
        sweep([refused], tmp_path / "else", 1)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "run.json").write_text("{}")
    with pytest.raises(BadInput, match="no comparison started"):
        run("own", "pass").finished()


def test_tabled_counts_what_was_spent(tmp_path):
    for seed, spent in ((1, 10), (2, 30)):
        folder = tmp_path / str(seed)
        folder.mkdir()
        side = {"tasks": ["a", "b", "c"], "stated": [0, 0, 1], "best": [0, 1, 1], "pass@16": [1, 1, 1]}
        (folder / "held_out.json").write_text(json.dumps({"start": side, "result": side}))
        tokens = {"prompted": spent, "sampled": spent, "scored": 0, "trained": 0, "evaluated": 7}
        result = {"tokens": tokens, "flops": {"spent": 2.0 * seed}, "seconds": seed, "verdict": "can't tell"}
        result |= {"gold_read": {"train": 0, "select": seed}, "alarms": [{"name": "length", "step": 3, "message": "m"}] * (seed == 2)}
        (folder / "result.json").write_text(json.dumps(result))
    [row] = tabled({"x": [tmp_path / "1", tmp_path / "2"]}, [1, 2], {"x"})["rows"]
    assert (row["tokens"], row["flops"], row["seconds"], row["evaluated"]) == (40, 3.0, 1.5, 7)
    assert row["gold_read"] == {"train": 0, "select": 2}
    assert row["alarms"] == [{"name": "length", "step": 3, "message": "m", "seed": 2}]
    assert (row["letters"], row["separated"], row["p"], row["holm"]) == ("a", [], 1, 1)


def test_control_tokens_exist():
    from selftaught.recipe import get_recipe

    assert all(get_recipe(name).claim.text for name in CONTROLS)
