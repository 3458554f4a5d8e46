import asyncio
import json

import numpy as np
import pytest
import torch
from local_models import Adam, Weighted, example, make_folder, request

from selftaught.models.language.local import open_local
from selftaught.models.modules.model import ModuleModel
from selftaught.models.scripted import ScriptedModel
from selftaught.payloads.rows import Rows
from selftaught.stages import Objective

OBJECTIVE = Objective(loss=Weighted(), optimizer=Adam(minibatches=1))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_folder(tmp_path_factory.mktemp("llama"), "llama")


def learn(model):
    return asyncio.run(model.learn([example(np.random.default_rng(0), (12,))], [OBJECTIVE]))


@pytest.mark.parametrize("adapter", ["", "lora"])
def test_the_start_keeps_its_digest_and_what_learned_does_not(folder, tmp_path, adapter):
    plain = open_local(folder).digest()
    model = open_local(folder, adapter=adapter, seed=3)
    assert model.digest("start") == plain == open_local(folder, seed=5).digest("ema") and len(plain) == 32
    before = model.digest()
    assert (before == plain) == (not adapter)
    learn(model)
    assert model.digest("start") == plain and model.digest() not in (plain, before)
    asyncio.run(model.save(tmp_path))
    again = open_local(folder, adapter=adapter, seed=3)
    asyncio.run(again.load(tmp_path))
    assert (again.digest(), again.digest("start")) == (model.digest(), plain)


def test_the_smallest_change_counts_and_where_it_lies_does_not(folder, tmp_path):
    model = open_local(folder)
    plain = model.digest()
    moved = make_folder(tmp_path / "moved", "llama")
    assert open_local(moved).digest() == plain
    name, parameter = next(iter(model.trainer.module.named_parameters()))
    with torch.no_grad():
        parameter.view(-1)[0] = torch.nextafter(parameter.view(-1)[0], torch.tensor(9.0))
    assert model.digest() != plain
    assert open_local(make_folder(tmp_path / "plain", "llama", chat=False)).digest() != plain
    config = json.loads((moved / "config.json").read_text())
    (moved / "config.json").write_text(json.dumps(config | {"rms_norm_eps": 1e-3}))
    assert open_local(moved).digest() != plain, name


def test_half_precision_is_hashed_too(folder):
    model = open_local(folder)
    plain = model.digest()
    model.trainer.module.to(torch.bfloat16)
    assert model.digest() != plain


def test_pieces_spell_what_was_sampled(folder):
    for model in (open_local(folder), ScriptedModel()):
        [[attempt]] = asyncio.run(model.sample([request("a", max_tokens=6)]))
        ids = [i for i in attempt.payload.ids[attempt.payload.sampled].tolist() if i not in (1,) or not hasattr(model, "renderer")]
        assert "".join(model.pieces(ids)) == attempt.text


def test_other_models_have_digests():
    low, high = ScriptedModel(0.2), ScriptedModel(0.8)
    assert low.digest() == ScriptedModel(0.2).digest() != high.digest()
    high.skill["policy"] = 0.2
    assert high.digest() == low.digest() and high.digest("start") != high.digest()

    def network(seed):
        return ModuleModel.open("network:row-transformer", Rows.whole(np.zeros((1, 4), np.float32)), seed=seed)

    rows = network(1)
    assert rows.digest() == network(1).digest() == rows.digest("start") != network(2).digest()
    rows.weights.before_change("policy")
    with torch.no_grad():
        next(rows.network.parameters()).add_(1)
    assert rows.digest("start") == network(1).digest() != rows.digest()
