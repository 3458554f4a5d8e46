"""The benchmark's arithmetic, its results file, its processes and its command line; nothing is compared here."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def found_from_here(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))


def test_a_ratio_is_a_median_with_its_spread_and_says_whether_it_meets_its_target():
    from benchmarks.speed.results import ratio

    row = ratio("trl_tokens_per_second", [3.5, 2.0, 3.1])
    assert (row["median"], row["spread"], row["pairs"]) == (3.1, [2.0, 3.5], [3.5, 2.0, 3.1])
    assert (row["target"], row["better"], row["met"]) == (3.0, "higher", True)
    assert ratio("trl_tokens_per_second", [2.0, 3.0, 2.9, 3.0])["met"] is False
    lower = ratio("trl_extra_memory", [0.4, 0.6])
    assert (lower["median"], lower["better"], lower["met"]) == (0.5, "lower", True)
    with pytest.raises(ValueError, match="no pair"):
        ratio("generate_1", [])


def test_the_bars_are_those_that_were_set():
    from benchmarks.speed.results import NUMBERS, RATIOS

    assert {name: (bar, above) for name, (bar, above, _) in RATIOS.items()} == {
        "trl_tokens_per_second": (3.0, True), "trl_tokens_per_second_no_skip": (1.8, True), "trl_extra_memory": (0.5, False),
        "trl_time_to_target": (3.0, True), "generate_512": (2.5, True), "generate_1": (1.0, True), "peer_decode": (1.0, True),
        "tree_over_flat": (0.6, True),
    }  # fmt: skip
    assert {name: bar for name, (bar, above, _) in NUMBERS.items() if not above} == {
        "overhead": 0.05, "memory_slope": 0.0002, "seconds_to_verdict": 120.0, "logprob_gap.fp32.mean": 1e-6,
        "logprob_gap.fp32.max": 1e-4, "logprob_gap.bf16.mean": 1e-2, "logprob_gap.bf16.max": 0.15,
    }  # fmt: skip


def test_a_partial_run_changes_only_what_it_measured(tmp_path):
    from benchmarks.speed.results import merged, ratio, read, table, write

    path = tmp_path / "results" / "latest.json"
    first = {
        "ratios": {"generate_1": ratio("generate_1", [1.5]), "peer_decode": ratio("peer_decode", [0.5])},
        "logprob_gap": {"fp32": {"mean": 1e-7, "max": 1e-5}}, "not_run": {"tree": "no room", "logprob_gap.bf16": "no such precision"},
    }  # fmt: skip
    write(path, merged(read(path), first))
    later = {"ratios": {"peer_decode": ratio("peer_decode", [1.25])}, "overhead": 0.07, "logprob_gap": {"bf16": {"mean": 1e-3, "max": 0.1}}}
    write(path, merged(read(path), later))
    found = json.loads(path.read_text())
    assert (found["ratios"]["generate_1"]["median"], found["ratios"]["peer_decode"]["median"]) == (1.5, 1.25)
    assert found["logprob_gap"] == {"fp32": {"mean": 1e-7, "max": 1e-5}, "bf16": {"mean": 1e-3, "max": 0.1}}
    assert found["not_run"] == {"tree": "no room"}
    bars = {name: (row["value"], row["target"], row["met"]) for name, row in found["targets"].items()}
    assert bars["overhead"] == (0.07, 0.05, False) and bars["logprob_gap.bf16.max"] == (0.1, 0.15, True)
    said = table(found)
    assert "generate_1" in said and "NO" in said and "not run: tree: no room" in said


def test_memory_that_is_steady_has_no_slope_and_growth_is_a_share_a_round():
    from benchmarks.speed.rounds import slope

    assert slope([10**9 * (5 - i) for i in range(5)] + [10**9] * 100, warm=5) == pytest.approx(0.0, abs=1e-12)
    held = [10**9 + 10**6 * i for i in range(101)]
    assert slope(held, warm=0) == pytest.approx(10**6 / np.mean(held))


def test_a_line_through_seconds():
    from benchmarks.speed.scale import line

    found = line([64, 128, 256], [1.64, 2.28, 3.56])
    assert found["seconds_an_attempt"] == pytest.approx(0.01) and found["r2"] == pytest.approx(1.0)
    assert found["intercept_share"] == pytest.approx(1.0 / 3.56)


def test_seconds_inside_count_once_where_calls_overlap():
    from benchmarks.speed.overhead import Clock

    clock = Clock()
    clock.spans = {"sample": [(0.0, 2.0), (5.0, 6.0)], "checkers": [(1.0, 3.0), (5.2, 5.4)]}
    assert clock.inside() == pytest.approx(4.0)
    assert clock.clear() == {"sample": pytest.approx(3.0), "checkers": pytest.approx(2.2)} and clock.inside() == 0


def test_both_sides_are_given_the_same_tasks_none_of_them_held_out():
    from benchmarks.speed.setting import SOURCES, draws, held_out, reward

    steps = draws(SOURCES, 1, 2, 8)
    assert [[t.id for t in step] for step in steps] == [[t.id for t in step] for step in draws(SOURCES, 1, 2, 8)]
    assert not {t.id for step in steps for t in step} & {t.id for t in held_out(SOURCES)}
    task = next(t for t in steps[0] if t.source.startswith("sort"))
    numbers = sorted(int(w) for w in task.text.replace(".", "").split() if w.isdigit())
    assert reward(task, "#### " + " ".join(map(str, numbers))) == 1.0 and reward(task, "no idea") == 0.0


def test_a_setting_that_cannot_be_run_is_said_and_the_fastest_of_the_others_taken():
    from benchmarks.speed.pairs import fastest
    from benchmarks.speed.worker import Failed

    class Fake:
        def __init__(self, seconds):
            self.seconds, self.closed, self.process = seconds, False, SimpleNamespace(pid=os.getpid())

        def close(self):
            self.closed = True

    slow, quick = Fake(2.0), Fake(1.0)

    def broken():
        raise Failed("no such precision")

    unit = lambda worker: {"tokens": 10, "seconds": worker.seconds}  # noqa: E731
    name, worker, tried = fastest({"slow": lambda: slow, "broken": broken, "quick": lambda: quick}, unit)
    assert (name, worker, tried) == ("quick", quick, {"slow": 5.0, "broken": "no such precision", "quick": 10.0})
    assert slow.closed and not quick.closed
    with pytest.raises(Failed, match="no such precision"):
        fastest({"broken": broken}, unit)


def test_a_round_during_which_others_used_the_machine_is_done_again(monkeypatch):
    from benchmarks.speed import pairs

    loads = iter([0.0, 0.9, 0.1, 0.0, 0.5, 0.0, 0.1, 0.0])
    monkeypatch.setattr(pairs, "watched", lambda worker, unit: {"tokens": worker, "seconds": 1.0, "foreign": next(loads)})
    rows, said = pairs.in_turn([(4, None), (2, None)], 2)
    assert [[reply["foreign"] for reply in row] for row in rows] == [[0.1, 0.0], [0.1, 0.0]] and said.startswith("2 rounds left out")
    assert pairs.ratios(rows) == [2.0, 2.0] and pairs.ratios(rows, top=1, bottom=0) == [0.5, 0.5]
    loads = iter([0.3, 0.0, 0.9, 0.0, 0.2, 0.2])
    rows, said = pairs.in_turn([(4, None), (2, None)], 1)
    assert rows[0][0]["foreign"] == 0.2 and said.endswith("1 of those kept were disturbed too")


@pytest.mark.slow
def test_a_process_answers_once_for_each_command_and_says_what_went_wrong():
    from benchmarks.speed.worker import Failed, Worker

    with Worker("rounds", 1) as worker, pytest.raises(Failed, match="cannot fly: AttributeError"):
        worker.ask("fly")
    with Worker("nowhere", 1) as worker, pytest.raises(Failed, match="No module named"):
        worker.ask("start")


def test_a_process_ends_with_the_one_that_started_it():
    code = (
        "import time; from benchmarks.speed.worker import Worker; w = Worker('rounds', 1); print(w.process.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    status = Path(f"/proc/{int(parent.stdout.readline())}/status")

    def alive():
        try:
            return "State:\tZ" not in status.read_text()
        except OSError:
            return False

    time.sleep(0.5)
    assert alive()
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until = time.monotonic() + 10
    while alive() and time.monotonic() < until:
        time.sleep(0.05)
    assert not alive()


def test_the_command_line(tmp_path):
    words = [sys.executable, "-m", "benchmarks.speed"]
    shown = subprocess.run([*words, "--help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "--only" in shown.stdout and "--rounds" in shown.stdout and "trl, target, generate" in " ".join(shown.stdout.split())
    refused = subprocess.run([*words, "--only", "trll"], cwd=ROOT, capture_output=True, text=True)
    assert refused.returncode == 2 and "unknown part trll" in refused.stderr
