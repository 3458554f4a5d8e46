"""with_options: dotted names reach every setting, parts are swapped by name, mistakes get the nearest name."""

import pytest

from selftaught.explore import Even, Reword, Sample, Track
from selftaught.parts import BadInput
from selftaught.recipe import Phase, Recipe, all_recipes, get_recipe
from selftaught.stages import Objective
from selftaught.supervise import Best, Gold, Majority, Rule, Vote
from selftaught.train import NLL, AdamW, PolicyGradient

TTRL, STAR = get_recipe("ttrl"), get_recipe("star")


def phase(recipe, index=0):
    return recipe.phases[index]


def test_reaches_fields_of_parts():
    recipe = TTRL.with_options({"plan.n": "16", "plan.temperature": "0.7", "read.vote.min_share": 0.5})
    assert phase(recipe).plan == Even(tasks=32, n=16, temperature=0.7)
    assert phase(recipe).read == (Vote(min_share=0.5),)
    assert phase(TTRL).plan.n == 8, "the recipe itself must not change"
    assert phase(recipe.with_options({"plan.temperature": "none"})).plan.temperature is None


def test_reaches_through_objectives():
    recipe = TTRL.with_options({"loss.clip": "0.1", "optimizer.lr": "1e-4", "objectives.0.weight": "2"})
    (objective,) = phase(recipe).objectives
    assert objective == Objective(loss=PolicyGradient(clip=0.1), optimizer=AdamW(lr=1e-4), weight=2.0)


def test_dashes_are_underscores():
    assert TTRL.with_options({"read.vote.min-share": 0.5}) == TTRL.with_options({"read.vote.min_share": 0.5})


def test_sets_every_phase_or_one():
    both, one = STAR.with_options({"every": 3, "plan.n": 4}), STAR.with_options({"0.steps": 3, "1.plan.n": 4})
    assert [(p.every, p.plan.n) for p in both.phases] == [(3, 4), (3, 4)]
    assert [(p.steps, p.plan.n) for p in one.phases] == [(3, 8), (1, 4)]


def test_sets_fields_of_the_recipe():
    assert STAR.with_options({"rounds": "7"}).rounds == 7
    assert get_recipe("best-of-n").with_options({"decide": "majority"}).decide == Majority()
    assert get_recipe("best-of-n").with_options({"decide": "best:score=x"}).decide == Best(score="x")


def test_swaps_parts_by_name():
    recipe = TTRL.with_options({"plan": "even:n=4", "explore": "reword", "read": "rule+vote:min_share=0.5", "select": "none"})
    assert phase(recipe).explore == Reword() and phase(recipe).plan == Even(n=4)
    assert phase(recipe).read == (Rule(), Vote(min_share=0.5))
    assert phase(recipe).select == ()
    assert phase(TTRL.with_options({"read": "gold"})).read == (Gold(),)


def test_preset_is_options():
    votes = get_recipe("star/votes")
    assert votes.name == "star/votes" and not votes.reads_gold and STAR.reads_gold
    assert votes.phases == STAR.with_options(STAR.presets["votes"]).phases


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"plan.nn": 1}, "did you mean 'plan.n'"),
        ({"plam.n": 1}, "did you mean 'plan.n'"),
        ({"stesp": 1}, "did you mean 'steps'"),
        ({"loss.clpi": 0.1}, "did you mean 'loss.clip'"),
        ({"explore": "samplex"}, "did you mean 'sample'"),
        ({"plan": "even:m=4"}, "unknown option 'm'"),
        ({"read": "votes"}, "did you mean 'vote'"),
        ({"plan.n": "many"}, "many"),
        ({"plan.n": 0}, "must be at least 1"),
        ({"steps": 0}, "must be at least 1"),
        ({"credit": "none"}, "objectives without credit"),
        ({"loss": "nll"}, "does not write"),
        ({"7.steps": 1}, "unknown option"),
    ],
)
def test_refuses_with_the_remedy(options, message):
    with pytest.raises(BadInput, match=message):
        TTRL.with_options(options)


def test_unknown_recipe_and_preset():
    with pytest.raises(BadInput, match="did you mean 'ttrl'"):
        get_recipe("trl")
    with pytest.raises(BadInput, match="did you mean 'votes'"):
        get_recipe("star/vote")


def test_undeclared_state_is_refused():
    with pytest.raises(BadInput, match="not declared"):
        Recipe(name="x", phases=(Phase(plan=Even(), explore=Sample(), updates=(Track(state="lost"),)),))


def test_loss_without_its_stream_is_refused():
    with pytest.raises(BadInput, match="reads advantage"):
        Phase(plan=Even(), explore=Sample(), credit=phase(STAR).credit, objectives=(Objective(loss=PolicyGradient(), optimizer=AdamW()),))
    with pytest.raises(BadInput, match="reads start_logprobs"):
        Phase(
            plan=Even(),
            explore=Sample(),
            credit=phase(TTRL).credit,
            objectives=(Objective(loss=PolicyGradient(kl=0.1), optimizer=AdamW()),),
        )
    assert (
        Phase(plan=Even(), explore=Sample(), credit=phase(STAR).credit, objectives=(Objective(loss=NLL(), optimizer=AdamW()),)).steps == 40
    )


@pytest.mark.parametrize("name", list(all_recipes()))
def test_every_listed_option_can_be_set(name):
    recipe = get_recipe(name)
    for key, value in recipe.options().items():
        # A slot without a part in one phase may need one in another.
        if isinstance(value, tuple) or (value is None and "." not in key):
            continue
        # One name for all averages of a hand-over would average weights with themselves, which is refused.
        if key in ("updates.source", "updates.into") and any(len(phase.updates) > 1 for phase in recipe.phases):
            with pytest.raises(BadInput, match="with itself"):
                recipe.with_options({key: value})
            continue
        # One role for credits that write the same streams would leave nothing apart, which is refused.
        if key == "credit.parts.role" and name == "search-self-play":
            with pytest.raises(BadInput, match="of different roles"):
                recipe.with_options({key: value})
            continue
        same = recipe.with_options({key: value})
        assert same.options()[key] == value
