import asyncio
import pickle

import numpy as np
import pytest

from selftaught.parts import BadInput
from selftaught.train import Band, Baseline, GroupCentred, Kept, Pairs, Returns, RoleBaseline, Signal, StepValues
from selftaught.types import Attempt, Group, Score, Task, Tokens

NAN = float("nan")


def credited(part, groups, run):
    return asyncio.run(part.credit(run, groups))


def advantages(examples):
    return {e.attempt: float(e.streams["advantage"][-1]) for e in examples}


def test_group_centred_hand_numbers(make):
    examples = credited(GroupCentred(), [make.group([1, 0, 0, NAN, 1])], make.Run())
    assert advantages(examples) == {"g/0": 0.5, "g/1": -0.5, "g/2": -0.5, "g/4": 0.5}
    first = examples[0]
    assert set(first.streams) == set(GroupCentred().writes) and all(v.dtype == np.float32 for v in first.streams.values())
    assert first.streams["advantage"].tolist() == [0, 0, 0.5, 0.5, 0.5] and first.streams["mask"].tolist() == [0, 0, 1, 1, 1]
    assert first.streams["sampler_logprobs"].tolist() == [0, 0, -0.5, -0.5, -0.5] and first.source == "peer"


def test_group_centred_std_is_the_sample_deviation(make):
    rewards = [1.0, 0.25, 0.0, 0.5]
    expected = (np.array(rewards) - np.mean(rewards)) / (np.std(rewards, ddof=1) + 1e-4)
    found = advantages(credited(GroupCentred(scale="std"), [make.group(rewards)], make.Run()))
    assert list(found.values()) == pytest.approx(expected.tolist(), rel=1e-6)


@pytest.mark.parametrize("rewards", [[1, 1, 1], [0, 0], [NAN, NAN], [1], [1, NAN], []])
def test_groups_without_signal_give_nothing(rewards, make):
    group = make.group(rewards)
    for part in (GroupCentred(), GroupCentred(scale="std"), Pairs()):
        assert credited(part, [group], make.Run()) == []


def test_views_are_compared_apart(make):
    group = make.group([1, 0, 1, 1, 0, 0, 0, 1], views=[0, 0, 0, 1, 1, 1, 2, 3])
    found = advantages(credited(GroupCentred(), [group], make.Run()))
    assert list(found.values()) == pytest.approx([1 / 3, -2 / 3, 1 / 3, 2 / 3, -1 / 3, -1 / 3])
    together = advantages(credited(GroupCentred(by_view=False), [group], make.Run()))
    assert list(together.values()) == [0.5, -0.5, 0.5, 0.5, -0.5, -0.5, -0.5, 0.5]


def test_anchor_adds_start_logprobs_and_drops_what_the_budget_refuses(make):
    part, run = GroupCentred(anchor=True), make.Run(broke=("g/1",))
    examples = credited(part, [make.group([1, 0, 0])], run)
    assert [e.attempt for e in examples] == ["g/0", "g/2"] and "start_logprobs" in part.writes
    assert examples[0].streams["start_logprobs"].tolist() == pytest.approx([0, -0.1, -0.2, -0.3, -0.4])


def test_attempts_without_sampled_tokens_are_not_credited(make):
    group = make.group([1, 0, 0])
    empty = Tokens(ids=np.zeros(2, np.int32), sampled=np.zeros(2, bool), logprobs=np.zeros(2, np.float32))
    bare = [Attempt(id=f"b/{i}", task="g", payload=p, stop="error", error="x") for i, p in enumerate((empty, None))]
    group = group.joined(bare, [Score(attempt=a.id, value=1.0, source="peer", judge="j") for a in bare])
    assert advantages(credited(GroupCentred(), [group], make.Run())).keys() == {"g/0", "g/1", "g/2"}
    assert len(credited(Kept(), [group], make.Run())) == 1


def test_kept_by_threshold_best_and_distinct(make):
    group = make.group([0.6, NAN, 0.9, 0.5, 0.9, 0.7], texts=["a", "b", "c", "d", "c", "a"])

    def kept(**options):
        return [e.attempt[-1] for e in credited(Kept(**options), [group], make.Run())]

    assert kept() == ["0", "2", "4", "5"] and kept(threshold=-1) == ["0", "2", "3", "4", "5"]
    assert kept(best=1) == ["2"] and kept(best=2) == ["2", "4"] and kept(best=9) == kept()
    assert kept(distinct=True) == ["0", "2"] and kept(best=2, distinct=True) == ["2", "5"] and kept(threshold=2) == []


def test_kept_balanced_groups_weigh_the_same(make):
    groups = [make.group([1, 1, 0], key="a", lengths=[2, 4, 9]), make.group([1], key="b", lengths=[3]), make.group([0], key="c")]
    examples = credited(Kept(weighting="balanced"), groups, make.Run())
    total = {k: sum(e.streams["weight"].sum() for e in examples if e.attempt[0] == k) for k in "ab"}
    assert total["a"] == pytest.approx(4.5) and total["b"] == pytest.approx(4.5)
    uniform = credited(Kept(), groups, make.Run())
    assert [e.streams["weight"].tolist() for e in uniform] == [[0, 0, 1, 1], [0, 0, 1, 1, 1, 1], [0, 0, 1, 1, 1]]


