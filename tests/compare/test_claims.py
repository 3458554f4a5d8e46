"""Claims: rules by hand numbers, the committed page, old results carried over, and claims put to the test on the scripted model."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from selftaught.claim import Ask, Claim, beats, gains_nothing, outcome_of
from selftaught.compare import carried, second
from selftaught.compare.claims import put_to_test
from selftaught.compare.outcomes import Row, decided, difference, presumed, rows_of
from selftaught.compare.page import corrected, p_of, page
from selftaught.compare.plans import SEEDS, SETTINGS, arms, looks, premise_of, seen_by, sources_of, tasks_of
from selftaught.compare.results import OUTCOMES, PAGE, RESULTS, carry, claim_key, current
from selftaught.compare.runs import Settings
from selftaught.parts import BadInput, named, record
from selftaught.recipe import all_recipes, engine_of, get_recipe
from selftaught.run.files import SCHEMA

ROOT = Path(__file__).parent.parent.parent
COMMITTED = sorted((ROOT / RESULTS).glob("*.json"))
SMALL = Settings(model="scripted", tasks=("linear:level=2",), held_out_count=12, budget=8_000)


def row(low, high, by=0.0, against="x", **more):
    return Row(against, "best", 0.5, 0.5 + (low + high) / 2, (low + high) / 2, low, high, 0.01, by, **more)


def outcome(*rows, **claim):
    """Status and reason of rows, each of an ask of its own."""
    asks = tuple(Ask(measure="pass-1-best", against=r.against, by=r.by, want=r.want, decides=r.decides) for r in rows)
    return decided(Claim(asks=asks, **claim), [[r] for r in rows])


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
        # What may be lost says nothing about the opposite, and neither does what is only described.
        ([row(-0.1, 0.1), row(-0.2, -0.1, by=-0.03)], "fails"),
        ([row(0.01, 0.1), row(-0.2, -0.1, decides=False)], "holds"),
        ([row(-0.2, -0.1), row(0.01, 0.1, decides=False)], "opposite"),
        ([row(-0.1, 0.1, want="no more")], "holds"),
        ([row(0.01, 0.1, want="no more")], "fails"),
        ([row(0.0, 0.0, want="same")], "holds"),
        ([row(0.0, 0.0, want="same"), row(-0.1, 0.1, want="same", differ=0.02)], "fails"),
        ([row(np.nan, np.nan)], "fails"),
        ([row(np.nan, np.nan, want="no more")], "fails"),
    ],
)
def test_rules_by_hand(rows, status):
    assert outcome(*rows)[0] == status


def test_one_of_two_asks_can_be_enough():
    both = [row(0.01, 0.1, want="no more"), row(-0.1, 0.1, want="no more")]
    assert outcome(*both)[0] == "fails" and outcome(*both, enough="any")[0] == "holds"
    assert outcome(both[0], both[0], enough="any")[0] == "fails"


def test_the_reason_is_the_row_that_decides():
    assert outcome(row(0.05, 0.1, against="a"), row(-0.01, 0.03, by=0.02, against="b"))[1] == (
        "against b, best: +1 points (-1 to +3); more than +2 points are asked"
    )
    assert "against low" in outcome(row(-0.3, 0.1, against="wide"), row(-0.2, -0.1, against="low"))[1]
    assert "2% of the units differ" in outcome(row(0.0, 0.0, want="same", differ=0.02))[1]


def seen(**sides):
    """One recipe's values: `NAME_side=[S, units]` of one measure."""
    return {(name.rpartition("_")[0], "", "pass-1", name.rpartition("_")[2]): np.asarray(v, float) for name, v in sides.items()}


def test_units_and_seeds_are_paired():
    rng = np.random.default_rng(0)
    base = rng.uniform(0, 0.6, (3, 50))
    better = base + 0.2 + rng.normal(0, 0.05, (3, 50))
    found = seen(mine_start=base, mine_result=better, other_result=base)
    for against in ("start", "other"):
        [one] = rows_of("mine", Ask(measure="pass-1", against=against, by=0.1), found, ("",))
        assert one.true and one.gain == pytest.approx((better - base).mean())
    [one] = rows_of("mine", Ask(measure="pass-1", by=0.19), found, ("",))
    assert not one.true and one.p < 1e-6 and one.asked > 0.1


