import asyncio
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
import torch
from local_models import ARCHITECTURES, Adam, Ranked, Regressed, Weighted, example, make_folder, request

from selftaught.models.language.forward import runs_of
from selftaught.models.language.layout import lay_out
from selftaught.models.language.local import open_local
from selftaught.models.passes import OptimizerState, Pass
from selftaught.parts import BadInput
from selftaught.stages import Objective
from selftaught.types import Example, ScoreRequest


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {name: make_folder(tmp_path_factory.mktemp(name), name) for name in ARCHITECTURES}


def learn(model, examples, *objectives):
    return asyncio.run(model.learn(examples, objectives))


def gradient(model, examples, losses, tokens=2048):
    """The learner's gradient, flat, without a step."""
    group = [Objective(loss=loss, optimizer=Adam(), weight=weight) for loss, weight in losses]
    model.trainer.heads.make(n for o in group for n in o.loss.needs if n in model.trainer.heads.sizes)
    one = Pass(model.trainer.learner, group, Adam(), "policy", OptimizerState(), tokens)
    one.gradient(examples)
    return torch.cat([p.grad.flatten() for p in model.trainer.weights.parameters().values()])


def state(model, name="policy"):
    return {key: tensor.clone() for key, tensor in model.trainer.weights.state(name).items()}


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[k].view(torch.int32), b[k].view(torch.int32)) for k in a)


def naive_outputs(model, payload):
    """Log-probabilities and entropies f32[T] of one sequence through transformers' own forward."""
    ids_T = torch.tensor(payload.ids.astype(np.int64))
    logp_T_V = model.trainer.module(ids_T[None], use_cache=False).logits[0].float().log_softmax(-1)[:-1]
    zero, sampled_T = torch.zeros(1), torch.tensor(payload.sampled)
    logprobs_T = torch.cat([zero, logp_T_V.gather(-1, ids_T[1:, None])[:, 0]])
    entropy_T = torch.cat([zero, -(logp_T_V.exp() * logp_T_V).sum(-1)])
    return torch.where(sampled_T, logprobs_T, 0.0), torch.where(sampled_T, entropy_T, 0.0)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_gradient_is_that_of_naive_separate_forwards(folders, name):
    model, rng = open_local(folders[name], device="cpu"), np.random.default_rng(0)
    examples = [example(rng, lengths) for lengths in ((12, 9), (30, 17), (5, 2), (1, 11))]
    found = gradient(model, examples, [(Weighted(), 1.0), (Ranked(), 0.5)])
    total = torch.zeros(())
    for e in examples:
        outputs = [naive_outputs(model, payload) for payload in e.payloads]
        logprobs_N, weight_N = torch.cat([o[0] for o in outputs]), torch.tensor(e.streams["weight"])
        total = total - (logprobs_N * weight_N).sum() / Weighted().count(examples)
        chosen, rejected = ((logprobs_T + 0.1 * entropy_T).sum() for logprobs_T, entropy_T in outputs)
        total = total - 0.5 * torch.nn.functional.logsigmoid(0.1 * (chosen - rejected)) / len(examples)
    grads = torch.autograd.grad(total, list(model.trainer.weights.parameters().values()))
    wanted = torch.cat([g.flatten() for g in grads])
    assert (found - wanted).norm() <= 1e-4 * wanted.norm() and wanted.norm() > 0


@pytest.mark.parametrize(("tokens", "fast", "packed"), [(16, True, True), (64, True, True), (64, False, True), (64, False, False)])
def test_micro_batches_do_not_move_the_gradient(folders, tokens, fast, packed):
    model, rng = open_local(folders["llama"], device="cpu"), np.random.default_rng(1)
    examples = [example(rng, rng.integers(2, 30, 2)) for _ in range(9)]
    losses = [(Weighted(), 1.0), (Ranked(), 2.0), (Regressed(), 0.1)]
    one = gradient(model, examples, losses)
    other = open_local(folders["llama"], device="cpu", fast=fast)
    other.trainer.forward.packed, other.trainer.forward.sharing = packed, packed
    many = gradient(other, examples, losses, tokens)
    assert (one - many).norm() <= 1e-5 * one.norm()


def test_rows_are_even_and_hold_each_sequence_once():
    sequences = [np.full(n, i, np.int32) for i, n in enumerate((700, 3, 500, 40, 300, 300, 9))]
    (rows,) = lay_out(sequences, packed=True, sharing=False)
    assert sorted(rows.items_M) == list(range(1852)) and rows.ids_B_T.shape == (3, 700) and rows.seen_B_T_T is None
    assert rows.ids_B_T.flatten()[rows.spots_M].tolist() == np.concatenate(sequences)[rows.items_M].tolist()
    short = [np.arange(n, dtype=np.int32) for n in (2, 3, 2)]
    assert [rows.ids_B_T.shape for rows in lay_out(short, packed=False, sharing=False)] == [(2, 2), (1, 3)]
    assert list(runs_of([np.full(n, n, np.int32) for n in (5, 6, 30, 1)], 11)) == [[0, 1], [2], [3]]


