"""Named weights: copies, averages, and averages of weights nobody has written."""

import asyncio
import math
from itertools import product

import numpy as np
import pytest
import torch
from local_models import Adam, Weighted, example, make_folder
from torch import nn

from selftaught.models.language.local import open_local
from selftaught.models.modules.model import ModuleModel
from selftaught.models.scripted import ScriptedModel
from selftaught.models.weights import Weights, clone
from selftaught.parts import BadInput
from selftaught.payloads.rows import Rows
from selftaught.recipe import all_recipes
from selftaught.stages import Objective
from selftaught.train import Average

NAMES = ("policy", "start", "ema", "student")


def network():
    sizes = {"encoder": {"width": 8, "depth": 1, "heads": 2}, "predictor": {"width": 4}}
    return ModuleModel.open("network:row-transformer", Rows.whole(np.zeros((1, 3), np.float32)), sizes)


def weights():
    torch.manual_seed(0)
    return Weights(nn.Linear(3, 2), lora=False)


def same(a, b):
    return all(torch.equal(a[key].view(torch.int32), b[key].view(torch.int32)) for key in a)


@pytest.mark.parametrize(("source", "decay"), list(product(("student", "start", "policy"), (0.0, 0.3, 0.99, 1.0))))
def test_weights_nobody_has_written_leave_the_policy_bit_for_bit(source, decay):
    held = weights()
    before = clone(held.state("policy"))
    held.average(source, "policy", decay)
    assert same(held.state("policy"), before)


@pytest.mark.parametrize(("source", "decay"), list(product(("policy", "start", "student"), (0.0, 0.99, 1.0))))
def test_the_first_average_into_a_name_is_a_copy_that_shares_no_memory(source, decay):
    held = weights()
    before = clone(held.state("policy"))
    held.average(source, "ema", decay)
    with torch.no_grad():
        held.module.weight.zero_()
    assert same(held.state("ema"), before)


@pytest.mark.parametrize("decay", [0.0, 0.25, 1.0])
def test_an_average_of_written_weights_by_hand(decay):
    held = weights()
    held.before_change("student")
    for name, value in (("policy", 8.0), ("student", 4.0)):
        for tensor in held.state(name).values():
            tensor.fill_(value)
    held.average("student", "policy", decay)
    assert float(held.state("policy")["weight"][0, 0]) == decay * 8 + (1 - decay) * 4
    assert float(held.state("student")["weight"][0, 0]) == 4


def test_what_is_not_finite_does_not_outlive_being_replaced():
    held = weights()
    held.before_change("student")
    with torch.no_grad():
        held.module.weight.fill_(math.nan)
    held.average("student", "policy", 0.0)
    assert bool(torch.isfinite(held.module.weight).all())
    held.average("policy", "ema", 1.0)
    held.state("policy")["weight"].fill_(math.inf)
    held.average("policy", "ema", 1.0)
    assert bool(torch.isfinite(held.state("ema")["weight"]).all())


def test_the_start_is_frozen():
    with pytest.raises(BadInput, match="frozen"):
        weights().average("policy", "start", 0.5)
    with pytest.raises(BadInput, match="frozen"):
        asyncio.run(ScriptedModel().average("policy", "start", 0.5))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"decay": -0.1}, "decay"), ({"decay": 1.1}, "decay"), ({"decay": math.nan}, "decay"), ({"source": "ema"}, "itself"),
        ({"source": "policy", "into": "policy"}, "itself"), ({"into": "start"}, "frozen"),
    ],
)  # fmt: skip
def test_an_average_that_cannot_be_is_refused_when_it_is_declared(options, words):
    with pytest.raises(BadInput, match=words):
        Average(**options)


def averaged(model, updates):
    async def whole():
        for update in (update for update in updates if update.folds):
            await model.average(update.source, update.into, update.decay)

    asyncio.run(whole())


def hand_overs():
    """The averages of every recipe, phase by phase."""
    return [(name, phase.updates) for name, recipe in all_recipes().items() for phase in recipe.phases if phase.updates]


@pytest.mark.parametrize(("name", "updates"), hand_overs(), ids=lambda value: value if isinstance(value, str) else "")
def test_no_recipes_averages_change_a_policy_that_has_learned_nothing(name, updates):
    scripted, table = ScriptedModel(0.7), network()
    before = clone(table.weights.state("policy"))
    for model in (scripted, table):
        for _ in range(3):
            averaged(model, updates)
    assert scripted.skill["policy"] == 0.7 and same(table.weights.state("policy"), before)


@pytest.mark.parametrize("adapter", ["", "lora"])
def test_a_language_model_outlives_a_hand_over_before_anything_was_learned(adapter, tmp_path):
    model = open_local(make_folder(tmp_path, "llama"), device="cpu", adapter=adapter)
    before, digest = clone(model.trainer.weights.state("policy")), model.digest()
    recipe = all_recipes()["star"]
    averaged(model, recipe.phases[-1].updates)
    assert same(model.trainer.weights.state("policy"), before) and model.digest() == digest
    # What is learned afterwards by the student does reach the policy.
    examples = [example(np.random.default_rng(0), (9, 7)) for _ in range(2)]
    asyncio.run(model.learn(examples, [Objective(loss=Weighted(), optimizer=Adam(), updates=("student",))]))
    assert model.digest() == digest
    averaged(model, recipe.phases[-1].updates)
    assert model.digest() != digest
    assert same(model.trainer.weights.state("student"), before)


def test_an_adapters_start_cannot_be_averaged(tmp_path):
    model = open_local(make_folder(tmp_path, "llama"), device="cpu", adapter="lora")
    before = clone(model.trainer.weights.state("policy"))
    for into in ("policy", "ema"):
        with pytest.raises(BadInput, match="no adapter"):
            model.trainer.weights.average("start", into, 0.5)
    assert same(model.trainer.weights.state("policy"), before)