def test_less_is_better_and_one_unit_a_seed():
    """By hand: gains 0.2 and 0.3 have mean 0.25, error 0.05, and t(1) = 12.7."""
    measure, ask = named("measure", "exploitability"), Ask(measure="exploitability", against="x")
    one = difference("x", measure, np.array([[0.5], [0.5]]), np.array([[0.3], [0.2]]), ask)
    assert (one.before, one.after, one.gain) == pytest.approx((0.5, 0.25, 0.25)) and one.low == pytest.approx(
        0.25 - 12.706 * 0.05, abs=1e-3
    )
    assert "+0.25 (" in one.words() and "points" not in one.words()
    alone = difference("x", measure, np.array([[0.5]]), np.array([[0.3]]), ask)
    assert alone.gain == pytest.approx(0.2) and np.isnan(alone.low) and not alone.true


def test_so_many_sources_of_which_each_counts_by_itself():
    rng = np.random.default_rng(2)
    claim = get_recipe("t-jepa").claim

    def found(shifts, variance):
        values = {}
        for s, shift, wide in zip("abcd", shifts, (1.0, 1.01, 1.03, 1.06), strict=True):
            raw = rng.integers(0, 2, (3, 60)).astype(float)
            values["t-jepa", s, "probe", "raw rows"] = raw
            values["t-jepa", s, "probe", "result"] = raw + shift + rng.normal(0, 0.1, (3, 60))
            for name, level in (("t-jepa", wide), ("t-jepa/no-token", variance)):
                values[name, s, "feature-variance", "result"] = np.log([[level * (1 + i / 100)] for i in range(3)])
        return decided(claim, [rows_of("t-jepa", ask, values, tuple("abcd")) for ask in claim.asks])

    status, reason = found((0.2, 0.2, 0.2, -0.2), 0.5)
    assert status == "holds" and "on 3 of 4 task sources and loses on 1" in reason and "log variance" in reason
    assert found((0.2, 0.2, 0.2, -0.2), 2.0)[0] == "fails"
    assert found((0.2, 0.2, 0.0, -0.2), 0.5)[0] == "fails"
    assert found((-0.2, -0.2, 0.0, -0.2), 2.0)[0] == "opposite"


def test_a_premise_is_a_row_of_the_start():
    premise = Ask(measure="vote", against="one attempt", by=0.05)
    one, vote = np.full((1, 40), 0.5), np.tile([0.5, 0.7], 20)[None]
    held = presumed(premise, vote, one)
    assert held.true and (held.before, held.after) == pytest.approx((0.5, 0.6)) and held.against == "one attempt"
    assert not presumed(premise, one, one).true
    with pytest.raises(BadInput, match="a premise is about the start"):
        Claim(premise=Ask(measure="vote"))


def with_claim(monkeypatch, name, **changed):
    """A recipe whose claim is another."""
    recipe = get_recipe(name)
    mended = replace(recipe, claim=replace(recipe.claim, **changed))
    for place in ("claims", "plans", "results", "page", "second"):
        monkeypatch.setattr(f"selftaught.compare.{place}.get_recipe", lambda n: mended if n == name else get_recipe(n))


def test_where_a_premise_does_not_hold_nothing_is_trained(tmp_path, monkeypatch):
    with_claim(monkeypatch, "ttrl", premise=Ask(measure="vote:k=2", against="one attempt", by=0.9))
    said = []
    [kept] = put_to_test(["ttrl"], tmp_path / "runs", 1, said.append, settings=SMALL, seeds=(41, 42), root=tmp_path).values()
    assert kept["status"] == "premise" and kept["reason"].startswith("against one attempt, vote: ") and len(said) == 1
    assert not list((tmp_path / "runs").glob("*/run.json")) and "**premise**" in (tmp_path / PAGE).read_text()
    assert json.loads((tmp_path / OUTCOMES).read_text())["claims"]["ttrl"] == {"status": "premise", "model": "scripted"}


