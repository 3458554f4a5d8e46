"""Claims: rules by hand numbers, statuses in files, the committed page, and claims put to the test on the scripted model."""

import ast
import json
from pathlib import Path

import numpy as np
import pytest
from selftaught.compare.measures import MEASURES
from selftaught.compare.stamp import recipe_file, stamp

from selftaught.compare import outcomes, second
from selftaught.compare.claims import ALSO, OTHERS, PAGE, RESULTS, SEEDS, SETTINGS, arms, claim_key, current, put_to_test, result, tasks_of
from selftaught.compare.outcomes import Row, decided, difference
from selftaught.compare.page import page
from selftaught.compare.runs import Settings
from selftaught.parts import BadInput
from selftaught.recipe import all_recipes, get_recipe
from selftaught.run.files import SCHEMA

ROOT = Path(__file__).parent.parent.parent
COMMITTED = sorted((ROOT / RESULTS).glob("*.json"))
SMALL = Settings(model="scripted", tasks=("linear:level=2",), held_out_count=12, budget=8_000)


def row(low, high, by=0.0, against="x"):
    return Row(against, "best", 0.5, 0.5 + (low + high) / 2, (low + high) / 2, low, high, 0.01, by)


@pytest.mark.parametrize(
    ("rows", "status"),
    [
        ([row(0.01, 0.1)], "holds"),
        ([row(0.01, 0.1), row(0.0, 0.1)], "fails"),
        ([row(0.01, 0.1, by=0.02)], "fails"),
        ([row(0.03, 0.1, by=0.02)], "holds"),
        ([row(-0.02, 0.1, by=-0.03)], "holds"),
        ([row(-0.1, -0.01), row(-0.1, 0.1)], "opposite"),
        ([row(-0.1, -0.01), row(0.01, 0.1)], "fails"),
    ],
)
def test_rules_by_hand(rows, status):
    assert decided(rows)[0] == status


def test_the_reason_is_the_row_that_decides():
    assert decided([row(0.05, 0.1, against="a"), row(-0.01, 0.03, by=0.02, against="b")])[1] == (
        "against b, best: +1 points (-1 to +3); more than +2 points are asked"
    )
    assert "against low" in decided([row(-0.3, 0.1, against="wide"), row(-0.2, -0.1, against="low")])[1]


def held_out(folder, start, result):
    folder.mkdir(parents=True)
    sides = {name: {"stated": values, "best": values, "pass@16": values} for name, values in (("start", start), ("result", result))}
    (folder / "held_out.json").write_text(json.dumps(sides))
    return folder


def test_beats_pairs_tasks_and_seeds(tmp_path):
    rng = np.random.default_rng(0)
    base = rng.uniform(0, 0.6, (3, 50))
    better = base + 0.2 + rng.normal(0, 0.05, (3, 50))
    mine = [held_out(tmp_path / f"a{i}", base[i].tolist(), better[i].tolist()) for i in range(3)]
    theirs = [held_out(tmp_path / f"b{i}", base[i].tolist(), base[i].tolist()) for i in range(3)]
    rows, status, _ = outcomes.beats(mine, {"other": theirs}, 0.1)
    assert status == "holds" and [r.at for r in rows] == ["stated", "best"] and rows[0].gain == pytest.approx((better - base).mean())
    assert outcomes.beats(theirs, {"other": mine}, 0.0)[1] == "opposite"
    assert outcomes.beats(mine, {"other": theirs}, 0.25)[1] == "fails"
    assert outcomes.gains_nothing(theirs)[1] == "holds" and outcomes.gains_nothing(mine)[1] == "fails"


def test_a_control_at_rate_0_must_be_equal_bit_for_bit(tmp_path):
    folder = held_out(tmp_path / "run", [0.1, 0.2, 0.3], [0.1, 0.2, 0.3])
    (folder / "latest.json").write_text(json.dumps({"start": "0", "latest": "1", "best": "1"}))
    for name in "01":
        (folder / "generations" / name / "policy").mkdir(parents=True)
    assert not outcomes.same_weights(folder)
    files = [folder / "generations" / name / "policy" / "model.safetensors" for name in "01"]
    for file in files:
        file.write_bytes(b"weights")
    assert outcomes.changes_nothing([folder, folder])[1] == "holds"
    files[1].write_bytes(b"weightz")
    rows, status, reason = outcomes.changes_nothing([folder, folder])
    assert status == "fails" and "weights are not equal" in reason and all(r.gain == 0 for r in rows)


