"""Outputs with arguments: the likeliest tokens, one vector a sequence, ids in a stream; and a loss that reads [T,K]."""

import asyncio
import math

import numpy as np
import pytest
import torch
from local_models import Adam, make_folder, request

from selftaught.models.language.local import open_local
from selftaught.models.outputs import capability, parse_output
from selftaught.parts import BadInput
from selftaught.run.journal import decode, encode
from selftaught.stages import Objective
from selftaught.train import TopDistillation
from selftaught.types import Example, ScoreRequest, Tokens

K = 5


@pytest.fixture(scope="module", params=[True, False], ids=["fast", "module"])
def model(request, tmp_path_factory):
    return open_local(make_folder(tmp_path_factory.mktemp("llama"), "llama"), device="cpu", fast=request.param)


def payload(seed, n=17):
    ids_T = np.random.default_rng(seed).integers(6, 100, n).astype(np.int32)
    return Tokens(ids=ids_T, sampled=np.arange(n) >= 6, logprobs=np.zeros(n, np.float32))


def score(model, *requests):
    return asyncio.run(model.score(requests))


def rows(model, tokens):
    """(f[T,V] log-probabilities, f[T,H] hidden states) after each token, by the module itself."""
    with torch.no_grad():
        found = model.trainer.module(torch.tensor(tokens.ids[None].astype(np.int64)), use_cache=False, output_hidden_states=True)
    return found.logits[0].float().log_softmax(-1), found.hidden_states[-1][0]


def test_the_likeliest_and_one_vector_a_sequence(model):
    tokens, names = payload(0), ("top:5", "hidden:mean", "hidden:last", "logprobs")
    less = ScoreRequest(key="b", payload=payload(1, 9), outputs=("top:2",))
    own, other = score(model, ScoreRequest(key="a", payload=tokens, outputs=names, start=6), less)
    logp_T_V, hidden_T_H = rows(model, tokens)
    largest = logp_T_V[5:-1].topk(K, -1)
    assert own["top:5"].shape == (17, K) and own["top:5/ids"].dtype == np.int32 and other["top:2"].shape == (9, 2)
    np.testing.assert_allclose(own["top:5"][6:], largest.values, atol=1e-4)
    assert np.array_equal(own["top:5/ids"][6:], largest.indices) and not own["top:5"][:6].any() and not own["top:5/ids"][:6].any()
    np.testing.assert_allclose(own["hidden:mean"], hidden_T_H[6:].mean(0), atol=1e-4)
    np.testing.assert_allclose(own["hidden:last"], hidden_T_H[-1], atol=1e-4)
    [alone] = score(model, ScoreRequest(key="a", payload=tokens, start=6))
    np.testing.assert_allclose(own["logprobs"][6:], alone["logprobs"][6:], atol=1e-5)
    assert set(own) == {*names, "top:5/ids"} and all(values.ndim == 2 for name, values in own.items() if "top" in name)
    small = encode({name: own[name] for name in ("hidden:mean", "hidden:last")})
    assert len(small) < len(encode({"hidden": hidden_T_H.numpy()})) / 5
    back = decode(encode(own))
    assert all(np.array_equal(back[name], own[name]) and back[name].dtype == own[name].dtype for name in own)


def test_what_is_remembered_of_an_attempt_is_pooled_alike(model):
    ((attempt,),) = asyncio.run(model.sample([request("k", max_tokens=8, remember=True)]))
    opened = attempt.payload.opened
    asked = [
        ScoreRequest(key=f"s{i}", payload=attempt.payload, outputs=("hidden:mean", "hidden:last"), attempt=name, start=opened)
        for i, name in enumerate((attempt.id, ""))
    ]
    held, computed = score(model, *asked)
    for name in ("hidden:mean", "hidden:last"):
        assert held[name].ndim == 1
        np.testing.assert_allclose(held[name], computed[name], atol=1e-4)


def test_names_that_are_none_are_refused(model):
    for name, words in (
        ("top:0", "from 1 to"), ("top", "write top:K"), ("hidden:meen", "did you mean 'mean'"), ("entropy:3", "takes no argument"),
        ("value:3", "takes no argument"), ("entropy@x", "for losses"), ("logprobs@x", "for losses"), ("pride", "gives no 'pride'"),
    ):  # fmt: skip
        with pytest.raises(BadInput, match=words):
            score(model, ScoreRequest(key="k", payload=payload(0), outputs=(name,)))
    assert [capability(name) for name in ("top:3", "logprobs@x", "hidden:mean", "value")] == ["logits", "logits", "hidden", "value"]
    assert parse_output("top:20").largest == 20


