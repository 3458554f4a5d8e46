"""What commands say is usable as it is said, is said once and means one thing."""

import json
import re

import pytest

from selftaught.commands.meanings import meaning, table, unchanged, usable
from selftaught.options import leaves_of
from selftaught.recipe import all_recipes

SMALL = ("--model", "scripted", "--tasks", "sums:level=3")


SOME = ("b-star", "rest-mcts-star", "star", "ttrl")


@pytest.mark.parametrize("name", [name if name in SOME else pytest.param(name, marks=pytest.mark.slow) for name in all_recipes()])
def test_every_option_that_is_shown_can_be_given_as_it_is_shown(name):
    recipe = all_recipes()[name]
    shown = dict(usable(recipe))
    assert {leaf.key for leaf in leaves_of(recipe)} >= {leaf.key for leaf in shown.values()} and len(shown) > 5
    for key, leaf in shown.items():
        # what is shown under its short name was found to be usable so
        assert (key == leaf.key or unchanged(recipe, key, leaf.value)) and meaning(leaf.owner, leaf.name), key


def test_options_have_a_meaning_and_a_range():
    said = "\n".join(table(usable(all_recipes()["ttrl"])))
    for line in ("--plan.n 8 ", "[whole number from 1]", "[number from 0 to 1]", "[number above 0]", "[token, sequence]", "0.9+0.99 "):
        assert line in said
    assert "[a part: " in said and "--grow none" in said and "None" not in re.sub(r"\bwhen None|None takes", "", said)


@pytest.mark.parametrize("command", ["improve", "gate", "compare", "solve"])
def test_help_is_in_plain_words(cli, command):
    code, out, _ = cli(command, "--help")
    assert code == 0 and not re.search(r"\{None\}|STR|INT\b|default: ''|default: None|default: \)", out)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("improve", "--steps", "x"), "--steps takes a whole number, not 'x'"),
        (("evaluate", "--temperature", "hot"), "--temperature takes a number, not 'hot'"),
        (("evaluate", "--seed", "1.5"), "--seed takes a whole number, not '1.5'"),
        (("gate", "a", "b", "--missing", "no"), "--missing takes refuse or wrong, not 'no'"),
        (("gate",), "give BASE, what the candidate must beat"),
        (("compare", "ttrl", "--jobs"), "--jobs has no value"),
        (("evaluate", "--modle", "x"), "unknown option --modle: did you mean 'model'?"),
        (("evaluate", "x"), "unexpected 'x'"),
    ],
)
def test_complaints_name_the_option_and_what_it_takes(cli, words, said):
    code, out, err = cli(*words)
    assert code == 2 and said in err and len(err.splitlines()) == 1


def test_solve_answers_first_and_shows_its_work_on_request(cli):
    code, out, err = cli("solve", "Add 21+34+12.", "--work")
    assert code == 0 and out.splitlines()[0] == "67" and "#### 67" in out and "attempts give this answer" in err
    code, out, _ = cli("solve", "Add 21+34+12.", "--model", "scripted")
    assert code == 0 and out.strip().isdecimal() and out.count("\n") == 1


def test_where_nothing_can_be_measured_that_is_said_instead_of_dashes(cli, tmp_path):
    (tmp_path / "open.jsonl").write_text("\n".join(json.dumps({"prompt": f"What is {i}+2?"}) for i in range(20)))
    code, out, _ = cli("evaluate", "--model", "scripted", "--tasks", "open.jsonl", "--count", 3)
    assert code == 0 and "not measured, as no task comes with an answer" in out and " -" not in out


def test_a_dry_run_says_what_matters_first_and_no_recipe(cli):
    out = cli("improve", "ttrl", *SMALL, "--dry-run")[1]
    assert out.startswith("time: about ") and "\ntokens: about " in out and "{" not in out
