"""T-JEPA in the same loop: views as attempts, a target from an averaged copy, a probe as evaluation."""

import asyncio

import numpy as np
import pytest
import torch

from probes.helpers import live, stopped_and_resumed, whole
from selftaught.explore import MaskedViews
from selftaught.measures.probe import feature_variance, features_of, probe, uniformity
from selftaught.models.modules.model import ModuleModel
from selftaught.parts import BadInput
from selftaught.payloads.rows import Rows
from selftaught.recipe import get_recipe
from selftaught.tasks.source import parse_source
from selftaught.tasks.tables import TABLES, Tables
from selftaught.types import Example


def small(path, *, options=None, seed=0, table="wine", **more):
    recipe = get_recipe("t-jepa")
    recipe = recipe.with_options({**recipe.tiny, "steps": 4, "every": 2, **(options or {})})
    return live(recipe, opened(recipe, table, seed), path, [parse_source(f"table:{table}")], seed=seed, **more)


def opened(recipe, table, seed=0):
    return ModuleModel.open(recipe.model, Rows.whole(Tables(table=table).rows("train")[0]), recipe.modules, seed)


@pytest.mark.parametrize("table", TABLES)
def test_rows_live_in_one_split(table):
    source = parse_source(f"table:{table}")
    parts = {split: source.rows(split) for split in ("held-out", "train")}
    marks = {split: {source.fingerprint(task) for task in source.draw("k", 10**6, split)} for split in parts}
    assert not marks["held-out"] & marks["train"] and min(map(len, marks.values())) > 30
    assert np.isfinite(parts["train"][0]).all()
    assert [t.id for t in source.draw("k", 5, "train")] == [t.id for t in source.draw("k", 5, "train")]
    assert source.text() == f"table:{table}" and "answer" not in repr(source.draw("k", 1, "train"))
    with pytest.raises(BadInput, match="did you mean 'wine'"):
        parse_source("table:wines")


def test_views_hide_what_the_noise_key_says(tmp_path):
    run, groups = small(tmp_path, options={"steps": 1}), []
    run.record = groups.extend
    whole(run)
    assert len(groups) == 8
    for group in groups:
        masks = [a.payload.mask for a in group.attempts_G]
        assert [a.view for a in group.attempts_G] == [0, 1] and all(m.sum() == 6 and m.shape == (1, 13) for m in masks)
        assert not np.array_equal(*masks) and np.array_equal(group.attempts_G[0].payload.values, group.task.payload.values)
    assert run.ledger.summary()["tokens"] == {"prompted": 8 * 13, "sampled": 0, "scored": 0, "trained": 16, "evaluated": 0}
    assert run.ledger.summary()["gold_read"]["train"] == 0


def test_stop_and_resume_is_the_same_run(tmp_path):
    one = whole(small(tmp_path / "one"))
    for stop in (0, 1, 2):
        two = stopped_and_resumed(lambda path, **options: small(path, **options), tmp_path / f"two{stop}", stop)
        for key, tensor in one.model.network.state_dict().items():
            assert torch.equal(tensor, two.model.network.state_dict()[key])
        assert one.model.weights.copies.keys() == {"start", "ema"}
        for key, tensor in one.model.weights.copies["ema"].items():
            assert torch.equal(tensor, two.model.weights.copies["ema"][key])
        assert one.ledger.snapshot() == two.ledger.snapshot()
        assert (tmp_path / "one/journal.bin").read_bytes() == (tmp_path / f"two{stop}/journal.bin").read_bytes()


