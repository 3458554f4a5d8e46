"""ModuleModel: the learner of every model here, over any torch network that says what it takes and gives."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from selftaught.jobs.fits import fit_model, fit_network
from selftaught.jobs.job import Job
from selftaught.jobs.models import capabilities_of
from selftaught.models.modules.model import ModuleModel
from selftaught.models.modules.network import Network, find_network, own_sizes
from selftaught.parts import BadInput
from selftaught.payloads.rows import Rows
from selftaught.recipe import get_recipe
from selftaught.stages import Loss, Module, Objective
from selftaught.train import AdamW
from selftaught.types import Example, SampleRequest, ScoreRequest, Task


class Small(Network):
    """Two layers with dropout and a running mean; "ahead" is what the averaged copy gives."""

    takes, below = "rows", "features"
    outputs = {"features": "", "ahead": "ema"}
    sizes: ClassVar[Mapping[str, Mapping[str, int]]] = {"encoder": {"width": 4}}

    def __init__(self, features, width, drop=0.0):
        super().__init__()
        self.width, self.depth = features, width
        self.layers = nn.Sequential(nn.Linear(features, width), nn.Tanh(), nn.Dropout(drop), nn.Linear(width, width))
        self.register_buffer("mean_D", torch.zeros(width))

    def collate(self, payloads):
        return torch.from_numpy(np.concatenate([rows.values for rows in payloads]))

    def forward(self, inputs, names):
        codes = self.layers(inputs)
        if self.training:
            with torch.no_grad():
                self.mean_D.mul_(0.9).add_(codes.detach().mean(0), alpha=0.1)
        return dict.fromkeys(names, codes)


@dataclass(frozen=True, kw_only=True)
class Square(Loss):
    """Mean square of one output, over rows."""

    name = "square"
    needs: ClassVar[tuple[str, ...]] = ("features",)

    def count(self, examples):
        return float(sum(len(p) for e in examples for p in e.payloads))

    def __call__(self, batch: Mapping[str, Any]) -> Any:
        return ((batch[self.needs[0]] - 1) ** 2).sum(-1).sum()


@dataclass(frozen=True, kw_only=True)
class Player(Square):
    """The same of a module's output."""

    name = "player"
    needs: ClassVar[tuple[str, ...]] = ("projection",)


@dataclass(frozen=True, kw_only=True)
class Contrast(Loss):
    """Every row against all others of the step, and against a queue of rows before: no sum over examples."""

    name = "contrast"
    needs: ClassVar[tuple[str, ...]] = ("projection",)
    modules: ClassVar[tuple[str, ...]] = ("queue",)
    whole: ClassVar[bool] = True

    def __call__(self, batch: Mapping[str, Any]) -> Any:
        queue = batch["modules"]["queue"]
        codes = nn.functional.normalize(batch["projection"], dim=-1)
        loss = torch.logsumexp(codes @ torch.cat([codes, queue.held]).T, -1).sum()
        queue.push(codes.detach())
        return loss


@dataclass(frozen=True, kw_only=True)
class Projection(Module):
    name = "test-projection"

    def build(self, width: int) -> Any:
        return nn.Linear(width, 3)


@dataclass(frozen=True, kw_only=True)
class Queue(Module):
    name = "test-queue"

    def build(self, width: int) -> Any:
        class Held(nn.Module):
            def __init__(self):
                super().__init__()
                self.register_buffer("held", torch.zeros(4, 3))

            def push(self, rows):
                self.held = torch.cat([self.held, rows])[-4:]

        return Held()


def made(seed=0, drop=0.0):
    torch.manual_seed(seed)
    return ModuleModel(Small(5, 4, drop), {"projection": Projection(), "queue": Queue()}, seed)


def examples(count=6, rows=3, seed=0):
    rng = np.random.default_rng(seed)
    return [Example(payloads=(Rows.whole(rng.normal(size=(rows, 5)).astype(np.float32)),), streams={}) for _ in range(count)]


def learn(model, given, *objectives):
    return asyncio.run(model.learn(given, objectives))


def tensors(model):
    named = {f"head/{n}/{k}": t for n, head in model.heads.items() for k, t in head.state_dict().items()}
    copies = {f"{n}/{k}": t for n, state in model.weights.copies.items() for k, t in state.items()}
    return dict(model.network.state_dict()) | named | copies