def measured(folder, **found):
    folder.mkdir(parents=True)
    (folder / "measured.json").write_text(json.dumps(found))
    return folder


@pytest.mark.parametrize(
    ("second", "kept", "status"), [(0.2, 0.0, "holds"), (0.2, -0.1, "fails"), (0.0, 0.0, "fails"), (-0.2, 0.0, "opposite")]
)
def test_second_answers(tmp_path, second, kept, status):
    """Second answers gain `second` on first ones, which change by `kept`; the baseline gains nothing."""
    rng = np.random.default_rng(1)

    def noisy(values):
        return (np.array(values) + rng.normal(0, 0.01, 40)).tolist()

    base = rng.uniform(0.2, 0.7, 40)
    runs = {"mine": [], "no-bonus": []}
    for i in range(3):
        start = {"first": noisy(base), "second": noisy(base)}
        runs["mine"].append(
            measured(tmp_path / f"m{i}", start=start, result={"first": noisy(base + kept), "second": noisy(base + kept + second)})
        )
        runs["no-bonus"].append(measured(tmp_path / f"n{i}", start=start, result={"first": noisy(base), "second": noisy(base)}))
    rows, found, _ = outcomes.corrects("mine", runs, 0.03)
    assert found == status and [r.against for r in rows] == ["its own first answer", "the start", "no-bonus"]


def test_exploitability_is_better_when_lower(tmp_path):
    low = [measured(tmp_path / f"l{i}", start=0.5, result=0.2 + 0.01 * i) for i in range(4)]
    high = [measured(tmp_path / f"h{i}", start=0.5, result=0.4 + 0.01 * i) for i in range(4)]
    rows, status, reason = outcomes.less_exploitable("spiral", {"spiral": low, "fixed": high})
    assert status == "holds" and rows[1].gain == pytest.approx(0.2) and "+0.2 (" in reason
    assert outcomes.less_exploitable("spiral", {"spiral": high, "fixed": low})[1] == "opposite"


def test_features_must_win_on_three_tables(tmp_path):
    rng = np.random.default_rng(2)

    def runs(name, shift, variance):
        raw = rng.integers(0, 2, 60).astype(float)
        return [
            measured(
                tmp_path / f"{name}{i}",
                start=raw.tolist(),
                result=(raw + shift + rng.normal(0, 0.1, 60)).tolist(),
                variance=variance * (1 + i / 100),
            )
            for i in range(3)
        ]

    def found(shifts, variance):
        wide = dict(zip("abcd", (1.0, 1.01, 1.03, 1.06), strict=True))
        mine = {f"t-jepa {s}": runs(f"{s}{variance}{shifts}", shift, wide[s]) for s, shift in zip("abcd", shifts, strict=True)}
        less = {f"t-jepa/no {source}": runs(f"no{source}{variance}{shifts}", 0.0, variance) for source in "abcd"}
        return outcomes.features_help("t-jepa", mine | less)

    assert found((0.2, 0.2, 0.2, -0.2), 0.5)[1] == "holds"
    assert found((0.2, 0.2, 0.2, -0.2), 2.0)[1] == "fails"
    assert found((0.2, 0.2, 0.0, -0.2), 0.5)[1] == "fails"
    assert found((-0.2, -0.2, 0.0, -0.2), 0.5)[1] == "opposite"


@pytest.mark.parametrize("name", sorted(all_recipes()))
def test_every_claim_has_a_test_that_is_planned(name, tmp_path):
    recipe = get_recipe(name)
    plan = arms(name, tmp_path)
    assert recipe.claim.metric == "pass@1" or recipe.claim.metric in MEASURES
    named = [name, *recipe.claim.beats, *ALSO.get(name, ())]
    assert list(dict.fromkeys(text.partition(" table:")[0] for text in plan)) == list(dict.fromkeys(named))
    for text, runs in plan.items():
        assert len(runs) == len(SEEDS) and len({run.folder for run in runs}) in (1, len(SEEDS)), text
    assert claim_key(name, plan) == claim_key(name, arms(name, tmp_path / "elsewhere"))


def test_shared_baselines_run_once_and_seeds_are_not_those_of_tuning(tmp_path):
    assert not set(SEEDS) & {0, 1, *range(11, 16), *range(21, 26)} and SETTINGS.evaluation_seed not in (0, 1)
    one, two = arms("sharpening", tmp_path)["sft-unfiltered"], arms("self-rewarding-dpo", tmp_path)["sft-unfiltered"]
    assert one == two
    changed = arms("sharpening", tmp_path, Settings(**{**SETTINGS.__dict__, "budget": 1}))["sft-unfiltered"]
    assert {run.folder for run in one}.isdisjoint(run.folder for run in changed)


