"""RPC by hand: sums over distinct paths, pruning, and the mixture against numbers it was drawn from."""

import asyncio
from types import SimpleNamespace

import numpy as np
import pytest

from selftaught.supervise import PathConsistency
from selftaught.supervise.path_consistency import likely, weibull_mixture
from selftaught.types import Attempt, Group, Task, Tokens

RUN = SimpleNamespace(answer=lambda text, task: text.rpartition("#")[2] or None)


def group(*rows):
    """Attempts from (text, probabilities of its sampled tokens), after one token of prompt."""
    attempts = []
    for i, (text, ps) in enumerate(rows):
        logprobs = np.log([1.0, *ps]).astype(np.float32)
        payload = Tokens(ids=np.arange(len(logprobs), dtype=np.int32), sampled=np.arange(len(logprobs)) > 0, logprobs=logprobs)
        attempts.append(Attempt(id=str(i), task="t", payload=payload, text=text))
    return Group(key="t", task=Task(id="t", prompt="p"), attempts_G=tuple(attempts))


def values(part, *rows):
    scored = asyncio.run(part.read_group(RUN, group(*rows)))
    assert all(s.confidence == pytest.approx(s.value) for s in scored.scores)
    return scored.values()


def test_sums_probabilities_of_distinct_paths():
    rows = [("x#1", [0.5, 0.4]), ("y#1", [0.1]), ("x#1", [0.5, 0.4]), ("z#2", [0.3])]
    assert values(PathConsistency(prune=False), *rows) == pytest.approx([0.5, 0.5, 0.5, 0.5])
    rows[3] = ("z#2", [0.9])
    assert values(PathConsistency(prune=False), *rows) == pytest.approx([0.25, 0.25, 0.25, 0.75])


def test_per_token_is_the_geometric_mean():
    assert values(PathConsistency(prune=False, per_token=True), ("x#1", [0.2, 0.8]), ("y#2", [0.4])) == pytest.approx([0.5, 0.5])


def test_no_answer_is_not_scored_and_does_not_count():
    found = values(PathConsistency(prune=False), ("thinking#", [0.9]), ("x#1", [0.2]), ("y#2", [0.2]))
    assert np.isnan(found[0]) and found[1:] == pytest.approx([0.5, 0.5])


def test_long_improbable_paths_do_not_underflow():
    found = values(PathConsistency(prune=False), ("x#1", [1e-6] * 200), ("y#1", [1e-6] * 200), ("z#2", [1e-6] * 201))
    assert found == pytest.approx([1, 1, 5e-7], rel=1e-3)


def test_prunes_the_improbable_crowd():
    good = [(f"g{i}#1", [p]) for i, p in enumerate((0.8, 0.85, 0.9))]
    crowd = [(f"c{i}#2", [p]) for i, p in enumerate((0.001, 0.0012, 0.0009, 0.0011, 0.001))]
    found = values(PathConsistency(), *good, *crowd)
    assert found[:3] == pytest.approx([1, 1, 1]) and np.isnan(found[3:]).all()


@pytest.mark.parametrize("p", [[0.1, 0.1, 0.1, 0.1, 0.1], [0.3, 0.2, 0.9], [1.0]])
def test_few_or_equal_paths_are_kept(p):
    assert likely(np.array(p)).all()


def test_never_prunes_what_is_not_below_the_mean():
    for seed in range(20):
        p = np.random.default_rng(seed).gamma(0.5, size=8) + 1e-9
        kept = likely(p)
        assert kept[p >= p.mean()].all() and kept.any()
        assert (likely(p * 1e-9) == kept).all(), "the unit must not matter"


def test_mixture_tells_two_components_apart():
    rng = np.random.default_rng(0)
    x = np.concatenate([0.01 * rng.weibull(2, 60), 1.5 * rng.weibull(4, 40)])
    upper = weibull_mixture(x)
    assert (upper[:60] < 0.5).mean() > 0.95 and (upper[60:] > 0.5).mean() > 0.95
    with pytest.raises(ValueError):
        weibull_mixture(np.array([0.0, 1.0]))