def equal(one, two):
    assert one.keys() == two.keys()
    return all(torch.equal(tensor, two[key]) for key, tensor in one.items())


def test_learning_is_a_plain_loop():
    model, twin = made(), made()
    optimizer = AdamW(lr=1e-2, weight_decay=0.1, max_norm=0.5, warmup=2)
    adam = torch.optim.AdamW(twin.network.layers.parameters(), lr=0.0, betas=optimizer.betas, weight_decay=0.1)
    twin.network.train()
    for step in range(4):
        given = examples(seed=step)
        found = learn(model, given, Objective(loss=Square(), optimizer=optimizer))
        inputs = twin.network.collate([e.payloads[0] for e in given])
        loss = ((twin.network(inputs, ("features",))["features"] - 1) ** 2).sum(-1).sum() / 18
        adam.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(twin.network.layers.parameters(), 0.5)
        adam.param_groups[0]["lr"] = optimizer.rate(step + 1)
        adam.step()
        assert found["loss/square"] == pytest.approx(float(loss.detach()))
    assert equal(dict(model.network.state_dict()), dict(twin.network.state_dict()))


def test_micro_batches_do_not_move_the_gradient_and_a_whole_loss_is_not_cut(monkeypatch):
    one, two = made(), made()
    for model, most in ((one, 4096), (two, 4)):
        monkeypatch.setattr("selftaught.models.modules.model.MOST_ITEMS", most)
        learn(model, examples(), Objective(loss=Square(), optimizer=AdamW(lr=1e-2)))
    torch.testing.assert_close(one.weights.state("policy")["layers.0.weight"], two.weights.state("policy")["layers.0.weight"])
    seen = []
    monkeypatch.setattr(
        Contrast, "__call__", lambda self, batch, call=Contrast.__call__: seen.append(batch["examples"]) or call(self, batch)
    )
    learn(two, examples(), Objective(loss=Contrast(), optimizer=AdamW(lr=1e-2)))
    assert seen == [6]


def test_modules_beside_the_network_are_trained_where_named_and_saved(tmp_path):
    model = made()
    both = Objective(loss=Contrast(), optimizer=AdamW(lr=1e-2), updates=("policy", "projection"))
    learn(model, examples(), both)
    held, projection = model.heads["queue"].held.clone(), model.heads["projection"].weight.detach().clone()
    assert held.norm(dim=1).allclose(torch.ones(4))
    learn(model, examples(seed=1), Objective(loss=Contrast(), optimizer=AdamW(lr=2e-2)))
    assert torch.equal(model.heads["projection"].weight, projection) and not torch.equal(model.heads["queue"].held, held)
    asyncio.run(model.save(tmp_path))
    other = made(seed=5)
    asyncio.run(other.load(tmp_path))
    assert equal(tensors(model), tensors(other))
    for one in (model, other):
        learn(one, examples(seed=2), both)
    assert equal(tensors(model), tensors(other))
    assert made().heads.sizes.keys() == {"value", "projection", "queue"} and not made().heads


def test_two_players_alternate():
    model = made()
    model.heads.make(["projection"])
    mine = Objective(loss=Square(), optimizer=AdamW(lr=1e-2), every=2)
    its = Objective(loss=Player(), optimizer=AdamW(lr=3e-2), updates=("projection",), every=2, offset=1)
    for step in range(4):
        before = {name: t.clone() for name, t in tensors(model).items()}
        due = [objective for objective in (mine, its) if objective.due(step)]
        assert len(due) == 1
        learn(model, examples(seed=step), *due)
        moved = {name for name, t in tensors(model).items() if name in before and not torch.equal(t, before[name])} - {"mean_D"}
        assert moved and all(name.startswith("layers." if step % 2 == 0 else "head/projection") for name in moved)
    assert [state.steps for state in model.learner.states.values()] == [2, 2]
    with pytest.raises(BadInput, match="offset=2"):
        Objective(loss=Square(), optimizer=AdamW(), every=2, offset=2)


def test_dropout_is_drawn_by_the_place_in_the_run(tmp_path):
    objective = Objective(loss=Square(), optimizer=AdamW(lr=1e-2))
    one, two = made(drop=0.5), made(drop=0.5)
    learn(one, examples(), objective)
    torch.rand(3)
    learn(two, examples(), objective)
    assert equal(tensors(one), tensors(two))
    asyncio.run(one.save(tmp_path))
    three = made(seed=9, drop=0.5)
    three.seed = three.learner.seed = 0
    asyncio.run(three.load(tmp_path))
    for model in (two, three):
        learn(model, examples(seed=1), objective)
    assert equal(tensors(two), tensors(three))


