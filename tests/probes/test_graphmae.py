"""GraphMAE in the same loop: one graph, views that hide nodes, attention over edges, a probe of nodes it never saw."""

import asyncio
import gzip
import json

import numpy as np
import pytest
import torch

from probes.helpers import live, stopped_and_resumed, whole
from selftaught.explore import MaskedNodes
from selftaught.measures.node_probe import node_features, node_probe
from selftaught.models.modules.model import ModuleModel
from selftaught.models.networks.graph_attention import AttentionLayer
from selftaught.parts import BadInput
from selftaught.payloads.graph import Graph
from selftaught.recipe import get_recipe
from selftaught.tasks.graphs.extract import FILE, imports, words
from selftaught.tasks.graphs.source import Graphs, load
from selftaught.tasks.source import parse_source
from selftaught.types import Example


def small(path, *, options=None, seed=0, name="graphmae", **more):
    recipe = get_recipe(name)
    recipe = recipe.with_options({**recipe.tiny, "steps": 4, "every": 2, **(options or {})})
    return live(recipe, ModuleModel.open(recipe.model, load("stdlib").graph, recipe.modules, seed), path, [Graphs()], seed=seed, **more)


def ring(n=6, features=3, seed=0):
    edges = {pair for i in range(n) for pair in ((i, (i + 1) % n), ((i + 1) % n, i))}
    features_N_F = np.random.default_rng(seed).normal(size=(n, features)).astype(np.float32)
    return Graph.whole(features_N_F, np.array(sorted(edges), np.int32).T.copy())


def opened(graph, seed=0, **decoder):
    return ModuleModel.open(
        "network:graph-attention", graph, {"encoder": {"width": 4, "depth": 2, "heads": 2, "dropout": 0}, "decoder": decoder}, seed
    )


def test_attention_is_a_naive_loop():
    torch.manual_seed(0)
    layer, n = AttentionLayer(3, 4, 2), 5
    x = torch.randn(n, 3)
    edges = [(0, 1), (2, 1), (3, 1), (1, 0), *((i, i) for i in range(n))]
    found = layer(x, torch.tensor(edges).T)
    weights = layer.into.weight.view(2, 2, 3)
    for i in range(n):
        for head in range(2):
            into = [j for j, k in edges if k == i]
            values = {j: weights[head] @ x[j] for j in {*into, i}}
            scores = torch.stack([layer.from_H_D[head] @ values[j] + layer.to_H_D[head] @ values[i] for j in into])
            shares = torch.where(scores > 0, scores, 0.2 * scores).softmax(0)
            expected = sum(share * values[j] for share, j in zip(shares, into, strict=True))
            torch.testing.assert_close(found[i, 2 * head : 2 * head + 2], expected)


def test_graphs_side_by_side_are_as_if_apart():
    one, two = ring(5), ring(4, seed=1)
    model = opened(one)
    views = [one.hiding(0.5, 0.5, np.random.default_rng(0)), two.hiding(0.5, 0, np.random.default_rng(1))]

    def outputs(*payloads):
        return model.learner.outputs.compute(
            [Example(payloads=payloads, streams={})], ("features", "prediction", "target"), {}, (), None, (0,), "policy"
        )

    together, apart = outputs(*views), [outputs(view) for view in views]
    for name, tensor in together.items():
        torch.testing.assert_close(tensor, torch.cat([found[name] for found in apart]))
    assert torch.equal(together["target"][:2], torch.from_numpy(one.features[views[0].mask]))


def test_hidden_features_are_not_looked_at_and_codes_are_masked_again():
    graph = ring()
    view = graph.hiding(0.5, 0, np.random.default_rng(0))
    other = Graph(features=graph.features + np.float32(5) * view.mask[:, None], edges=graph.edges, mask=view.mask, seen=view.seen)
    for remask, alike in ((1, True), (0, False)):
        model = opened(graph, remask=remask)
        with torch.no_grad():
            model.network.token_F += 1
        before = model.network(model.network.collate([view]), ("prediction",))["prediction"]
        assert torch.equal(before, model.network(model.network.collate([other]), ("prediction",))["prediction"])
        # A node without neighbors and with its own code taken away has nothing left to be told from.
        lonely = Graph.whole(graph.features, np.zeros((2, 0), np.int32)).hiding(0.5, 0, np.random.default_rng(0))
        with torch.no_grad():
            rows = model.network(model.network.collate([lonely]), ("prediction",))["prediction"]
        assert torch.equal(rows, model.network.decoder.bias_D.expand_as(rows)) == alike


def test_views_are_drawn_from_the_place_in_the_run(tmp_path):
    run, groups = small(tmp_path, options={"steps": 1}), []
    run.record = groups.extend
    whole(run)
    [group] = groups
    [attempt] = group.attempts_G
    n = len(group.task.payload)
    assert attempt.payload.hidden_items == n // 2 and attempt.payload.features is group.task.payload.features
    assert run.ledger.summary()["tokens"] == {"prompted": n, "sampled": 0, "scored": 0, "trained": n, "evaluated": 0}
    assert run.ledger.summary()["gold_read"]["train"] == 0 and not (tmp_path / "journal.bin").read_bytes()


