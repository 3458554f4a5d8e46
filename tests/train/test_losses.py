import math
import pickle

import numpy as np
import pytest
import torch

from selftaught.parts import BadInput
from selftaught.payloads.graph import Graph
from selftaught.payloads.rows import Rows
from selftaught.train import DPO, NLL, AdamW, LatentRegression, PolicyGradient, ScaledCosine, ValueRegression
from selftaught.types import Example

LOSSES = [
    NLL(),
    NLL(per="sequence"),
    PolicyGradient(),
    PolicyGradient(per="sequence", kl=0.1),
    PolicyGradient(kl=0.1, kl_ratio=False),
    PolicyGradient(per="constant", max_tokens=7, clip=0.1, clip_high=0.3),
    PolicyGradient(importance="sequence", per="sequence", kl=0.1),
    DPO(),
    DPO(variant="ipo"),
    DPO(variant="hinge"),
    ValueRegression(),
]


def outputs(loss, examples, seed=1):
    rng = np.random.default_rng(seed)
    return {loss.needs[0]: [rng.normal(-1, 0.5, sum(len(p) for p in e.payloads)) for e in examples]}


def naive(loss, e, lp):
    """Sum-over-one-example and its share of the denominator, by loops over items."""
    s = e.streams
    if isinstance(loss, ValueRegression):
        pairs = [(v, t) for v, t, m in zip(lp, s["value_target"], s["mask"], strict=True) if m]
        return sum((v - t) ** 2 for v, t in pairs), len(pairs)
    if isinstance(loss, NLL):
        terms = [-w * x for w, x in zip(s["weight"], lp, strict=True) if w]
        return (sum(terms), len(terms)) if loss.per == "token" else (sum(terms) / len(terms), 1)
    if isinstance(loss, DPO):
        cut, sides = len(e.payloads[0]), []
        for part in (slice(0, cut), slice(cut, None)):
            gains = [x - y for x, y, m in zip(lp[part], s["start_logprobs"][part], s["mask"][part], strict=True) if m]
            sides.append(sum(gains) / (len(gains) if loss.variant == "ipo" else 1))
        d = sides[0] - sides[1]
        if loss.variant == "ipo":
            return (d - 1 / (2 * loss.beta)) ** 2, 1
        return (math.log(1 + math.exp(-loss.beta * d)) if loss.variant == "sigmoid" else max(0, 1 - loss.beta * d)), 1
    items = [i for i in range(len(lp)) if s["mask"][i]]
    logs = [lp[i] - float(s["sampler_logprobs"][i]) for i in items]
    if loss.importance == "sequence":
        logs = [sum(logs) / len(logs)] * len(logs)
    high, total = loss.clip_high or loss.clip, 0.0
    for i, log in zip(items, logs, strict=True):
        r, a = math.exp(log), float(s["advantage"][i])
        total -= min(r * a, min(max(r, 1 - loss.clip), 1 + high) * a)
        if loss.kl:
            diff = float(s["start_logprobs"][i]) - lp[i]
            total += loss.kl * (math.exp(diff) - diff - 1) * (r if loss.kl_ratio else 1)
    return {"token": (total, len(items)), "sequence": (total / len(items), 1), "constant": (total, loss.max_tokens)}[loss.per]


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_equals_naive_loop_and_micro_batches_do_not_matter(loss, make):
    examples = make.random_examples(7, loss.reads, payloads=2 if isinstance(loss, DPO) else 1)
    out = outputs(loss, examples)
    (name, arrays), count = next(iter(out.items())), loss.count(examples)
    sums, shares = zip(*(naive(loss, e, x) for e, x in zip(examples, arrays, strict=True)), strict=True)
    assert count == sum(shares)
    whole = loss(make.batch(examples, out))
    assert whole.shape == () and whole.item() == pytest.approx(sum(sums), rel=1e-10)
    split = sum(loss(make.batch(examples[a:b], {name: arrays[a:b]})) for a, b in ((0, 1), (1, 4), (4, 7)))
    assert split.item() == pytest.approx(whole.item(), rel=1e-12)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_gradient_is_right_and_untrained_items_may_hold_anything(loss, make):
    examples = make.random_examples(3, loss.reads, payloads=2 if isinstance(loss, DPO) else 1, seed=3)
    batch = make.batch(examples, outputs(loss, examples))
    name, mask = loss.needs[0], batch[next(k for k in ("weight", "mask") if k in batch)] != 0
    leaf = batch[name].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: loss({**batch, name: x}), leaf)
    wild = torch.where(mask, batch[name], -torch.inf).requires_grad_()
    loss({**batch, name: wild}).backward()
    assert wild.grad.isfinite().all() and (wild.grad[~mask] == 0).all() and (wild.grad[mask] != 0).any()


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_nothing_trained_is_zero_with_a_count_above_zero(loss, make):
    examples = make.random_examples(2, loss.reads, payloads=2 if isinstance(loss, DPO) else 1)
    examples = [Example(payloads=e.payloads, streams={k: v * 0 for k, v in e.streams.items()}) for e in examples]
    batch = make.batch(examples, outputs(loss, examples))
    batch[loss.needs[0]].requires_grad_()
    value = loss(batch)
    value.backward()
    assert loss.count(examples) >= 1 and loss.count([]) >= 1
    assert (batch[loss.needs[0]].grad == 0).all() and value.isfinite()


