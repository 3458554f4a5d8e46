"""Payloads: one class a modality, known to journal, pool and hashes by being there."""

import json
import random
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

import selftaught
from selftaught.payload import Payload, as_json, from_json, payload_class
from selftaught.payloads.graph import Graph
from selftaught.payloads.rows import Rows
from selftaught.run.journal import decode, encode
from selftaught.tasks.pool import TaskPool
from selftaught.types import Attempt, Bools, Floats, Task, Tokens, content_hash


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Clip(Payload):
    """What another package might bring."""

    form: ClassVar[str] = "clips"
    frames: Floats
    rate: int = 25

    def __len__(self) -> int:
        return len(self.frames)


def payloads():
    rng = np.random.default_rng(0)
    edges = np.array([[0, 1, 1, 2], [1, 0, 2, 1]], np.int32)
    return [
        Tokens(ids=np.arange(4, dtype=np.int32), sampled=np.arange(4) > 1, logprobs=rng.normal(size=4).astype(np.float32)),
        Rows(values=rng.normal(size=(2, 3)).astype(np.float32), mask=rng.random((2, 3)) < 0.5),
        Graph.whole(rng.normal(size=(3, 2)).astype(np.float32), edges).hiding(0.4, 0.5, rng),
        Clip(frames=rng.normal(size=(5, 2, 2)).astype(np.float32), rate=30),
    ]


def same(one, two):
    assert type(one) is type(two)
    for name, value in one.contents().items():
        other = two.contents()[name]
        if isinstance(value, np.ndarray):
            assert value.dtype == other.dtype and value.shape == other.shape and value.tobytes() == other.tobytes()
        else:
            assert value == other


@pytest.mark.parametrize("payload", payloads(), ids=lambda payload: type(payload).__name__)
def test_is_journaled_and_saved_bit_for_bit(payload):
    attempt = Attempt(id="a", task="t", payload=payload)
    same(decode(encode([attempt]))[0].payload, payload)
    same(from_json(as_json(payload)), payload)
    assert payload_class(type(payload).__name__) is type(payload) and payload.form and payload.size >= len(payload) > 0


def test_a_pool_with_payloads_is_saved_and_restored(tmp_path):
    pool = TaskPool(["sums:level=3"])
    made = [Task(id=str(i), prompt=f"task {i}", payload=payload, origin="model") for i, payload in enumerate(payloads())]
    assert pool.add(made) == len(made)
    other = TaskPool(["sums:level=3"])
    other.restore(json.loads(json.dumps(pool.snapshot())))
    for mine, its in zip(pool.draw(random.Random(0), 4, "model"), other.draw(random.Random(0), 4, "model"), strict=True):
        same(mine.payload, its.payload)
        assert replace(mine, payload=None) == replace(its, payload=None)


def test_arrays_that_differ_anywhere_have_other_hashes():
    large = np.zeros(5000, np.float32)
    other = large.copy()
    other[2500] = 1
    assert str(large) == str(other) and content_hash(large) != content_hash(other)
    assert content_hash(large) == content_hash(large.copy()) != content_hash(large.astype(np.float64)) != content_hash(large.reshape(2, -1))
    mask = np.zeros((50, 100), bool)
    assert content_hash(Rows(values=large.reshape(50, 100), mask=mask)) != content_hash(Rows(values=other.reshape(50, 100), mask=mask))
    assert content_hash(Rows.whole(large[None])) == content_hash(Rows.whole(large[None]))


def test_names_are_taken_once_and_unknown_ones_refused():
    with pytest.raises(ValueError, match="two payloads are called 'Rows'"):

        @dataclass(frozen=True, kw_only=True, slots=True, eq=False)
        class Rows(Payload):
            mask: Bools

    assert payload_class("Rows").__module__ == "selftaught.payloads.rows" and payload_class("Nothing") is None
    with pytest.raises(ValueError, match="no payload is called 'Nothing'"):
        from_json({"payload": "Nothing"})
    with pytest.raises(TypeError, match="may not hold a Random"):
        encode([random.Random(0)])


def test_a_view_of_a_graph_hides_what_it_says():
    graph = Graph.whole(np.eye(20, dtype=np.float32), np.array([[0, 1], [1, 0]], np.int32))
    for seed in range(20):
        view = graph.hiding(0.5, 0.2, np.random.default_rng(seed))
        assert view.mask.sum() == view.hidden_items == 10 and view.features is graph.features
        shown = view.seen[view.mask]
        assert (shown == -1).sum() == 8 and (view.seen[~view.mask] == np.flatnonzero(~view.mask)).all()
        swapped = np.flatnonzero(view.mask & (view.seen >= 0))
        assert len(swapped) == 2 and (view.seen[swapped] != swapped).all() and view.seen.max() < 20
    assert graph.hiding(0.01, 0, np.random.default_rng(0)).hidden_items == 1
    assert graph.hiding(0.99, 0, np.random.default_rng(0)).hidden_items == 19


def test_a_part_of_a_graph_has_the_edges_between_its_nodes():
    graph = Graph.whole(np.arange(4, dtype=np.float32)[:, None], np.array([[0, 1, 1, 3, 2, 3], [1, 0, 3, 1, 3, 2]], np.int32))
    part = graph.among(np.array([True, True, False, True]))
    assert part.features[:, 0].tolist() == [0, 1, 3] and part.edges.tolist() == [[0, 1, 1, 2], [1, 0, 2, 1]]


def test_no_other_file_asks_which_payload_it_is():
    home = Path(selftaught.__file__).parent
    kinds = "|".join(sorted({cls.__name__ for cls in (Tokens, Rows, Graph)}))
    asked = re.compile(rf"isinstance\([^()]*,\s*\(?({kinds})\b")
    files = [p for p in home.rglob("*.py") if p.relative_to(home).parts[0] not in ("payloads", "models")]
    assert len(files) > 200 and not [str(path) for path in files if asked.search(path.read_text())]
