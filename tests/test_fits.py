"""A recipe that can do nothing with its tasks or its model is refused before a model is asked anything."""

import json

import numpy as np
import pytest

from selftaught.jobs.fits import fit_model, fit_tasks
from selftaught.jobs.job import Job
from selftaught.jobs.session import open_session
from selftaught.models.modules.model import ModuleModel
from selftaught.models.scripted import ScriptedModel
from selftaught.parts import BadInput, shelf
from selftaught.payloads.rows import Rows
from selftaught.recipe import Phase, Recipe, all_recipes, get_recipe
from selftaught.stages import Reader
from selftaught.tasks.splits import split
from selftaught.train import Average

FEW = {"held-out": 2, "development": 2, "audit": 2}


def pool(*sources):
    return split(sources, seed=0, counts=FEW)[0]


def unlabeled(tmp_path):
    path = tmp_path / "questions.jsonl"
    path.write_text("".join(json.dumps({"prompt": f"What is {i} plus 2?"}) + "\n" for i in range(60)))
    return str(path)


@pytest.mark.parametrize(
    ("name", "sources", "words"),
    [
        ("star/rule", ("sums:level=3",), "rule needs a checker that reads no answer"),
        ("star/rule", ("sums:level=3", "chain:level=3"), "can score none"),
        ("score-self-correct", ("sums:level=3",), "can score none"),
        ("rest-mcts-star", ("sums:level=3",), "rule, inferred-values need"),
        ("ttrl", ("table:wine",), "takes words, and table:wine gives rows"),
        ("ttrl", ("game:kuhn",), "takes words"),
        ("t-jepa", ("sums:level=3",), "takes rows"),
        ("spiral", ("sums:level=3",), "takes games"),
    ],
)
def test_tasks_a_recipe_cannot_use_are_refused(name, sources, words):
    with pytest.raises(BadInput, match=words) as refusal:
        fit_tasks(get_recipe(name), pool(*sources))
    assert "\n" not in str(refusal.value)


def test_a_recipe_that_reads_answers_is_refused_where_there_are_none(tmp_path):
    source = unlabeled(tmp_path)
    with pytest.raises(BadInput, match="gold needs a checker or an answer"):
        fit_tasks(get_recipe("star"), pool(source))
    assert fit_tasks(get_recipe("star/votes"), pool(source)) == fit_tasks(get_recipe("ttrl"), pool(source)) == []


def test_a_foreign_checker_that_reads_the_answer_is_no_rule():
    pytest.importorskip("reasoning_gym")
    with pytest.raises(BadInput, match="can score none"):
        fit_tasks(get_recipe("star/rule"), pool("gym:chain_sum"))
    assert fit_tasks(get_recipe("star"), pool("gym:chain_sum")) == []


def test_sources_that_only_cost_are_named_and_the_pool_does_not_notice():
    drawn = pool("countdown:level=1", "sums:level=3")
    before = drawn.snapshot()
    assert fit_tasks(get_recipe("star/rule"), drawn) == [
        "star/rule can score no task of sums:level=3: they are attempted and teach nothing"
    ]
    assert drawn.snapshot() == before


@pytest.mark.parametrize("name", [name for name, recipe in all_recipes().items() if not recipe.model])
def test_every_recipe_fits_its_own_tasks_and_the_model_it_is_tried_on(name):
    recipe = get_recipe(name)
    assert fit_tasks(recipe, pool(*(recipe.tasks or ("countdown:level=1",)))) == []
    fit_model(recipe, {"": ScriptedModel().capabilities})


def test_every_reader_says_what_it_scores():
    task = pool("sums:level=3").draw(__import__("random").Random(0), 1)[0]
    readers = [cls for kind in ("supervise", "reflect") for cls in shelf(kind).values() if issubclass(cls, Reader)]
    scoring = {cls.name for cls in readers if cls().scores(task)}
    assert {"vote", "cross-vote", "judge", "gold", "likelihood", "format-only"} <= scoring
    assert not scoring & {"rule", "winner", "inferred-values", "balance", "revise", "track"}


def test_a_loss_the_model_cannot_feed_is_refused():
    with pytest.raises(BadInput, match="'latent-regression' needs prediction and target"):
        fit_model(get_recipe("ttrl").with_options({"loss": "latent-regression"}), {"": ScriptedModel().capabilities})
    recipe = get_recipe("t-jepa")
    known = {"": ModuleModel.open(recipe.model, Rows.whole(np.zeros((1, 4), np.float32)), recipe.modules).capabilities}
    fit_model(recipe, known)
    with pytest.raises(BadInput, match="needs logprobs"):
        fit_model(get_recipe("ttrl"), known)