def test_nll_hand_numbers(make):
    e = [Example(payloads=(make.tokens(1, 2),), streams={"weight": np.array(w, np.float32)}) for w in ([0, 1, 1], [0, 0, 2])]
    batch = make.batch(e, {"logprobs": [[-9, -1, -3], [-9, -9, -2]]})
    assert NLL()(batch).item() / NLL().count(e) == pytest.approx((1 + 3 + 4) / 3)
    assert NLL(per="sequence")(batch).item() / NLL(per="sequence").count(e) == pytest.approx((2 + 4) / 2)


def test_policy_gradient_hand_numbers(make):
    streams = {"advantage": [0, 1, 1, -1, -1], "mask": [0, 1, 1, 1, 1], "sampler_logprobs": [0] * 5, "start_logprobs": [0] * 5}
    e = [Example(payloads=(make.tokens(1, 4),), streams={k: np.array(v, np.float32) for k, v in streams.items()})]
    logprobs = np.log([0.3, 1.5, 0.5, 1.5, 0.5])
    batch = make.batch(e, {"logprobs": [logprobs]})
    assert PolicyGradient(clip=0.2)(batch).item() == pytest.approx(-(1.2 + 0.5 - 1.5 - 0.8))
    assert PolicyGradient(clip=0.2, clip_high=0.4)(batch).item() == pytest.approx(-(1.4 + 0.5 - 1.5 - 0.8))
    k3 = sum(1 / r - math.log(1 / r) - 1 for r in (1.5, 0.5, 1.5, 0.5))
    corrected = sum(1 + r * math.log(r) - r for r in (1.5, 0.5, 1.5, 0.5))
    assert PolicyGradient(clip=0.2, kl=0.5)(batch).item() == pytest.approx(-(1.2 + 0.5 - 1.5 - 0.8) + 0.5 * corrected)
    assert PolicyGradient(clip=0.2, kl=0.5, kl_ratio=False)(batch).item() == pytest.approx(-(1.2 + 0.5 - 1.5 - 0.8) + 0.5 * k3)
    mean = (1.5 * 0.5) ** 0.5
    assert PolicyGradient(clip=0.5, importance="sequence")(batch).item() == pytest.approx(-(2 * mean - 2 * mean))


def test_on_policy_gradient_is_reinforce(make):
    examples = make.random_examples(3, ("advantage", "mask", "sampler_logprobs"))
    batch = make.batch(examples, {"logprobs": [e.streams["sampler_logprobs"] for e in examples]})
    batch["logprobs"].requires_grad_()
    PolicyGradient()(batch).backward()
    torch.testing.assert_close(batch["logprobs"].grad, -batch["advantage"] * batch["mask"])


def test_dpo_at_the_start_is_log_two_and_never_overflows(make):
    e = make.random_examples(2, ("mask", "start_logprobs"), payloads=2)
    start = [x.streams["start_logprobs"] for x in e]
    assert DPO()(make.batch(e, {"logprobs": start})).item() / 2 == pytest.approx(math.log(2))
    far = make.batch(e, {"logprobs": [s - 1e5 * (np.arange(len(s)) < len(x.payloads[0])) for s, x in zip(start, e, strict=True)]})
    far["logprobs"].requires_grad_()
    value = DPO()(far)
    value.backward()
    assert value.isfinite() and far["logprobs"].grad.isfinite().all() and far["logprobs"].grad.abs().max() == pytest.approx(0.1)
    with pytest.raises(ValueError, match="two payloads"):
        DPO().count(make.random_examples(1, ("mask", "start_logprobs")))