@pytest.mark.parametrize("name", sorted(all_recipes()))
def test_every_claim_has_a_test_that_is_planned(name, tmp_path):
    claim, plan = get_recipe(name).claim, arms(name, tmp_path, SETTINGS, SEEDS)
    measures = {ask.measure: named("measure", ask.measure) for ask in claim.asks}
    others = [ask.against for ask in claim.asks if ask.against not in ("start", measures[ask.measure].baseline)]
    assert claim.asks and list(dict.fromkeys(text for text, _ in plan)) == list(dict.fromkeys([name, *others]))
    assert {source for _, source in plan} == set(sources_of(name, SETTINGS))
    for text, runs in plan.items():
        assert len(runs) == len(SEEDS) and len({run.folder for run in runs}) in (1, len(SEEDS)), text
    assert claim_key(name, plan) == claim_key(name, arms(name, tmp_path / "elsewhere", SETTINGS, SEEDS))
    further = looks(name, plan, tmp_path)
    assert bool(further) == any(not measure.kept for measure in measures.values())
    assert bool(premise_of(name, tmp_path, SETTINGS)) == bool(claim.premise)


def test_shared_baselines_run_once_and_seeds_are_not_those_of_tuning(tmp_path):
    assert not set(SEEDS) & {0, 1, *range(11, 16), *range(21, 26)} and SETTINGS.evaluation_seed not in (0, 1)
    one, two = (arms(name, tmp_path, SETTINGS, SEEDS)["sft-unfiltered", ""] for name in ("sharpening", "self-rewarding-dpo"))
    assert one == two
    changed = arms("sharpening", tmp_path, replace(SETTINGS, budget=1), SEEDS)["sft-unfiltered", ""]
    assert {run.folder for run in one}.isdisjoint(run.folder for run in changed)


def test_what_a_verdict_does_not_hold_is_run_without_one(tmp_path):
    [run, *_] = arms("score-self-correct", tmp_path, SETTINGS, SEEDS)["score-self-correct", ""]
    assert "--no-gate" in run.words and "--budget" in run.words
    [run, *_] = arms("t-jepa", tmp_path, SETTINGS, SEEDS)["t-jepa/no-token", "table:wine"]
    assert "--no-gate" in run.words and "--budget" not in run.words and run.words[run.words.index("--tasks") + 1] == "table:wine"
    [run, *_] = arms("zero-lr", tmp_path, SETTINGS, SEEDS)["zero-lr", ""]
    assert "full" in run.words and run == arms("ttrl", tmp_path, SETTINGS, SEEDS)["zero-lr", ""][0]


def test_unknown_measures_are_refused(tmp_path, monkeypatch):
    with_claim(monkeypatch, "ttrl", asks=(Ask(measure="pass-2", against="zero-lr"),))
    with pytest.raises(BadInput, match="did you mean 'pass-1'"):
        arms("ttrl", tmp_path, SETTINGS, SEEDS)
    with pytest.raises(BadInput, match="none of its asks decides"):
        Claim(asks=(Ask(measure="pass-1", decides=False),))
    with pytest.raises(BadInput, match="at_least=-1"):
        Ask(measure="pass-1", at_least=-1)


def test_the_usual_claims_in_short():
    assert [(ask.measure, ask.against, ask.by) for ask in beats("a", "b", by=0.1)] == [
        (measure, other, 0.1) for other in "ab" for measure in ("pass-1", "pass-1-best")
    ]
    nothing = gains_nothing(options={"lr": 1})
    assert nothing.enough == "any" and {ask.want for ask in nothing.asks} == {"no more"} and nothing.options == {"lr": 1}


@pytest.fixture(scope="module")
def tested(tmp_path_factory):
    """Two claims put to the test on the scripted model: (root, results)."""
    root = tmp_path_factory.mktemp("claims")
    names = ["ttrl", "zero-lr"]
    return root, put_to_test(names, root / "runs", 2, lambda line: None, settings=SMALL, seeds=(41, 42), root=root)


@pytest.mark.slow
def test_claims_put_to_the_test(tested):
    root, found = tested
    for name, kept in found.items():
        assert json.loads((root / RESULTS / f"{name}.json").read_text()) == {"version": SCHEMA, **json.loads(json.dumps(kept))}
        assert kept["status"] in ("holds", "fails", "opposite") and kept["model"] == "scripted" and kept["seeds"] == (41, 42)
        assert all(0 < tokens <= 8_000 for tokens in kept["tokens"].values())
    assert [(r["against"], r["at"]) for r in found["ttrl"]["rows"]] == [("zero-lr", "stated"), ("zero-lr", "best")]
    assert [r["at"] for r in found["zero-lr"]["rows"]] == ["stated", "best", "weights changed"] and found["zero-lr"]["status"] == "holds"
    text = (root / PAGE).read_text()
    assert text == page(current(root)) and "### ttrl" in text and "(before it was last changed)" in text
    assert f"**{found['ttrl']['status']}**" in text and "| `spiral` |" in text
    assert set(json.loads((root / OUTCOMES).read_text())["claims"]) == {"ttrl", "zero-lr"}


