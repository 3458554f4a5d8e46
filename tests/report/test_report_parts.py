"""What the page is made of: numbers into shapes, text made safe, questions sorted."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from selftaught.parts import BadInput
from selftaught.report import amounts, figures
from selftaught.report.bars import short, stacked
from selftaught.report.curves import Stairs, brief, generations, spark, staircase
from selftaught.report.dots import Dot, dot_plot, percent, said
from selftaught.report.questions import flags, questions, tally
from selftaught.report.reading import RunFiles, lines, read_run
from selftaught.report.strings import LIMIT, Strings, embed, visible
from selftaught.report.svg import spread, tag, ticks
from selftaught.report.training import training


def run_files(**changed):
    kept = dict(folder=Path(), manifest={}, result={}, forecast={}, per_task={}, pointers={}, steps=(), ledger=())
    return RunFiles(**(kept | changed))


@pytest.mark.parametrize("low, high, most, wanted", [
    (0, 1, 6, [0, 0.2, 0.4, 0.6, 0.8, 1]), (0.44, 0.71, 5, [0.4, 0.5, 0.6, 0.7, 0.8]), (-0.07, 0.11, 4, [-0.1, 0, 0.1, 0.2]),
    (0, 60, 7, [0, 10, 20, 30, 40, 50, 60]), (3, 3, 4, [3, 4]),
])  # fmt: skip
def test_ticks_are_round_and_enclose(low, high, most, wanted):
    found = ticks(low, high, most)
    assert found == pytest.approx(wanted)
    assert found[0] <= low and found[-1] >= high


def test_spread_keeps_order_gap_and_ends():
    rng = np.random.default_rng(0)
    for _ in range(50):
        wanted = rng.uniform(0, 100, 6).tolist()
        placed = spread(wanted, 10, 0, 100)
        order = np.argsort(wanted, kind="stable")
        assert (np.diff(np.array(placed)[order]) >= 10 - 1e-9).all()
        assert min(placed) >= 0 and max(placed) <= 100
    assert spread([10, 50, 90], 10, 0, 100) == [10, 50, 90]


def test_numbers_in_words():
    assert [short(n) for n in (0, 12, 999, 1000, 951_698, 1_234_567, 3.2e13)] == ["0", "12", "999", "1k", "952k", "1.23M", "32T"]
    assert [brief(v) for v in (0.12345, 0.00164, 4e-7, -2, 12_000, 0)] == ["0.123", "0.0016", "4e−07", "−2", "12k", "0"]
    assert [amounts.time_words(s) for s in (8.24, 107.4, 3725, None)] == ["8.2 s", "1 min 47 s", "1 h 2 min", ""]
    assert percent(0.4567) == "45.7%" and percent(-0.021, signed=True) == "−2.1" and percent(None) == "–"
    assert said(Dot(label="", value=0.1, low=-0.02, high=0.22), True) == "+10.0 (−2.0 to 22.0)"


def test_markup_escapes_what_it_is_given():
    assert (
        tag("text", '<b> & "', x=1.25, class_='"><script>') == '<text x="1.2" class="&#34;&gt;&lt;script&gt;">&lt;b&gt; &amp; &#34;</text>'
    )
    drawn = dot_plot([Dot(label="<script>", value=0.5)], "a title") + stacked([("</svg>", {"self": 1.0})], ("self",), "t")
    assert "<script>" not in drawn and drawn.count("</svg>") == 4


def test_charts_say_in_words_what_they_show():
    plot = dot_plot([Dot(label="Start", value=0.4, low=0.3, high=0.5), Dot(label="After", value=None)], "Solved")
    assert 'role="img"' in plot and "Start 40.0% (30.0 to 50.0)" in plot and "After" not in plot
    line = staircase([Stairs(label="sums", treads=((0, 10, 0.25), (10, 20, 0.5)))], "Levels")
    assert "sums from 25% to 50%" in line
    assert dot_plot([], "nothing") == "" and spark([], [], "nothing") == "" and staircase([], "nothing") == ""
    assert "rolled back at step 20" in generations(40, [10, 20, 40], {"start": 0, "best": 40}, [20])


def test_a_dot_stands_where_its_value_is():
    plot = dot_plot([Dot(label="a", value=0.0), Dot(label="b", value=1.0), Dot(label="c", value=0.25)], "t").split('class="narrow"')[0]
    xs = [float(piece.split('"')[0]) for piece in plot.split('cx="')[1:]]
    assert (xs[2] - xs[0]) / (xs[1] - xs[0]) == pytest.approx(0.25, abs=1e-3)


def test_a_tread_is_the_mean_of_its_steps():
    points = [(1, 0.0), (2, 1.0), (3, 0.5), (7, 0.9)]
    assert figures.treads(points, [2, 4, 6, 8]) == ((0, 2, 0.5), (2, 4, 0.5), (6, 8, 0.9))


def test_generations_end_where_the_loop_ends_them():
    from selftaught.recipe import get_recipe, record

    for name in ("selftaught", "ttrl", "rest-mcts-star", "star"):
        recipe = get_recipe(name).with_options({"steps": 7})
        wanted = [i for i, (*_, last) in enumerate(recipe.schedule(), 1) if last]
        assert figures.schedule_ends(record(recipe), 1000) == wanted
    assert figures.schedule_ends({"phases": [{"steps": 60, "every": 25}]}, 50) == [25, 50]


def test_rolled_back_where_the_weights_grow_older():
    steps = [{"step": i + 1, "generation": g} for i, g in enumerate([1, 2, 3, 1, 2])]
    assert figures.rolled_back(run_files(steps=tuple(steps))) == [3]


def test_interval_is_the_normal_one_and_only_of_its_own_mean():
    values = np.random.default_rng(1).random(50)
    low, high = figures.interval(values.tolist(), float(values.mean()))
    half = 1.96 * values.std(ddof=1) / math.sqrt(50)
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half))
    assert figures.interval(values.tolist(), float(values.mean()) + 0.1) == (None, None)
    assert figures.interval([0.5], 0.5) == figures.interval(None, 0.5) == (None, None)


def test_hidden_characters_can_be_seen():
    assert visible("a\x00\x1b[31m\u202eb\u200b\ud800\x9b") == "a␀␛[31m⟨U+202E⟩b⟨U+200B⟩\ufffd⟨U+009B⟩"
    assert visible("zwj \u200d, é, 漢, \n\t") == "zwj \u200d, é, 漢, \n\t"


def test_embedded_json_comes_back_and_ends_no_script():
    value = {"a": "</script><!-- & \u2028\u2029", "b": [1.5, None, float("nan")], "c": "{{ x }}"}
    text = str(embed(value))
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text) == value | {"b": [1.5, None, None]}
    embed("\ud800").encode()


def test_texts_are_kept_once_and_cut_to_fit():
    strings = Strings(room=10_000)
    assert strings.add("x") == strings.add("x") == 0
    for i in range(50):
        strings.add(f"{i}" + "y" * 100_000)
    table = strings.table()
    assert table[0] == "x" and len(embed(table).encode()) < 14_000 and strings.limit < LIMIT
    assert table[7].startswith("6yyy") and table[7].endswith("… [cut; 100,001 characters in all]")


def rows(*pairs):
    return [{"answer": answer, "right": right, "logprob": -1.0} for answer, right in pairs]


@pytest.mark.parametrize("before, after, wanted", [
    (rows(*[("1", 0)] * 4), rows(*[("2", 1)] * 4), "f"), (rows(*[("2", 1)] * 4), rows(*[("1", 0)] * 4), "bcw"),
    (rows(("2", 1), ("1", 0)), rows(*[("1", 0)] * 3, ("2", 1)), "bc"), (rows(("1", 0)), rows(("3", 0), ("4", 0), ("5", 0)), "w"),
    (rows(("1", None)), rows(("1", None)), "u"), (rows(("1", 0)), [], "w"),
    (rows(("1", 0)), [{"answer": "1", "right": 0, "logprob": -0.01}], "cw"),
    ([], [], "u"), (rows(("1", 1)), rows(("1", 1)), ""),
])  # fmt: skip
def test_questions_are_sorted_into_filters(before, after, wanted):
    assert set(flags(tally(before), tally(after))) == set(wanted)


def test_confident_and_wrong_questions_come_first_and_counts_are_of_all_attempts():
    strings = Strings()
    right = {"text": "r", "source": "s", "start": rows(("2", 1)), "result": rows(*[("2", 1)] * 3)}
    wrong = right | {"text": "w", "result": rows(*[("1", 0)] * 3, ("2", 1))}
    found = questions([right, wrong], strings)
    table = strings.table()
    assert [table[q["q"]] for q in found["questions"]] == ["w", "r"] and found["attempts"] == 9
    assert [[table[n], times, good] for n, times, good in found["questions"][0]["c"][1]] == [["1", 3, 0], ["2", 1, 1]]


def test_a_revision_points_at_its_parent_and_notes_are_kept():
    attempts = [
        {"id": "a", "text": "x=1", "score": [0.0, "self", ""]}, {"id": "b", "text": "x=2", "score": None},
        {"id": "c", "text": "x=3", "parents": ["b"], "score": [1.0, "rule", "old"], "notes": ["judge: the sign was lost"]},
    ]  # fmt: skip
    strings = Strings()
    [group] = training([{"step": 4, "task": "t", "source": "s", "attempts": attempts}], strings)["groups"]
    assert group["p"] == 5 and [a[6] for a in group["a"]] == [-1, -1, 1] and [a[1] for a in group["a"]] == [0.0, None, 1.0]
    assert strings.table()[group["a"][2][3]] == "judge: the sign was lost" and set(group["f"]) == set("rp")


def test_tokens_by_stage_are_the_ledgers():
    ledger = [
        {"table": "tokens", "stage": "explore", "purpose": "train", "kind": "sampled", "count": 5},
        {"table": "tokens", "stage": "explore", "purpose": "train", "kind": "sampled", "count": 2, "role": "judge"},
        {"table": "tokens", "stage": "gate", "purpose": "evaluate", "kind": "evaluated", "count": 9},
        {"table": "gold", "purpose": "audit", "count": 3},
    ]
    assert amounts.stages(run_files(ledger=tuple(ledger))) == {"gate": {"evaluated": 9.0}, "explore": {"sampled": 7.0}}
    assert amounts.stages(run_files(result={"stages": {"train": {"trained": 4}}})) == {"train": {"trained": 4.0}}


def test_a_line_cut_short_is_left_out(tmp_path):
    (tmp_path / "steps.jsonl").write_bytes(b'{"step": 1}\n[1]\n{"step": "\xff"}\n{"step": 3, "re')
    assert list(lines(tmp_path / "steps.jsonl")) == [{"step": 1}, {"step": "\ufffd"}]


def test_folders_without_a_run_are_refused_in_one_line(tmp_path):
    with pytest.raises(BadInput, match="holds no run"):
        read_run(tmp_path)
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(BadInput, match="damaged"):
        read_run(tmp_path)