def test_latent_regression_hand_numbers_and_target_gets_no_gradient():
    rows = Rows(values=np.zeros((2, 3), np.float32), mask=np.zeros((2, 3), bool))
    prediction = torch.tensor([[1.0, 2.0], [0.0, 0.0]], requires_grad=True)
    target = torch.tensor([[1.0, 0.0], [3.0, 1.0]], requires_grad=True)
    value = LatentRegression()({"prediction": prediction, "target": target})
    value.backward()
    assert value.item() == pytest.approx(2 + 5) and target.grad is None
    assert LatentRegression().count([Example(payloads=(rows,), streams={})] * 3) == 6
    with pytest.raises(ValueError, match="differ in shape"):
        LatentRegression()({"prediction": prediction, "target": target[:1]})


def test_scaled_cosine_hand_numbers():
    target = torch.tensor([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0], [0.0, 0.0]], requires_grad=True)
    # the same direction, at a right angle, 45 degrees off, and nothing to be right about: cosines 1, 0, 0.7071, 0
    prediction = torch.tensor([[7.0, 0.0], [3.0, 0.0], [0.0, 5.0], [1.0, 2.0]], requires_grad=True)
    for gamma, angle in ((1, 0.2928932), (3, 0.0251263)):
        assert ScaledCosine(gamma=gamma)({"prediction": prediction, "target": target}).item() == pytest.approx(0 + 1 + angle + 1)
    value = ScaledCosine(gamma=1.5)({"prediction": prediction, "target": target})
    value.backward()
    assert target.grad is None and prediction.grad.isfinite().all()
    longer = ScaledCosine()({"prediction": 10 * prediction, "target": 3 * target})
    assert longer.item() == pytest.approx(ScaledCosine()({"prediction": prediction, "target": target}).item())
    opposite = ScaledCosine(gamma=2)({"prediction": -target, "target": target})
    assert opposite.item() == pytest.approx(3 * 2**2 + 1)
    graph = Graph.whole(np.eye(6, dtype=np.float32), np.zeros((2, 0), np.int32))
    views = [Example(payloads=(graph.hiding(0.5, 0, np.random.default_rng(0)),), streams={})] * 2
    assert ScaledCosine().count(views) == 6 and ScaledCosine().count([Example(payloads=(graph,), streams={})]) == 1
    with pytest.raises(ValueError, match="differ in shape"):
        ScaledCosine()({"prediction": prediction, "target": target[:1]})
    with pytest.raises(BadInput, match="gamma"):
        ScaledCosine(gamma=0.5)


def test_start_logprobs_are_read_only_with_a_penalty():
    assert "start_logprobs" not in PolicyGradient().reads and "start_logprobs" in PolicyGradient(kl=0.01).reads


@pytest.mark.parametrize("part", [*LOSSES, LatentRegression(), AdamW()], ids=repr)
def test_pickles(part):
    assert pickle.loads(pickle.dumps(part)) == part


@pytest.mark.parametrize(
    "cls,options",
    [
        (NLL, {"per": "word"}),
        (PolicyGradient, {"clip": 0}),
        (PolicyGradient, {"clip": math.nan}),
        (PolicyGradient, {"clip_high": -1}),
        (PolicyGradient, {"kl": -1}),
        (PolicyGradient, {"per": "constant"}),
        (PolicyGradient, {"max_tokens": 5}),
        (PolicyGradient, {"per": "x"}),
        (PolicyGradient, {"importance": "x"}),
        (DPO, {"beta": 0}),
        (DPO, {"variant": "x"}),
        (AdamW, {"lr": -1}),
        (AdamW, {"betas": (0.9, 1.0)}),
        (AdamW, {"max_norm": 0}),
        (AdamW, {"epochs": 0}),
        (AdamW, {"warmup": -1}),
    ],
)
def test_bad_values_are_refused(cls, options):
    with pytest.raises(BadInput):
        cls(**options)


def test_rate_rises_then_falls():
    optimizer = AdamW(lr=1.0, warmup=2, decay=4)
    assert [optimizer.rate(step) for step in range(1, 9)] == [0.5, 1.0, 1.0, 0.75, 0.5, 0.25, 0.0, 0.0]
    assert [AdamW(lr=1.0).rate(step) for step in (1, 1000)] == [1.0, 1.0]