@pytest.mark.slow
def test_testing_again_repeats_no_run(tested):
    root, found = tested
    said = []
    again = put_to_test(["ttrl"], root / "runs", 1, said.append, settings=SMALL, seeds=(41, 42), root=root)
    assert not said and again["ttrl"] == found["ttrl"]


@pytest.mark.slow
def test_a_claim_with_a_measure_of_its_own(tmp_path):
    name = "score-self-correct"
    found = put_to_test([name], tmp_path / "runs", 2, lambda line: None, settings=SMALL, seeds=(41, 42), root=tmp_path)[name]
    assert [r["at"] for r in found["rows"]] == ["second answer", "first answer", "second minus first"]
    first, second_, mended = (Row(**r) for r in found["rows"][1::-1] + found["rows"][2:])
    assert second_.before == pytest.approx(first.after) and mended.after == pytest.approx(second_.after - first.after)


def test_a_claim_whose_model_is_not_there_is_untested(tmp_path, monkeypatch):
    with_claim(monkeypatch, "spiral", model="nowhere", made_by="make_it.py")
    found = put_to_test(["spiral"], tmp_path / "runs", 1, lambda line: None, root=tmp_path)
    assert found["spiral"]["status"] == "untested" and "make_it.py makes it" in found["spiral"]["reason"]
    assert not (tmp_path / RESULTS).exists() and page(current(tmp_path)).count("untested")


OLD = {
    "recipe": "spiral", "key": "0", "status": "fails", "model": "m", "reason": "r", "metric": "exploitability", "tasks": ["game:kuhn"],
    "options": {"optimizer.lr": 3e-4}, "budget": 300_000, "seeds": list(SEEDS), "tokens": {"spiral": 1}, "seconds": {"spiral": 1.0},
    "rows": [
        {"against": a, "at": "exploitability", "before": -0.4, "after": -0.3, "gain": 0.1, "low": 0.05, "high": 0.15, "p": 0.01, "by": 0.0}
        for a in ("the start", "spiral/fixed-opponent")
    ],
}  # fmt: skip


def test_results_from_before_asks_are_read_and_carried_over(tmp_path):
    kept = carried.in_form(OLD, get_recipe("spiral").claim)
    rows = [Row(**row) for row in kept["rows"]]
    assert [(r.against, r.decides) for r in rows] == [("spiral/fixed-opponent", True), ("the start", False)]
    assert (rows[0].before, rows[0].after, rows[0].gain, rows[0].share) == (0.4, 0.3, 0.1, False)
    (tmp_path / RESULTS).mkdir(parents=True)
    (tmp_path / RESULTS / "spiral.json").write_text(json.dumps(OLD))
    assert current(tmp_path)["spiral"]["stale"]
    assert carry(["spiral", "ttrl"], root=tmp_path) == ["spiral"]
    assert not current(tmp_path)["spiral"]["stale"] and current(tmp_path)["spiral"]["rows"] == kept["rows"]
    written = json.loads((tmp_path / RESULTS / "spiral.json").read_text())
    assert "version" not in written and written["asks"] == record(get_recipe("spiral").claim.asks)
    (tmp_path / RESULTS / "spiral.json").write_text(json.dumps(OLD | {"seeds": [1]}))
    with pytest.raises(BadInput, match="seeds"):
        carry(["spiral"], root=tmp_path)


@cache
def committed():
    """Every committed result, read once."""
    return current(ROOT)


def test_committed_outcomes_follow_from_their_rows():
    for name in (path.stem for path in COMMITTED):
        kept = committed()[name]
        claim, rows = get_recipe(name).claim, [Row(**row) for row in kept["rows"]]
        assert outcome_of(name) == (kept["status"], kept["model"]), name
        if kept["status"] == "premise":
            assert [(row.against, row.true) for row in rows] == [(claim.premise.against, False)], name
            continue
        labels = [(carried.worded(ask), named("measure", ask.measure).label) for ask in claim.asks]
        of_ask = [[row for row in rows if (row.against, row.at) == label] for label in labels]
        asks = tuple(ask for ask, found in zip(claim.asks, of_ask, strict=True) if found)
        assert len(asks) >= 2 and decided(replace(claim, asks=asks), [found for found in of_ask if found])[0] == kept["status"], name