def test_top_distillation_by_hand():
    third, half = math.log(1 / 3), math.log(0.5)
    batch = {
        "mask": torch.tensor([1.0, 0.0, 1.0]),
        "teacher_logprobs": torch.tensor([[half, math.log(0.25)], [9.0, 9.0], [0.0, -math.inf]]),
        "logprobs@teacher_ids": torch.tensor([[third, third], [-math.inf, 0.0], [math.log(0.8), math.log(0.1)]], requires_grad=True),
    }
    dropped = 0.5 * (half - third) + 0.25 * (math.log(0.25) - third) - math.log(0.8)
    loss = TopDistillation()(batch)
    assert float(loss.detach()) == pytest.approx(dropped, abs=1e-6)
    loss.backward()
    np.testing.assert_allclose(batch["logprobs@teacher_ids"].grad, [[-0.5, -0.25], [0, 0], [-1, 0]], atol=1e-6)
    whole = float(TopDistillation(rest="bucket")(batch).detach())
    assert whole == pytest.approx(dropped + 0.25 * (math.log(0.25) - math.log(1 / 3)) + 1e-7 * (math.log(1e-7) - math.log(0.2)), abs=1e-5)
    same = {**batch, "logprobs@teacher_ids": batch["teacher_logprobs"]}
    assert float(TopDistillation(rest="bucket")(same)) == pytest.approx(0, abs=1e-6)
    with pytest.raises(BadInput, match="rest"):
        TopDistillation(rest="lump")


def taught(model, seeds, top=K):
    """Examples with what another model finds likeliest."""
    tokens = [payload(seed, 12 + seed) for seed in seeds]
    replies = score(model, *(ScoreRequest(key=str(i), payload=p, outputs=(f"top:{top}",), start=6) for i, p in enumerate(tokens)))
    return [
        Example(
            payloads=(p,), attempt=str(i),
            streams={"teacher_ids": r[f"top:{top}/ids"], "teacher_logprobs": r[f"top:{top}"], "mask": p.sampled.astype(np.float32)},
        )
        for i, (p, r) in enumerate(zip(tokens, replies, strict=True))
    ]  # fmt: skip


@pytest.mark.parametrize("fast", [True, False])
def test_streams_of_many_columns_reach_the_loss_in_any_micro_batch(tmp_path, fast):
    teacher = open_local(make_folder(tmp_path / "wide", "llama", width=64), device="cpu")
    examples, found = taught(teacher, range(5)), []
    for tokens in (10_000, 14):
        student = open_local(make_folder(tmp_path / "llama", "llama"), device="cpu", fast=fast)
        student.trainer.max_tokens = tokens
        objective = Objective(loss=TopDistillation(), optimizer=Adam(lr=1e-2))
        metrics = asyncio.run(student.learn(examples, [objective]))
        found.append((metrics["loss/top-distillation"], metrics["grad_norm"]))
    np.testing.assert_allclose(*found, rtol=1e-4)
    fresh = open_local(tmp_path / "llama", device="cpu")
    total, items = 0.0, 0
    for e in examples:
        student_T_V, teacher_T_V = (rows(m, e.payloads[0])[0] for m in (fresh, teacher))
        for t in np.flatnonzero(e.streams["mask"]):
            for k in e.streams["teacher_ids"][t]:
                log_t, log_s = float(teacher_T_V[t - 1, k]), float(student_T_V[t - 1, k])
                total += math.exp(log_t) * (log_t - log_s)
            items += 1
    assert found[0][0] == pytest.approx(total / items, rel=1e-3)


def test_a_student_comes_to_say_what_its_teacher_says(tmp_path):
    teacher = open_local(make_folder(tmp_path / "wide", "llama", width=64), device="cpu")
    student = open_local(make_folder(tmp_path / "llama", "llama"), device="cpu")
    examples, objective = taught(teacher, range(4)), Objective(loss=TopDistillation(rest="bucket"), optimizer=Adam(lr=3e-3))
    losses = [asyncio.run(student.learn(examples, [objective]))["loss/top-distillation"] for _ in range(60)]
    assert losses[-1] < 0.1 * losses[0]