def test_a_beginning_that_is_shared_stands_there_once_and_is_seen_by_its_own():
    prompt, other = [1, 2, 3, 4], [9, 8, 7]
    sequences = [
        np.array(ids, np.int32) for ids in (prompt + [5, 6], other + [1], prompt + [5, 7, 8], prompt, other + [2], prompt + [5, 6])
    ]
    (rows,) = lay_out(sequences, packed=True, sharing=True)
    assert (rows.ids_B_T != 0).sum() == 4 + 1 + 1 + 2 + 3 + 2
    starts, ids_B_T, width = np.cumsum([0, *map(len, sequences)]), rows.ids_B_T.flatten(), rows.ids_B_T.shape[1]
    spots = dict(zip(rows.items_M.tolist(), rows.spots_M.tolist(), strict=True))
    for sequence, start in zip(sequences, starts, strict=False):
        path = [spots[start + t] for t in range(len(sequence))]
        assert ids_B_T[path].tolist() == sequence.tolist() and rows.at_B_T.flatten()[path].tolist() == list(range(len(path)))
        for t, spot in enumerate(path):
            seen = rows.seen_B_T_T[spot // width, spot % width].nonzero()[0] + spot // width * width
            assert seen.tolist() == sorted(path[: t + 1])
    assert sum(map(len, runs_of(sequences, 100))) == 6
    assert list(runs_of([sequences[0], sequences[2], sequences[5]], 8)) == [[0, 1], [2]]


@pytest.mark.parametrize("name", ["llama", "qwen3"])
@pytest.mark.parametrize("fast", [True, False])
def test_groups_with_one_prompt_learn_as_if_apart(folders, name, fast):
    model, rng = open_local(folders[name], device="cpu", fast=fast), np.random.default_rng(4)
    assert model.trainer.forward.sharing and (model.sampler.decoder is not None) == fast
    examples = []
    for prompt in rng.integers(6, 100, (3, 14)):
        for n in rng.integers(3, 12, 5):
            alone = example(rng, (14 + n,))
            alone.payloads[0].ids[:14] = prompt
            examples.append(alone)
    apart = open_local(folders[name], device="cpu", fast=False)
    apart.trainer.forward.packed = apart.trainer.forward.sharing = False
    together, one_by_one = (gradient(m, examples, [(Weighted(), 1.0)]) for m in (model, apart))
    assert (together - one_by_one).norm() <= 1e-5 * one_by_one.norm() and one_by_one.norm() > 0


def test_learning_raises_what_is_rewarded_and_start_stays(folders):
    model, rng = open_local(folders["qwen3"], device="cpu"), np.random.default_rng(2)
    rewarded = example(rng, (20,))
    rewarded.streams["weight"][:] = rewarded.payloads[0].sampled
    asked = [ScoreRequest(key=w, payload=rewarded.payloads[0], weights=w) for w in ("policy", "start")]
    before = asyncio.run(model.score(asked))
    first, begun = learn(model, [rewarded], Objective(loss=Weighted(), optimizer=Adam())), state(model, "start")
    for _ in range(5):
        last = learn(model, [rewarded], Objective(loss=Weighted(), optimizer=Adam()))
    assert last["loss/weighted"] < first["loss/weighted"] and first["tokens"] == 20 and first["grad_norm"] > 0
    after = asyncio.run(model.score(asked))
    assert after[0]["logprobs"].sum() > before[0]["logprobs"].sum()
    np.testing.assert_array_equal(after[1]["logprobs"], before[1]["logprobs"])
    assert same(begun, state(model, "start")) and not same(begun, state(model))
    with pytest.raises(BadInput, match="frozen"):
        learn(model, [rewarded], Objective(loss=Weighted(), optimizer=Adam(), updates=("start",)))
    assert asyncio.run(model.publish()) == model.generation == 1


@pytest.mark.parametrize("adapter", ["", "lora"])
def test_a_rate_of_zero_changes_no_bit(folders, adapter):
    model, rng = open_local(folders["llama"], device="cpu", adapter=adapter), np.random.default_rng(3)
    with torch.no_grad():
        next(iter(model.trainer.weights.parameters().values()))[0, 0] = -0.0
    before = state(model)
    metrics = learn(model, [example(rng, (9, 8))], Objective(loss=Ranked(), optimizer=Adam(lr=0.0, weight_decay=0.1)))
    assert same(before, state(model)) and metrics["loss/ranked"] > 0


def test_equal_optimizers_share_steps_and_clip_warm_up_and_repeat(folders):
    rng = np.random.default_rng(4)
    examples = [example(rng, (12, 9)) for _ in range(6)]
    model = open_local(folders["llama"], device="cpu")
    two = [
        Objective(loss=Weighted(), optimizer=Adam(epochs=2, minibatches=3)),
        Objective(loss=Ranked(), optimizer=Adam(epochs=2, minibatches=3)),
    ]
    metrics = learn(model, examples, *two)
    assert [s.steps for s in model.trainer.learner.states.values()] == [6] and metrics["tokens"] == 2 * 6 * 21
    apart = learn(model, examples, two[0], replace(two[1], optimizer=Adam(lr=1e-3)))
    assert sorted(s.steps for s in model.trainer.learner.states.values()) == [2 - 1, 12] and apart["tokens"] == 3 * 6 * 21
    moved = []
    for optimizer in (Adam(weight_decay=0.0), Adam(warmup=10)):
        model = open_local(folders["llama"], device="cpu")
        before = state(model)
        learn(model, examples, Objective(loss=Weighted(), optimizer=optimizer))
        moved.append(max(float((a - b).abs().max()) for a, b in zip(before.values(), state(model).values(), strict=True)))
    assert moved[0] == pytest.approx(1e-2, rel=0.05) and moved[1] == pytest.approx(1e-3, rel=0.05)


def test_a_value_head_learns_without_moving_the_policy(folders):
    model, rng = open_local(folders["gpt2"], device="cpu"), np.random.default_rng(5)
    given = example(rng, (15,))
    given.streams["weight"][:] = 0.7
    # a head that was made for a score learns like any other
    asyncio.run(model.score([ScoreRequest(key="v", payload=given.payloads[0], outputs=("value",))]))
    before = state(model)
    objective = Objective(loss=Regressed(), optimizer=Adam(lr=3e-2), updates=("value",))
    losses = [learn(model, [given], objective)["loss/regressed"] for _ in range(30)]
    assert same(before, state(model)) and losses[-1] < 0.1 * losses[0]
    (score,) = asyncio.run(model.score([ScoreRequest(key="v", payload=given.payloads[0], outputs=("value", "logprobs"))]))
    assert score["value"].shape == (15,) and abs(score["value"].mean() - 0.7) < 0.2
    both = [Objective(loss=Weighted(), optimizer=Adam()), replace(objective, optimizer=Adam(), updates=("policy", "value"))]
    learn(model, [given], *both)
    assert not same(before, state(model))


def test_the_gap_between_sampler_and_learner_is_reported(folders):
    model = open_local(folders["gemma2"], device="cpu")
    ((*attempts,),) = asyncio.run(model.sample([request("k", n=5, max_tokens=12)]))
    examples = [
        Example(payloads=(a.payload,), streams={"weight": a.payload.sampled.astype(np.float32), "sampler_logprobs": a.payload.logprobs})
        for a in attempts
    ]
    metrics = learn(model, examples, Objective(loss=Weighted(), optimizer=Adam(epochs=2)))
    assert 0 <= metrics["logprob_gap"] <= metrics["logprob_gap_max"] < 1e-4


def test_averages_and_other_names(folders):
    model, rng = open_local(folders["llama"], device="cpu"), np.random.default_rng(6)
    examples = [example(rng, (12,))]
    asyncio.run(model.average("policy", "ema", 0.9))
    old = state(model, "ema")
    assert same(old, state(model))
    learn(model, examples, Objective(loss=Weighted(), optimizer=Adam()))
    asyncio.run(model.average("policy", "ema", 0.75))
    for key, tensor in state(model, "ema").items():
        torch.testing.assert_close(tensor, 0.75 * old[key] + 0.25 * state(model)[key])
    policy = state(model)
    learn(model, examples, Objective(loss=Weighted(), optimizer=Adam(), updates=("judge",)))
    assert same(policy, state(model)) and not same(policy, state(model, "judge"))
    asked = [ScoreRequest(key=n, payload=examples[0].payloads[0], weights=n) for n in ("policy", "ema", "start", "judge")]
    assert len({round(float(s["logprobs"].sum()), 4) for s in asyncio.run(model.score(asked))}) == 4
    with pytest.raises(BadInput, match="one set of weights"):
        learn(model, examples, Objective(loss=Weighted(), optimizer=Adam(), updates=("policy", "judge")))


@dataclass(frozen=True, kw_only=True)
class Impossible(Weighted):
    needs: ClassVar[tuple[str, ...]] = ("prediction",)


def test_what_cannot_be_learned_is_said_in_one_line(folders):
    model, rng = open_local(folders["llama"], device="cpu"), np.random.default_rng(7)
    one = example(rng, (5,))
    cases = [([one], Impossible(), "gives no 'prediction'"), ([replace(one, streams={})], Regressed(), "lacks"),
             ([replace(one, payloads=(np.zeros((2, 2)),))], Regressed(), "learns from tokens")]  # fmt: skip
    for examples, loss, words in cases:
        with pytest.raises(BadInput, match=words):
            learn(model, examples, Objective(loss=loss, optimizer=Adam()))
    with pytest.raises(BadInput, match="gives no 'valu'"):
        asyncio.run(model.score([ScoreRequest(key="s", payload=one.payloads[0], outputs=("valu",))]))
