"""`steps` are steps in all, whatever the phases and rounds."""

from dataclasses import replace

import pytest

from selftaught.parts import BadInput
from selftaught.recipe import all_recipes, get_recipe
from selftaught.schedule import in_all, shared

STAR = get_recipe("star")


def lengths(recipe):
    """Steps of each phase in turn."""
    return [phase.steps for _ in range(recipe.rounds) for phase in recipe.phases]


@pytest.mark.parametrize("name", sorted(all_recipes()))
@pytest.mark.parametrize("steps", [2, 7, 45])
def test_every_recipe_takes_as_many_steps_as_it_is_told(name, steps):
    recipe = all_recipes()[name].with_options({"steps": steps})
    schedule = list(recipe.schedule())
    assert len(schedule) == steps
    assert schedule[-1][2], "the last step ends a generation"
    assert schedule[-1][0].updates == all_recipes()[name].phases[-1].updates, "and is of the last phase"


@pytest.mark.parametrize(
    ("steps", "wanted"),
    [(2, [1, 1]), (5, [4, 1]), (10, [9, 1]), (16, [7, 1, 7, 1]), (40, [9, 1] * 4), (45, [8, 1] * 5), (25, [8, 1, 7, 1, 7, 1])],
)
def test_star_hands_over_once_a_round(steps, wanted):
    assert lengths(STAR.with_options({"steps": steps})) == wanted


def test_two_long_phases_stay_in_proportion_and_a_search_stays_one_step():
    assert lengths(get_recipe("score-self-correct").with_options({"steps": 9})) == [5, 4]
    assert lengths(get_recipe("b-star").with_options({"steps": 12})) == [1, 5, 1, 5]
    assert shared([30, 10, 1], 11) == [7, 3, 1]
    assert shared([1, 1], 5) == [3, 2]


def test_rounds_that_are_asked_for_are_kept():
    assert lengths(STAR.with_options({"steps": 8, "rounds": 1})) == [7, 1]
    assert lengths(STAR.with_options({"rounds": 2, "steps": "8"})) == [3, 1, 3, 1]


def test_the_usual_number_changes_nothing():
    for recipe in all_recipes().values():
        usual = len(list(recipe.schedule()))
        assert recipe.with_options({"steps": usual}).digest() == recipe.digest()


def test_one_phase_may_still_be_set_by_itself():
    assert lengths(STAR.with_options({"0.steps": 3, "rounds": 1})) == [3, 1]
    # What is set for one phase is a share of what is asked for in all.
    assert lengths(STAR.with_options({"0.steps": 4, "steps": 10})) == [4, 1, 4, 1]


@pytest.mark.parametrize(("options", "words"), [({"steps": 1}, "at least 2: its 2 phases"), ({"steps": 5, "rounds": 3}, "3 rounds of 2")])
def test_fewer_steps_than_phases_are_refused(options, words):
    with pytest.raises(BadInput, match=words):
        STAR.with_options(options)


def test_phases_keep_everything_else():
    phases, rounds = in_all(STAR.phases, STAR.rounds, 20)
    assert rounds == 2 and [phase.read for phase in phases] == [phase.read for phase in STAR.phases]


@pytest.mark.parametrize(("steps", "wanted"), [(1, [1, 0]), (7, [7, 0])])
def test_a_phase_of_no_steps_is_never_played(steps, wanted):
    recipe = replace(get_recipe("ttrl"), phases=(get_recipe("ttrl").phases[0], replace(get_recipe("ttrl").phases[0], steps=0)))
    assert lengths(recipe.with_options({"steps": steps})) == wanted
    assert [last for _, _, last in recipe.with_options({"steps": steps}).schedule()][-1]
    with pytest.raises(BadInput, match="0 steps in all"):
        replace(recipe, phases=recipe.phases[1:])
    with pytest.raises(BadInput, match="steps=-1 must be at least 0"):
        replace(recipe.phases[0], steps=-1)