def test_unknown_metrics_are_refused(tmp_path, monkeypatch):
    from dataclasses import replace

    ttrl = get_recipe("ttrl")
    monkeypatch.setattr("selftaught.compare.claims.get_recipe", lambda name: replace(ttrl, claim=replace(ttrl.claim, metric="pass@2")))
    with pytest.raises(BadInput, match="did you mean 'pass@1'"):
        arms("ttrl", tmp_path)


@pytest.fixture(scope="module")
def tested(tmp_path_factory):
    """Two claims put to the test on the scripted model: (root, results)."""
    root = tmp_path_factory.mktemp("claims")
    names = ["ttrl", "random-reward"]
    return root, put_to_test(names, root / "runs", 2, lambda line: None, settings=SMALL, seeds=(41, 42), root=root)


@pytest.mark.slow
def test_claims_put_to_the_test(tested):
    root, found = tested
    for name, kept in found.items():
        assert json.loads((root / RESULTS / f"{name}.json").read_text()) == {"version": SCHEMA, **json.loads(json.dumps(kept))}
        assert kept["status"] in ("holds", "fails", "opposite") and kept["model"] == "scripted" and kept["seeds"] == (41, 42)
        assert all(0 < tokens <= 8_000 for tokens in kept["tokens"].values()) and kept["reason"].startswith("against ")
    assert [(r["against"], r["at"]) for r in found["ttrl"]["rows"]] == [("zero-lr", "stated"), ("zero-lr", "best")]
    assert [r["against"] for r in found["random-reward"]["rows"]] == ["the start", "the start"]
    text = (root / PAGE).read_text()
    assert text == page(current(root)) and "## ttrl" in text and "(before it was last changed)" in text
    assert f"**{found['ttrl']['status']}**" in text and "| `spiral` |" in text


@pytest.mark.slow
def test_testing_again_repeats_no_run(tested):
    root, found = tested
    said = []
    again = put_to_test(["ttrl"], root / "runs", 1, said.append, settings=SMALL, seeds=(41, 42), root=root)
    assert not said and again["ttrl"] == found["ttrl"]


def test_a_claim_whose_model_is_not_there_is_untested(tmp_path, monkeypatch):
    monkeypatch.setitem(OTHERS, "spiral", ("nowhere", "nobody", "make_it.py"))
    found = put_to_test(["spiral"], tmp_path / "runs", 1, lambda line: None, root=tmp_path)
    assert found["spiral"]["status"] == "untested" and "make_it.py makes it" in found["spiral"]["reason"]
    assert not (tmp_path / RESULTS).exists()


STAMPED = """recipe = Recipe(
    claim=Claim(beats=("ttrl",), text="it wins"),
)
LONG = 1
"""


def test_stamp_writes_status_and_model(tmp_path):
    path = tmp_path / "recipe.py"
    path.write_text(STAMPED)
    assert stamp(path, "holds", "sprout")
    assert 'claim=Claim(beats=("ttrl",), text="it wins", status="holds", model="sprout"),' in path.read_text()
    assert not stamp(path, "holds", "sprout")
    # 70 letters fit on a line of their own, not beside the name.
    stamp(path, "fails", "m" * 70)
    lines = path.read_text().splitlines()
    assert (
        lines[1] == "    claim=Claim("
        and lines[2].startswith('        beats=("ttrl",), text="it wins", status="fails"')
        and lines[3] == "    ),"
    )
    assert stamp(path, "untested", "") and path.read_text() == STAMPED
    (tmp_path / "none.py").write_text("x = 1")
    with pytest.raises(ValueError, match=r"one Claim\(...\)"):
        stamp(tmp_path / "none.py", "holds", "")


@pytest.mark.parametrize("name", sorted(all_recipes()))
def test_every_recipe_file_can_be_stamped_and_stays_formatted(name, tmp_path):
    import subprocess
    import sys

    copy = tmp_path / "recipe.py"
    copy.write_text(recipe_file(name).read_text())
    claim = get_recipe(name).claim
    stamp(copy, "opposite", "a model")
    [call] = [n for n in ast.walk(ast.parse(copy.read_text())) if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "Claim"]
    values = {k.arg: ast.literal_eval(k.value) for k in call.keywords if k.arg in ("status", "model", "text")}
    assert values == {"status": "opposite", "model": "a model", "text": claim.text}
    ruff = Path(sys.executable).with_name("ruff")
    if ruff.exists():
        subprocess.run([ruff, "format", "--check", "--line-length", "140", copy], check=True, capture_output=True)
    stamp(copy, claim.status, claim.model)
    assert copy.read_text() == recipe_file(name).read_text()