@pytest.mark.parametrize(
    ("updates", "words"), [(("start",), "frozen"), (("policy", "ema"), "one set of weights"), (("student", "value"), "")]
)
def test_updates_no_learner_would_take_are_refused(updates, words):
    from dataclasses import replace

    base = get_recipe("ttrl")
    phase = base.phases[0]
    made = replace(base, phases=(replace(phase, objectives=(replace(phase.objectives[0], updates=updates),)),))
    if not words:
        return fit_model(made, {"": ScriptedModel().capabilities})
    with pytest.raises(BadInput, match=words):
        fit_model(made, {"": ScriptedModel().capabilities})


def test_an_adapters_start_is_not_averaged_and_a_model_that_cannot_learn_is_not_trained():
    phase = get_recipe("ttrl").phases[0]
    made = Recipe(name="made", phases=(Phase(plan=phase.plan, explore=phase.explore, updates=(Average(source="start"),)),))
    fit_model(made, {"": ScriptedModel().capabilities})
    with pytest.raises(BadInput, match="LoRA"):
        fit_model(made, {"": ScriptedModel().capabilities}, "lora")

    class Mute(ScriptedModel):
        capabilities = frozenset({"text", "logprobs"})

    with pytest.raises(BadInput, match="cannot learn"):
        fit_model(get_recipe("ttrl"), {"": Mute.capabilities})


@pytest.mark.parametrize(
    "options", [{"tasks": ("sums:level=3",)}, {"tasks": ("countdown:level=1",), "options": {"loss": "latent-regression"}}]
)
def test_a_session_is_refused_before_anything_is_written(options, tmp_path):
    recipe = "ttrl" if "options" in options else "star/rule"
    with pytest.raises(BadInput):
        open_session(Job(recipe=recipe, model="scripted", held_out_count=4, **options), tmp_path / "run")
    assert not (tmp_path / "run" / "run.json").exists()


@pytest.mark.parametrize(
    ("options", "engine", "words"),
    [
        ({"loss": "latent-regression"}, "local", "'latent-regression' needs prediction and target"),
        ({"explore.decoder": "min-p"}, "vllm", "decoder 'min-p' needs logits"),
        ({"loss": "top-distillation"}, "scripted", "reads teacher_ids"),
    ],
)
def test_needs_are_told_from_declarations_before_any_model_is_loaded(options, engine, words, tmp_path, monkeypatch):
    for name in ("selftaught.jobs.session.open_model", "selftaught.models.engines.find_place"):
        monkeypatch.setattr(name, lambda *_: pytest.fail("a model was opened"))
    model, engine = ("scripted", "local") if engine == "scripted" else ("", engine)
    with pytest.raises(BadInput, match=words):
        open_session(Job(recipe="ttrl", model=model, engine=engine, held_out_count=4, options=options), tmp_path / "run")
    assert not (tmp_path / "run" / "run.json").exists()


def test_what_parts_ask_for_and_members_can_do(monkeypatch):
    from dataclasses import replace

    tree, ttrl = get_recipe("rest-mcts-star"), get_recipe("ttrl")
    with pytest.raises(BadInput, match="explore 'tree' needs value"):
        fit_model(replace(tree, modules={}), {"": {"text", "learn", "logprobs"}})
    anchored = ttrl.with_options({"credit.anchor": True})
    with pytest.raises(BadInput, match="credit 'group-centred' needs logprobs"):
        fit_model(anchored, {"": {"text", "learn"}})
    phase, known = ttrl.phases[0], {"": ScriptedModel.capabilities, "listener": frozenset({"text"})}
    for updates, words in (
        (("listener",), "cannot learn"),
        (("listener.start",), "frozen|cannot learn"),
        (("policy", "listener"), "two models"),
    ):
        made = replace(ttrl, models={"listener": ""}, phases=(replace(phase, objectives=(replace(phase.objectives[0], updates=updates),)),))
        with pytest.raises(BadInput, match=words):
            fit_model(made, known)
    made = replace(ttrl, models={"listener": ""}, phases=(replace(phase, updates=(Average(source="policy", into="listener"),)),))
    with pytest.raises(BadInput, match="two models: average those of one"):
        fit_model(made, known)


def test_models_can_what_is_said_of_their_kind():
    from selftaught.jobs.models import capabilities_of, open_model

    for job, name in ((Job(), "ttrl"), (Job(model="scripted"), "ttrl"), (Job(), "t-jepa")):
        recipe = get_recipe(name)
        assert open_model(job, recipe).capabilities == capabilities_of(job, recipe)[""]