def test_the_page_is_current():
    whole = committed()
    assert (ROOT / PAGE).read_text() == page(whole, current(ROOT, second.SETTINGS, second.SEEDS)), "run `selftaught compare --claims`"
    assert all(f"`{name}`" in (ROOT / PAGE).read_text() for name in all_recipes())
    assert set(json.loads((ROOT / OUTCOMES).read_text())["claims"]) == {name for name, kept in whole.items() if kept["rows"]}


def test_p_is_corrected_within_an_engine():
    """By hand: of 0.01, 0.03 and 0.04 the smallest is tripled, the next doubled, and 0.04 may not come before it."""

    def kept(p, status="holds", **more):
        return {"status": status, "rows": [row(0.01, 0.1, asked=p, **more)._asdict()]}

    found = {"a": kept(0.01), "b": kept(0.03), "c": kept(0.04, "fails"), "nothing": kept(0.5, want="no more")}
    [line] = corrected(found)
    assert line == "Corrected over 3 primary asks (Holm): `a` still holds (p 0.03); `b` no longer (p 0.06)."
    assert corrected({"nothing": found["nothing"], "c": found["c"]}) == []
    # Asks that are decided together count by the largest, what is described does not.
    assert p_of([row(0.01, 0.1, asked=0.01), row(0.01, 0.1, asked=0.02), row(0.01, 0.1, asked=0.9, decides=False)]) == 0.02
    # 0.05 over an interval of 0.1: z = 0.98 without `by`.
    assert p_of([row(0.0, 0.1)]) == pytest.approx(0.05) and p_of([row(0.0, 0.1, by=0.05)]) == pytest.approx(1.0)


def test_engines_are_the_folders_of_recipes():
    assert {engine_of(name) for name in ("ttrl", "star/rule")} == {"answers"} and engine_of("zero-lr") == "controls"
    text = (ROOT / PAGE).read_text()
    assert text.index("\n## answers") < text.index("\n### ttrl") < text.index("\n## controls") < text.index("\n### zero-lr")


def test_no_control_is_called_improved_in_the_committed_results():
    held = [path.stem for path in COMMITTED if engine_of(path.stem) == "controls"]
    assert held and all(outcome_of(name).status == "holds" for name in held)


def test_results_name_their_tasks():
    assert tasks_of("rest-mcts-star", SETTINGS) == ("countdown:level=2",) and len(tasks_of("t-jepa", SETTINGS)) == 4


def test_on_the_second_model_settings_are_its_own_and_some_claims_are_not_asked(tmp_path):
    def words(name, settings=second.SETTINGS, seeds=second.SEEDS):
        [run] = arms(name, tmp_path, settings, seeds)[name, ""]
        return " ".join(run.words)

    asked = words("format-only")
    assert "--optimizer.lr 0.0003" in asked and "--model smollm2" in asked and "--adapter lora" in asked and "--temperature 0.4" in asked
    assert "--tasks alphabet:level=1 compare:level=2" in asked
    assert "--optimizer.lr 0.0001" in words("format-only", SETTINGS, (31,))
    assert "--optimizer.lr" not in words("zero-lr") and "improve zero-lr" in words("zero-lr")
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


def test_values_come_from_verdicts_and_measurements(tmp_path):
    """What a run's verdict holds is read from it, what it does not from what was measured."""
    plan = arms("zero-lr", tmp_path, SETTINGS, (1, 2))
    further = looks("zero-lr", plan, tmp_path)
    for run in plan["zero-lr", ""]:
        run.folder.mkdir()
        sides = {side: {"stated": [run.seed, 0.0], "best": [0.5, 0.5]} for side in ("start", "result")}
        (run.folder / "held_out.json").write_text(json.dumps(sides))
    for run in further["zero-lr", ""]:
        run.folder.mkdir()
        (run.folder / "measured.json").write_text(json.dumps({"weights-changed": {"start": [0.0], "result": [[1.0, 0.0]]}}))
    found = seen_by("zero-lr", plan, further)
    assert found["zero-lr", "", "pass-1", "result"].tolist() == [[1, 0], [2, 0]]
    assert found["zero-lr", "", "weights-changed", "start"].tolist() == [[0], [0]]
    assert found["zero-lr", "", "weights-changed", "result"].tolist() == [[0.5], [0.5]]