def test_the_page_is_current():
    assert (ROOT / PAGE).read_text() == page(current(ROOT), current(ROOT, second.SETTINGS, second.SEEDS)), (
        "run `selftaught compare --claims`"
    )
    assert all(f"`{name}`" in (ROOT / PAGE).read_text() for name in all_recipes())


def test_no_control_is_called_improved_in_the_committed_results():
    for path in COMMITTED:
        kept = json.loads(path.read_text())
        if "/controls/" in str(recipe_file(kept["recipe"])):
            assert kept["status"] == "holds", path.stem


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_recipes_say_what_was_measured(path):
    kept, claim = json.loads(path.read_text()), get_recipe(path.stem).claim
    assert (claim.status, claim.model) == (kept["status"], kept["model"])


def test_difference_of_one_number_a_seed_is_over_seeds():
    assert difference("x", "exploitability", np.array([0.1, 0.2]), np.array([0.3, 0.5])).gain == pytest.approx(0.25)


def test_results_name_their_tasks():
    assert tasks_of("rest-mcts-star", SETTINGS) == (get_recipe("rest-mcts-star").claim.tasks or ("countdown:level=2",))
    assert result.__doc__


def test_on_the_second_model_settings_are_its_own_and_some_claims_are_not_asked(tmp_path):
    plan = arms("format-only", tmp_path, second.SETTINGS, second.SEEDS)
    [run] = plan["format-only"]
    words = " ".join(run.words)
    assert "--optimizer.lr 0.0003" in words and "--model smollm2" in words and "--adapter lora" in words and "--temperature 0.4" in words
    assert "--tasks alphabet:level=1 compare:level=2" in words
    [untuned] = arms("format-only", tmp_path, SETTINGS, (31,))["format-only"]
    assert "--optimizer.lr 0.0001" in " ".join(untuned.words)
    assert [run.words[2] for run in arms("zero-lr", tmp_path, second.SETTINGS, second.SEEDS)["zero-lr"]] == ["zero-lr"]
    assert "--optimizer.lr" not in arms("zero-lr", tmp_path, second.SETTINGS, second.SEEDS)["zero-lr"][0].words
    assert not any(second.asked(name) for name in ("t-jepa", "spiral", "score-self-correct")) and second.asked("ttrl")
    with pytest.raises(BadInput, match="spiral.*leave out --model"):
        put_to_test(["spiral"], tmp_path / "runs", 1, lambda line: None, settings=second.SETTINGS, seeds=second.SEEDS, root=tmp_path)


def test_how_often_both_models_agree():
    def kept(*rows):
        found = [row(*ends, against=against)._asdict() for against, *ends in rows]
        return {"rows": found, "status": "fails", "reason": "why", "budget": 60_000}

    first = {"ttrl": kept(("zero-lr", 0.01, 0.1)), "star": kept(("sft-unfiltered", 0.01, 0.1)), "b-star": kept(("star", -0.2, 0.1))}
    other = {"ttrl": kept(("zero-lr", 0.02, 0.1)), "star": kept(("sft-unfiltered", -0.2, -0.1)), "b-star": kept(("star", -0.3, 0.1))}
    said = second.agreement(first, other)
    assert said.startswith("Of 3 pairs") and "better one in 2;" in said and "of the 2 that" in said and said.endswith("in 1.")
    assert second.agreement(first, {}) == ""
    whole = current(ROOT)
    text = page(whole, {name: {"rows": [], "status": "untested"} for name in whole} | {"ttrl": other["ttrl"]})
    assert "## Does it carry over?" in text and "| `ttrl` | **fails** | **fails** | why |" in text
    assert "Does it carry over" not in page(whole, {name: {"rows": [], "status": "untested"} for name in whole})


@pytest.mark.slow
def test_a_claim_with_a_measure_of_its_own(tmp_path):
    found = put_to_test(["score-self-correct"], tmp_path / "runs", 2, lambda line: None, settings=SMALL, seeds=(41, 42), root=tmp_path)[
        "score-self-correct"
    ]
    assert [r["at"] for r in found["rows"]] == ["second answer", "first answer", "second minus first"]