def test_hidden_values_are_not_looked_at_and_targets_are():
    sizes = {"encoder": {"width": 8, "depth": 1, "heads": 2}, "predictor": {"width": 4}}
    model = ModuleModel.open("network:row-transformer", Rows.whole(np.zeros((1, 5), np.float32)), sizes)
    rng = np.random.default_rng(0)
    values, mask = rng.normal(size=(3, 5)).astype(np.float32), np.array([[1, 1, 0, 0, 0]] * 3, bool)
    other = values.copy()
    other[:, :2] += 5

    def outputs(values):
        examples = [Example(payloads=(Rows(values=values, mask=mask),), streams={})]
        return model.learner.outputs.compute(examples, ("prediction", "target"), {}, (), None, (0,), "policy")

    one, two = outputs(values), outputs(other)
    assert one["prediction"].shape == one["target"].shape == (3, 2, 8)
    torch.testing.assert_close(one["prediction"], two["prediction"])
    assert (one["target"] - two["target"]).abs().max() > 0.1 and not one["target"].requires_grad
    with pytest.raises(ValueError, match="same number"):
        mask = np.eye(3, 5) + np.eye(3, 5, 1) * [[1], [0], [0]] > 0
        outputs(values)


def test_learning_lowers_the_loss_and_ema_follows(tmp_path):
    run = small(tmp_path, options={"steps": 30, "every": 30, "optimizer.lr": 3e-3, "plan.tasks": 16})
    losses = []
    run.watch = lambda numbers: losses.append(numbers["loss/latent-regression"])
    whole(run)
    assert np.mean(losses[-5:]) < 0.85 * np.mean(losses[:5])
    weights = run.model.weights
    policy, start, ema = (weights.state(name)["scale_F_D"] for name in ("policy", "start", "ema"))
    assert (ema - policy).norm() < (start - policy).norm() and not torch.equal(ema, policy)


def test_probe_by_hand():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 200)
    features = np.stack([labels * 4.0 - 2 + rng.normal(0, 0.3, 200), rng.normal(size=200)], 1).astype(np.float32)
    found = probe((features[:100], labels[:100]), (features[100:], labels[100:]))
    assert found.value == 1 and found.n == 100 and found.per_item.shape == (100,)
    target = features @ [1.0, -2.0]
    fit = probe((features[:100], target[:100]), (features[100:], target[100:]), regression=True)
    assert fit.value > 0.99 and fit.low <= fit.value <= fit.high
    mlp = probe((features[:100], labels[:100]), (features[100:], labels[100:]), kind="mlp", seeds=(0, 1))
    assert mlp.value > 0.98
    assert feature_variance(np.array([[0, 1], [2, 1]], np.float32)) == 0.5
    assert uniformity(np.ones((4, 3), np.float32)) == pytest.approx(0, abs=1e-5)
    assert uniformity(np.array([[1, 0], [-1, 0]], np.float32)) == pytest.approx(-8, abs=1e-5)


def test_options_reach_modules_and_bad_ones_are_refused():
    recipe = get_recipe("t-jepa/no-token")
    assert recipe.modules["encoder"]["tokens"] == 0 and get_recipe("t-jepa").modules["encoder"]["tokens"] == 1
    assert recipe.with_options({"modules.encoder.width": "16"}).modules["encoder"]["width"] == 16
    with pytest.raises(BadInput):
        MaskedViews(hidden=1.0)
    with pytest.raises(BadInput):
        recipe.with_options({"modules.encoder.wide": 3})


def measured(path, *, table="wine", steps=300, seed=0, preset=""):
    """Variance, uniformity and MLP probe of features and raw rows, after a run."""
    source = Tables(table=table)
    recipe = get_recipe(f"t-jepa/{preset}" if preset else "t-jepa").with_options({"steps": steps, "every": steps})
    train, test = source.rows("train"), source.rows("held-out")
    run = live(recipe, opened(recipe, table, seed), path, [source], seed=seed)
    whole(run)
    features = [asyncio.run(features_of(run.model, values)) for values, _ in (train, test)]
    kind = {"kind": "mlp", "seeds": range(3), "regression": table == "diabetes"}
    learned = probe((features[0], train[1]), (features[1], test[1]), **kind)
    raw = probe(train, test, **kind)
    return {"variance": feature_variance(features[1]), "uniformity": uniformity(features[1]), "probe": learned.value, "raw": raw.value}


@pytest.mark.slow
def test_features_can_be_probed(tmp_path):
    with_token, without = measured(tmp_path / "a", steps=150), measured(tmp_path / "b", steps=150, preset="no-token")
    print(with_token, without)
    assert with_token["probe"] > 0.85 and with_token["variance"] > 0.01
