"""The fast sampler and forward against their slow twins: the module's own forward with a cache."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest
import torch
from local_models import Adam, Weighted, example, make_folder, request
from transformers import AutoModelForCausalLM, LlamaConfig, MistralConfig, Qwen2Config

from selftaught.format import Format
from selftaught.models.language import draws, room
from selftaught.models.language.fast import Family
from selftaught.models.language.local import open_local
from selftaught.models.language.log_probabilities import picked
from selftaught.models.language.prefixes import Prefixes
from selftaught.models.learner import Pass
from selftaught.parts import BadInput
from selftaught.stages import Objective
from selftaught.types import Message, ScoreRequest

FAST = ("llama", "qwen3")
SMALL = dict(vocab_size=90, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {name: make_folder(tmp_path_factory.mktemp(name), name) for name in FAST}


def both(folder, **options):
    """The fast model and its slow twin."""
    fast, slow = (open_local(folder, device="cpu", fast=fast, **options) for fast in (True, False))
    assert fast.sampler.decoder is not None and slow.sampler.decoder is None
    return fast, slow


def sample(model, *requests):
    return asyncio.run(model.sample(requests))


def assert_equal(found, wanted, atol=2e-5):
    assert [len(group) for group in found] == [len(group) for group in wanted]
    for a, b in zip((a for group in found for a in group), (b for group in wanted for b in group), strict=True):
        assert a.payload.ids.tolist() == b.payload.ids.tolist() and (a.stop, a.id, a.fork) == (b.stop, b.id, b.fork)
        np.testing.assert_allclose(a.payload.logprobs, b.payload.logprobs, atol=atol)


def wave():
    return [
        request("a", "1+1=", n=9, max_tokens=40),
        request("b", "a longer question, 12*34", n=4, max_tokens=70, temperature=0.7),
        request("c", "x", n=3, max_tokens=5, top_p=0.8),
        request("d", "x", n=1, max_tokens=9, temperature=0.0),
        request("e", "stops early", n=6, max_tokens=60, stop=("e", "1", "=", "q")),
        request("long", "9" * 200, n=2),
        request("edge", "9" * 60, n=3, max_tokens=999),
    ]


@pytest.mark.parametrize("name", FAST)
@pytest.mark.parametrize("rows", [256, 5, 1])
def test_the_fast_sampler_draws_what_the_slow_one_draws(folders, name, rows):
    fast, slow = both(folders[name])
    fast.sampler.max_rows = rows
    assert_equal(sample(fast, *wave()), sample(slow, *wave()))


@pytest.mark.parametrize("name", FAST)
def test_steps_of_one_shape_draw_the_same(folders, name, monkeypatch):
    """What a CUDA graph replays, without a graph."""
    fast, slow = both(folders[name])
    monkeypatch.setattr("selftaught.models.language.decoder.SPAN", 7)
    monkeypatch.setattr(fast.sampler.decoder, "capture", lambda: lambda body: body)
    assert_equal(sample(fast, *wave()), sample(slow, *wave()))
    parents, twins = (sample(model, request("p", n=5, max_tokens=9))[0] for model in (fast, slow))
    for n in range(2):
        asked = [[request(f"{n}c{i}", messages=(), after=a, n=2, max_tokens=9) for i, a in enumerate(kept)] for kept in (parents, twins)]
        parents, twins = ([a for group in sample(m, *r) for a in group][:6] for m, r in zip((fast, slow), asked, strict=True))
        assert_equal([parents], [twins])


@pytest.mark.parametrize("name", FAST)
def test_continued_attempts_reuse_their_parents_prefix(folders, name, monkeypatch):
    fast, slow = both(folders[name])
    for model in (fast, slow):
        # a random model gives itself roles, and what is left of such an attempt without them is read anew
        model.asked_by(Format(template="{prompt}"))
    read = []
    hidden = fast.sampler.decoder.family.hidden
    monkeypatch.setattr(
        fast.sampler.decoder.family, "hidden", lambda packed, ids, at, attend: read.append(ids.shape) or hidden(packed, ids, at, attend)
    )
    roots = [request(f"r{i}", "q" * (3 * i + 1), n=2, max_tokens=4 + i) for i in range(5)]
    first, wanted = sample(fast, *roots), sample(slow, *roots)
    assert_equal(first, wanted)
    level, twins = [a for group in first for a in group], [a for group in wanted for a in group]
    # until somebody continues an attempt nothing is kept, so the first level is read whole
    assert not fast.sampler.decoder.prefixes.blocks
    for depth in range(3):
        read.clear()
        turn = (Message("user", "and?"),) if depth == 1 else ()

        def grown(parents, depth=depth, turn=turn):
            return [
                request(f"n{depth}-{i}", messages=turn, after=a, cut=len(a.payload) - (i % 3 == 2), n=1 + i % 3, max_tokens=3 + i % 4)
                for i, a in enumerate(parents)
            ]

        nodes = grown(level)
        if depth:
            held = [fast.sampler.decoder.prefixes.where[a.id].places[a.id] for a in level]
            assert all(len(a.payload) == len(place.ids) for a, place in zip(level, held, strict=True))
        found = sample(fast, *nodes)
        assert_equal(found, sample(slow, *grown(twins)))
        # what is new: the last token of the parent and the turn, not the whole context
        assert not depth or max(shape[1] for shape in read if len(shape) == 2) <= 2 + (len("and?") + 4 if turn else 0)
        level = [group[0] for group in found][:8]
        twins = [group[0] for group in sample(slow, *grown(twins))][:8]


@pytest.mark.parametrize("replayed", [False, True])
def test_what_was_computed_for_an_attempt_scores_it(folders, replayed, monkeypatch):
    fast, slow = both(folders["llama"], modules={"value": 1})
    for model in (fast, slow):
        model.trainer.heads.make(("value",))
    torch.nn.init.normal_(fast.trainer.heads["value"].weight)
    slow.trainer.heads["value"].load_state_dict(fast.trainer.heads["value"].state_dict())
    if replayed:
        monkeypatch.setattr("selftaught.models.language.decoder.SPAN", 7)
        monkeypatch.setattr(fast.sampler.decoder, "capture", lambda: lambda body: body)
    roots = [replace(r, remember=True) for r in wave() if r.key != "long"]
    first = [a for group in sample(fast, *roots) for a in group]
    grown = [request(f"n{i}", messages=(), after=a, cut=len(a.payload) - i % 2, max_tokens=3 + i) for i, a in enumerate(first[:8])]
    attempts = [*first, *(a for group in sample(fast, *grown) for a in group)]
    computed, outputs = [], fast.trainer.forward.outputs
    monkeypatch.setattr(fast.trainer.forward, "outputs", lambda ids, *given, **more: computed.extend(ids) or outputs(ids, *given, **more))

    def asked():
        return [
            ScoreRequest(key=a.id, payload=a.payload, outputs=("value", "hidden"), attempt=a.id, start=len(a.payload) - said(a))
            for a in attempts
        ]

    def said(attempt):
        return len(attempt.payload) - (attempt.fork or int((~attempt.payload.sampled).sum()))

    found, wanted = (asyncio.run(model.score(asked())) for model in (fast, slow))
    assert not computed
    for a, one, other in zip(attempts, found, wanted, strict=True):
        for name in ("value", "hidden"):
            assert one[name].shape == other[name].shape and not one[name][: -said(a)].any()
            np.testing.assert_allclose(one[name][-said(a) :], other[name][-said(a) :], rtol=1e-4, atol=2e-4)
    # other weights, other tokens, what was not sampled, and what was computed before the weights changed
    odd = replace(attempts[0].payload, ids=attempts[0].payload.ids[::-1].copy())
    asks = [
        replace(asked()[0], weights="start"), replace(asked()[0], payload=odd), replace(asked()[0], start=0),
        replace(asked()[0], outputs=("value", "logprobs")),
    ]  # fmt: skip
    for one in asks:
        computed.clear()
        asyncio.run(fast.score([one]))
        assert len(computed) == 1
    computed.clear()
    asyncio.run(fast.learn([example(np.random.default_rng(1), (20,))], [Objective(loss=Weighted(), optimizer=Adam(lr=0.1))]))
    computed.clear()
    asyncio.run(fast.score(asked()))
    assert len(computed) == len(attempts)


def test_prefixes_are_of_one_set_of_weights_and_forgotten_when_those_change(folders):
    fast, slow = both(folders["llama"])
    rng = np.random.default_rng(0)
    given = example(rng, (20,))
    for model in (fast, slow):
        asyncio.run(model.average("policy", "ema", 0.5))
        asyncio.run(model.learn([given], [Objective(loss=Weighted(), optimizer=Adam())]))
    (parents,), (twins,) = (sample(model, request("p", n=3, max_tokens=6)) for model in (fast, slow))
    for weights in ("ema", "start", "policy"):
        asked = [
            [request(f"{weights}{i}", messages=(), after=a, max_tokens=8, weights=weights) for i, a in enumerate(group)]
            for group in (parents, twins)
        ]
        assert_equal(sample(fast, *asked[0]), sample(slow, *asked[1]), atol=1e-3)
    for model in (fast, slow):
        asyncio.run(model.learn([given], [Objective(loss=Weighted(), optimizer=Adam())]))
    assert not fast.sampler.decoder.prefixes.blocks and not fast.trainer.fused.packs
    asked = [[request(f"after{i}", messages=(), after=a, max_tokens=8) for i, a in enumerate(group)] for group in (parents, twins)]
    # each has learned by itself, and Adam makes rounding of small gradients large
    assert_equal(sample(fast, *asked[0]), sample(slow, *asked[1]), atol=1e-3)


def test_attempts_of_one_token_are_continued(folders):
    fast, slow = both(folders["llama"])
    fast.sampler.decoder.prefixes.wanted = True
    (parents,), (twins,) = (sample(model, request("p", n=3, max_tokens=1)) for model in (fast, slow))
    asked = [[request(f"c{i}", messages=(), after=a, n=2, max_tokens=5) for i, a in enumerate(kept)] for kept in (parents, twins)]
    assert_equal(sample(fast, *asked[0]), sample(slow, *asked[1]))


@pytest.mark.parametrize("threads", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_batches_side_by_side_draw_the_same(folders, threads):
    fast, slow = both(folders["llama"])
    many = [request(f"m{i}", "q" * (i % 5 + 1), n=4, max_tokens=10 + i % 3) for i in range(24)]
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        found = sample(fast, *many)
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert_equal(found, sample(slow, *many))
    nodes = [
        [request(f"n{i}", messages=(), after=group[0], n=3, max_tokens=4) for i, group in enumerate(sample(m, *many))] for m in (fast, slow)
    ]
    assert_equal(sample(fast, *nodes[0]), sample(slow, *nodes[1]))


def test_prefixes_stay_within_their_room(folders):
    fast, slow = both(folders["llama"])
    fast.sampler.decoder.prefixes = Prefixes(2, room=60_000)
    fast.sampler.decoder.prefixes.wanted = True
    parents, twins = ([], [])
    for i in range(6):
        for model, kept in ((fast, parents), (slow, twins)):
            kept += sample(model, request(f"p{i}", n=4, max_tokens=12))[0]
    held = fast.sampler.decoder.prefixes
    assert 0 < held.size <= 60_000 and held.size == sum(block.size for block in held.blocks) and set(held.where) < {a.id for a in parents}
    asked = [[request(f"c{i}", messages=(), after=a, max_tokens=5) for i, a in enumerate(kept)] for kept in (parents, twins)]
    assert_equal(sample(fast, *asked[0]), sample(slow, *asked[1]))


def test_an_adapter_is_merged_for_sampling_and_off_for_the_start(folders):
    fast, slow = both(folders["llama"], adapter="lora")
    given = example(np.random.default_rng(1), (20,))
    for model in (fast, slow):
        asyncio.run(model.learn([given], [Objective(loss=Weighted(), optimizer=Adam(lr=0.1))]))
    asked = [request(f"{w}{i}", "1+1=", n=4, max_tokens=20, weights=w) for i, w in enumerate(("policy", "start"))]
    found = sample(fast, *asked)
    assert_equal(found, sample(slow, *asked), atol=1e-4)
    assert [a.text for a in found[0]] != [a.text for a in found[1]]


@pytest.mark.parametrize("name", FAST)
@pytest.mark.parametrize("minibatches", [1, 2])
def test_an_adapter_has_the_gradients_of_the_module_with_it(folders, name, minibatches, monkeypatch):
    rng, found = np.random.default_rng(1), []
    given = [example(rng, (20, 9)), example(rng, (31,))]

    def kept(of, adam):
        found[-1].append([p.grad.clone() for group in of.owned.values() for p in group])
        return 0.0

    monkeypatch.setattr(Pass, "step", kept)
    for dtype, fast in (("float32", False), ("float32", True), ("bfloat16", True)):
        model = open_local(folders[name], device="cpu", adapter="lora", dtype=dtype, fast=fast)
        torch.manual_seed(0)
        for p in model.trainer.weights.parameters().values():
            torch.nn.init.normal_(p, std=0.1)
        found.append([])
        computed = [] if fast else [None]
        if fast:
            hidden = model.trainer.forward.family.hidden
            monkeypatch.setattr(
                model.trainer.forward.family, "hidden", lambda *given, inner=hidden, to=computed: to.append(given) or inner(*given)
            )
        asyncio.run(model.learn(given, [Objective(loss=Weighted(), optimizer=Adam(minibatches=minibatches))]))
        assert computed
    for slow, fast, half in zip(*found, strict=True):
        assert len(slow) == 28 and all(float(one.abs().max()) > 0 for one in slow)
        for a, b, c in zip(slow, fast, half, strict=True):
            torch.testing.assert_close(b, a, rtol=1e-4, atol=1e-5 * float(a.abs().max()) + 1e-7)
            assert float((c - a).norm()) < 0.05 * float(a.norm())


def test_adapters_the_fast_forward_does_not_know_are_trained_through_the_module(folders):
    model = open_local(folders["llama"], device="cpu", adapter="lora")
    assert model.trainer.learner.outputs.fused().tensors()[0].requires_grad
    with torch.no_grad():
        assert not any(any(layer.adapters) for layer in model.trainer.learner.outputs.fused().layers)
    model.trainer.module.get_base_model().model.norm.weight.requires_grad_()
    assert model.trainer.learner.outputs.fused() is None


def test_a_large_head_is_made_ready_once_and_draws_the_same(folders, monkeypatch):
    monkeypatch.setattr("selftaught.models.language.packed.LARGE_HEAD", 1)
    fast, slow = both(folders["llama"])
    sizes, product = set(), torch.ops.mkldnn._linear_pointwise
    monkeypatch.setattr("selftaught.models.language.fast.by_ready", lambda x, w: sizes.add(len(x)) or product(x, w, None, "none", [], ""))
    assert_equal(sample(fast, *wave()), sample(slow, *wave()))
    assert fast.trainer.fused.packs["policy"].ready is not None and sizes <= {16, 32, 48, 64}
    # what is differentiated is the weight itself
    assert fast.trainer.learner.outputs.fused().ready is None and fast.trainer.learner.outputs.fused().leaves().ready is None
    monkeypatch.setattr("selftaught.models.language.packed.by_ready", lambda *_: torch.ops.mkldnn.no_such_product())
    fast.trainer.fused.forget()
    assert_equal(sample(fast, *wave()), sample(slow, *wave()))
    assert fast.trainer.fused.packs["policy"].ready is None


@pytest.mark.parametrize("size", [300, 1024])
def test_spans_of_a_vocabulary_give_the_token_of_a_running_sum(size, monkeypatch):
    generator = torch.Generator().manual_seed(0)
    uniform = torch.rand(400, generator=generator, dtype=torch.float64)
    uniform[:3] = torch.tensor([0.0, 0.5, 1 - 2**-53])
    mass = torch.cat([(spread * torch.randn(100, size, generator=generator)).softmax(-1) for spread in (0.1, 2, 10, 40)])
    mass[:, :150] = mass[:, -5:] = 0.0
    mass[5, 151:] = 0.0
    found = []
    for least in (1, 2**30):
        monkeypatch.setattr(draws, "LARGE_VOCABULARY", least)
        found.append(draws.inverse(mass, uniform))
        assert bool((mass.gather(-1, found[-1][:, None]) > 0).all())
    assert torch.equal(found[0][3:], found[1][3:]) and len(set(found[0].tolist())) > 50
    monkeypatch.setattr(draws, "LARGE_VOCABULARY", 1)
    assert int(draws.inverse(torch.full((1, size), torch.nan), uniform[:1])) < size


@pytest.mark.parametrize("config", [LlamaConfig, MistralConfig, Qwen2Config])
def test_known_families_equal_their_modules_and_changed_ones_are_refused(config):
    torch.manual_seed(0)
    given = config(**SMALL, **({"sliding_window": None} if config is MistralConfig else {}))
    module = AutoModelForCausalLM.from_config(given).eval()
    with torch.no_grad():
        for p in module.parameters():
            p.normal_(0, 0.3)
    assert Family.of(module) is not None
    inner = module.model.layers[1].mlp.forward
    module.model.layers[1].mlp.forward = lambda x: 1.01 * inner(x)
    assert Family.of(module) is None


def test_unknown_architectures_and_windows_are_refused():
    assert Family.of(AutoModelForCausalLM.from_config(MistralConfig(**SMALL, sliding_window=8))) is None
    assert Family.of(AutoModelForCausalLM.from_config(LlamaConfig(**SMALL, mlp_bias=True))) is None


def test_bfloat16_stays_within_rounding_of_float32(folders):
    exact = open_local(folders["llama"], device="cpu")
    half = open_local(folders["llama"], device="cpu", dtype="bfloat16")
    attempts = [a for group in sample(half, *wave()[:3]) for a in group]
    for model, mean in ((half, 5e-3), (exact, 2e-2)):
        scores = asyncio.run(model.score([ScoreRequest(key=a.id, payload=a.payload) for a in attempts]))
        gap = np.concatenate([np.abs(s["logprobs"] - a.payload.logprobs)[a.payload.sampled] for s, a in zip(scores, attempts, strict=True)])
        assert 0 < gap.mean() < mean
    assert all(p.dtype == torch.float32 for p in half.trainer.module.parameters())
    with pytest.raises(BadInput, match="unknown dtype 'half'"):
        open_local(folders["llama"], device="cpu", dtype="half")


def test_bfloat16_products_come_in_few_sizes_and_what_is_added_changes_nothing(folders, monkeypatch):
    cpu = torch.device("cpu")
    learned = [room.product_rows(n, torch.bfloat16, cpu) for n in range(1, 2305)]
    assert len(set(learned)) == 9 and all(n <= size < n + 256 for n, size in enumerate(learned, 1))
    with torch.no_grad():
        sizes = [room.product_rows(n, torch.bfloat16, cpu) for n in range(1, 2305)]
    assert len(set(sizes)) == 20 and all(n <= size <= max(n + 15, 1.25 * n) for n, size in enumerate(sizes[:256], 1))
    assert sizes[256:] == learned[256:]
    assert room.product_rows(17, torch.float32, cpu) == 17
    half = open_local(folders["llama"], device="cpu", dtype="bfloat16")
    given = example(np.random.default_rng(1), (23, 18))
    found = []
    for rows in (room.product_rows, lambda n, *_: n):
        monkeypatch.setattr(room, "product_rows", rows)
        wanted_N, ids = torch.ones(41, dtype=torch.bool), [p.ids for p in given.payloads]
        packed = half.trainer.forward.family.pack(torch.bfloat16).leaves()
        scores = half.trainer.forward.outputs(ids, wanted_N, ("logprobs",), packed)["logprobs"]
        found.append((scores.detach(), *torch.autograd.grad(scores.sum(), packed.tensors())))
    for padded, plain in zip(*found, strict=True):
        torch.testing.assert_close(padded, plain, rtol=0.02, atol=0.02 * float(plain.abs().max()))


def test_the_same_request_gives_the_same_bits(folders):
    fast, _ = both(folders["qwen3"])
    one, other = sample(fast, *wave()), sample(fast, *(replace(r) for r in wave()))
    assert_equal(one, other, atol=0)


def test_picked_log_probabilities_have_the_gradients_of_a_plain_softmax(monkeypatch):
    torch.manual_seed(1)
    hidden, head, target = torch.randn(13, 8, requires_grad=True), torch.randn(40, 8, requires_grad=True), torch.randint(0, 40, (13,))
    wanted = torch.nn.functional.linear(hidden, head).log_softmax(-1).gather(-1, target[:, None])[:, 0]
    weight = torch.randn(13)
    grads = torch.autograd.grad((wanted * weight).sum(), (hidden, head))
    for chunk in (2**22, 100):
        monkeypatch.setattr("selftaught.models.language.log_probabilities.CHUNK", chunk)
        found = picked(hidden, head, target)
        torch.testing.assert_close(found, wanted)
        for a, b in zip(torch.autograd.grad((found * weight).sum(), (hidden, head)), grads, strict=True):
            torch.testing.assert_close(a, b)
        found = picked(hidden, head.detach(), target)
        torch.testing.assert_close(found, wanted)
        torch.testing.assert_close(torch.autograd.grad((found * weight).sum(), hidden)[0], grads[0])