@pytest.mark.parametrize("sampled,last", [("0011011", "0000011"), ("0011", "0011"), ("111", "111"), ("0110", "0110"), ("1010", "0010")])
def test_kept_last_turn(sampled, last, make):
    bits = np.array([c == "1" for c in sampled])
    payload = Tokens(ids=np.zeros(len(bits), np.int32), sampled=bits, logprobs=np.zeros(len(bits), np.float32))
    attempt = Attempt(id="x", task="t", payload=payload)
    group = Group(key="g", task=Task(id="t", prompt=""), attempts_G=(attempt,))
    group = group.scored([Score(attempt="x", value=1, source="self", judge="j")])
    (example,) = credited(Kept(last_turn=True), [group], make.Run())
    assert example.streams["weight"].tolist() == [float(c) for c in last]


def test_pairs_best_against_worst(make):
    group = make.group([0.5, 1, 0, 1, 0, NAN])
    (example,) = credited(Pairs(), [group], make.Run())
    assert example.payloads == (group.attempts_G[1].payload, group.attempts_G[2].payload) and example.attempt == "g/1"
    assert example.streams["mask"].tolist() == [0, 0, 1, 1, 1] * 2
    assert example.streams["start_logprobs"].tolist() == pytest.approx([0, -0.1, -0.2, -0.3, -0.4] * 2)
    assert credited(Pairs(margin=1.0), [group], make.Run()) == []
    assert credited(Pairs(), [group], make.Run(broke=("g/2",))) == []
    views = make.group([0, 1, 1, 0], views=[0, 0, 1, 1])
    assert [e.attempt for e in credited(Pairs(), [views], make.Run())] == ["g/1", "g/2"]


def test_pairs_of_one_text_are_left_out(make):
    group = make.group([1, 0])
    twin = Attempt(id="g/1", task="g", payload=group.attempts_G[0].payload)
    group = Group(key="g", task=group.task, attempts_G=(group.attempts_G[0], twin), scores=group.scores)
    assert credited(Pairs(), [group], make.Run()) == []


def test_step_values(make):
    group = make.group([1, 1])
    values = np.array([NAN, NAN, 0.25, NAN, 0.75], np.float32)
    group = group.scored([Score(attempt="g/1", value=0.75, source="self", judge="j", name="value", per_item=values)])
    (example,) = credited(StepValues(), [group], make.Run())
    assert example.attempt == "g/1" and example.source == "self"
    assert example.streams["value_target"].tolist() == [0, 0, 0.25, 0, 0.75] and example.streams["mask"].tolist() == [0, 0, 1, 0, 1]
    bad = group.scored([Score(attempt="g/0", value=0, source="self", judge="j", name="value", per_item=values[:2])])
    with pytest.raises(ValueError, match="2 values for the 5 items"):
        credited(StepValues(), [bad], make.Run())


def test_role_baseline_moves_after_use(make):
    group = make.group([1, -1, 1, NAN], name="return", roles=["first", "second", "first", "first"])
    run = make.Run(state={"baseline": {"first": 0.5}})
    found = advantages(credited(RoleBaseline(), [group], run))
    assert found == {"g/0": 0.5, "g/1": -1.0, "g/2": 0.5}
    asyncio.run(Returns(decay=0.5).update(run, [group]))
    assert run.state["baseline"] == pytest.approx({"first": 0.25 * 0.5 + 0.75 * 1, "second": -0.5})
    again = advantages(credited(RoleBaseline(), [group], run))
    assert again["g/1"] == pytest.approx(-0.5) and Baseline().initial() == {}
    assert list(RoleBaseline(anchor=True).writes)[-1] == "start_logprobs"


def test_signal_drops_and_notes(make):
    groups = [make.group(r, key=str(i)) for i, r in enumerate(([1, 0], [1, 1], [NAN, 1], [0, 1, NAN]))]
    run = make.Run()
    assert [g.key for g in Signal().select(run, groups)] == ["0", "3"] and run.notes == {"zero_signal_groups": 0.5}
    split = make.group([1, 1, 0, 0], views=[0, 0, 1, 1])
    assert Signal().select(run, [split]) == [] and Signal(by_view=False).select(run, [split]) == [split]
    assert Signal().select(make.Run(), []) == []


def test_majority_band(make):
    shares = {"a": [0.2, 0.2], "b": [0.5, 0.9], "c": [1.0, 1.0]}
    groups = [make.group([1, 0], key=k, confidences=c) for k, c in shares.items()] + [make.group([NAN], key="d")]
    run = make.Run()
    assert [g.key for g in Band(low=0.5, high=0.9).select(run, groups)] == ["b"] and run.notes["outside_band_groups"] == 0.75
    assert [g.key for g in Band().select(run, groups)] == ["a", "b", "c"]


@pytest.mark.parametrize("part", [GroupCentred(), Kept(), Pairs(), RoleBaseline(), StepValues(), Baseline(), Signal(), Band()], ids=repr)
def test_pickles(part):
    assert pickle.loads(pickle.dumps(part)) == part


@pytest.mark.parametrize(
    "cls,options",
    [
        (GroupCentred, {"scale": "x"}),
        (Kept, {"threshold": NAN}),
        (Kept, {"best": -1}),
        (Kept, {"weighting": "x"}),
        (Pairs, {"margin": -1}),
        (Returns, {"decay": 2}),
        (Band, {"low": 0.9, "high": 0.1}),
        (Band, {"high": 1.5}),
    ],
)
def test_bad_values_are_refused(cls, options):
    with pytest.raises(BadInput):
        cls(**options)


def test_importing_does_not_import_torch():
    import subprocess
    import sys

    names = ", ".join(f"selftaught.train.{m}" for m in ("losses", "credit", "select", "optim"))
    code = f"import sys, {names}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