def test_named_weights_hold_buffers_and_give_outputs_without_gradient():
    model = made()
    learn(model, examples(), Objective(loss=Square(), optimizer=AdamW(lr=1e-1)))
    asyncio.run(model.average("start", "ema", 0.9))
    assert torch.equal(model.weights.state("ema")["mean_D"], torch.zeros(4)) and model.network.mean_D.abs().sum() > 0
    assert model.digest("ema") == model.digest("start") != model.digest()
    found = model.learner.outputs.compute(examples(), ("features", "ahead"), {}, (), None, (0,), "policy")
    assert found["features"].requires_grad and not found["ahead"].requires_grad and not torch.equal(*found.values())
    kept = model.weights.state("ema")["mean_D"].clone()
    rows = examples(1)[0].payloads[0]
    ask = [ScoreRequest(key="k", payload=rows, outputs=("features",), weights=name) for name in ("policy", "ema", "start")]
    policy, ema, start = (reply["features"] for reply in asyncio.run(model.score(ask)))
    assert np.array_equal(ema, start) and not np.array_equal(policy, ema) and torch.equal(model.weights.state("ema")["mean_D"], kept)
    with pytest.raises(BadInput, match="scores no logprobs"):
        asyncio.run(model.score([ScoreRequest(key="k", payload=rows)]))


def test_what_is_asked_of_it_is_empty():
    task = Task(id="t", prompt="row", payload=Rows.whole(np.zeros((1, 5), np.float32)))
    [[one, two]] = asyncio.run(made().sample([SampleRequest(key="k", task=task, messages=(), n=2)]))
    assert (one.id, two.id, one.sampled_count, one.text) == ("k/0", "k/1", 0, "")


def fitted(recipe):
    fit_network(recipe)
    fit_model(recipe, capabilities_of(Job(), recipe))


def test_a_recipe_its_network_cannot_serve_is_refused_before_one_is_made(monkeypatch):
    monkeypatch.setattr(Network, "__init__", lambda self: pytest.fail("a network was made"))
    recipe = get_recipe("t-jepa")
    fitted(recipe)
    phase = recipe.phases[0]
    for loss, words in ((Player(), "needs projection"), (Contrast(), "needs projection and queue")):
        changed = replace(recipe, phases=(replace(phase, objectives=(Objective(loss=loss, optimizer=AdamW()),)),))
        with pytest.raises(BadInput, match=words):
            fitted(changed)
        beside = {"projection": Projection(), "queue": Queue()}
        fitted(replace(changed, modules={**recipe.modules, **beside}))
    with pytest.raises(BadInput, match="takes rows, and explore 'masked-nodes' graph"):
        fitted(recipe.with_options({"explore": "masked-nodes"}))
    updates = replace(phase.objectives[0], updates=("encoder", "policy"))
    with pytest.raises(BadInput, match="one set of weights"):
        fitted(replace(recipe, phases=(replace(phase, objectives=(updates,)),)))


def test_networks_are_found_by_name_with_their_sizes():
    row = find_network("network:row-transformer")
    assert own_sizes(row, {"encoder": {"width": 8}})["encoder"] == {"width": 8, "depth": 2, "heads": 4, "tokens": 1}
    with pytest.raises(BadInput, match="did you mean 'row-transformer'"):
        find_network("network:row-transformers")
    with pytest.raises(BadInput, match="network:NAME"):
        find_network("table")
    with pytest.raises(BadInput, match="unknown size 'widths'"):
        own_sizes(row, {"encoder": {"widths": 8}})
    model = ModuleModel.open("network:row-transformer", Rows.whole(np.zeros((1, 5), np.float32)))
    wrong = Example(payloads=(Rows.whole(np.zeros((1, 4), np.float32)),), streams={})
    with pytest.raises(BadInput, match="takes rows of 5 values"):
        model.learner.outputs.compute([wrong], ("features",), {}, (), None, (0,), "policy")


def test_a_generation_of_another_network_is_refused(tmp_path):
    model = made()
    asyncio.run(model.save(tmp_path))
    with pytest.raises(BadInput, match="does not hold this network whole"):
        asyncio.run(ModuleModel(Small(6, 4), {}, 0).load(tmp_path))