@pytest.mark.parametrize("name", ["graphmae", "graphmae/squared-error"])
def test_stop_and_resume_is_the_same_run(tmp_path, name):
    one = whole(small(tmp_path / "one", name=name))
    for stop in (0, 1, 2):
        two = stopped_and_resumed(lambda path, **options: small(path, name=name, **options), tmp_path / f"two{stop}", stop)
        assert one.model.digest() == two.model.digest() != one.model.digest("start") and one.ledger.snapshot() == two.ledger.snapshot()
        for key, state in one.model.learner.states.items():
            assert state.steps == two.model.learner.states[key].steps
    other = whole(small(tmp_path / "other", name=name, seed=1))
    assert other.model.digest() != one.model.digest()


def test_a_budget_is_a_hard_stop(tmp_path):
    n = len(load("stdlib").graph.among(~Graphs().inside("held-out")))
    run = whole(small(tmp_path, budget=3 * n))
    assert run.ledger.spent == 2 * n and run.position == 2


def test_learning_lowers_the_loss(tmp_path):
    run, losses = small(tmp_path, options={"steps": 30, "every": 30, "optimizer.lr": 1e-2, "modules.encoder.width": 16}), []
    run.watch = lambda numbers: losses.append(numbers["loss/scaled-cosine"])
    whole(run)
    assert np.mean(losses[-3:]) < 0.9 * losses[0]


def test_nodes_live_in_one_split_and_the_graph_trained_on_has_no_held_out_one():
    source, nodes = parse_source("graph:stdlib"), load("stdlib")
    assert source.text() == "graph:stdlib" and not (source.inside("held-out") & source.inside("train")).any()
    [task] = source.draw("k", 5, "train")
    kept = ~source.inside("held-out")
    assert np.array_equal(task.payload.features, nodes.graph.features[kept]) and len(task.payload) == kept.sum()
    held = {t.prompt.split()[1] for t in source.draw("k", 10**6, "held-out")}
    assert held == {name for name, keep in zip(nodes.names, kept, strict=True) if not keep}
    assert "answer" not in repr(source.draw("k", 1, "held-out")) and source.labels().max() == 10
    lengths = np.linalg.norm(nodes.graph.features, axis=1)
    edges = {tuple(edge) for edge in nodes.graph.edges.T.tolist()}
    assert np.isclose(lengths[lengths > 0], 1).all() and edges == {(j, i) for i, j in edges}
    with pytest.raises(BadInput, match="did you mean 'stdlib'"):
        parse_source("graph:stdlibs")
    with pytest.raises(BadInput, match="hidden=1"):
        MaskedNodes(hidden=1.0)


def test_facts_of_a_module():
    import ast

    tree = ast.parse("from . import near\nfrom ..up import thing\nimport os.path\ndef readLines():\n    'Reads every line of a pack.'\n")
    assert set(imports(tree, "pack.inner.mod", False)) == {"pack.inner.near", "pack.up.thing", "os.path"}
    assert set(imports(tree, "pack.inner", True)) == {"pack.inner.near", "pack.up.thing", "os.path"}
    assert words(tree, "pack.inner.mod") == {"read", "reads", "lines", "every", "line"}
    facts = json.loads(gzip.decompress(FILE.read_bytes()))["modules"]
    names = [module["name"] for module in facts]
    assert names == sorted(names) and "turtledemo" not in "".join(names)
    asyncio_words = facts[names.index("asyncio.tasks")]["words"]
    assert "asyncio" not in asyncio_words and "task" not in asyncio_words and "coroutine" in asyncio_words


@pytest.mark.slow
def test_node_probe_by_hand():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3, dtype=np.int32), 40)
    features = np.eye(3, dtype=np.float32)[labels] + rng.normal(0, 0.1, (120, 3)).astype(np.float32)
    train = np.arange(120) % 2 == 0
    few = {"per_class": 5, "seeds": (0, 1)}
    found = node_probe(features, labels, train, ~train, **few)
    assert found.value == 1 and found.n == 60 and found.per_item.shape == (60,)
    unknown = labels.copy()
    unknown[1::4] = -1
    assert node_probe(features, unknown, train, ~train, **few).n == 30
    wrong = node_probe(features, np.where(train, labels, (labels + 1) % 3).astype(np.int32), train, ~train, **few)
    assert wrong.value == 0
    # the first class cannot be told from the second: its nodes are right in as many draws as the regression leans its way
    blurred = node_probe(
        np.where(labels[:, None] == 0, np.eye(3, dtype=np.float32)[1], np.eye(3, dtype=np.float32)[labels]), labels, train, ~train
    )
    assert blurred.value == pytest.approx(2 / 3) and (blurred.per_item[40:] == 1).all()
    with pytest.raises(BadInput, match="5 labeled nodes of every class"):
        node_probe(features, labels, train, ~train, per_class=4)


def test_features_are_of_the_weights_asked_for(tmp_path):
    run = whole(small(tmp_path))
    graph = load("stdlib").graph
    learned, start = (asyncio.run(node_features(run.model, graph, name)) for name in ("policy", "start"))
    assert learned.shape == start.shape == (len(graph), 8) and not np.array_equal(learned, start)
