"""The losses against TRL's own code: same weights, same ragged batch, values and gradients."""

import copy
import os
import warnings

import numpy as np
import pytest

pytestmark = [pytest.mark.filterwarnings("ignore")]
TOLERANCE = 1e-5
PROMPTS, COMPLETIONS = (3, 5, 2, 4), (4, 1, 6, 3)
MAX_COMPLETION = 9


@pytest.fixture(scope="module")
def trl(tmp_path_factory):
    """Three TRL trainers, one of each kind, over copies of one random Llama; and that Llama."""
    pytest.importorskip("trl")
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch
        from datasets import Dataset
        from tokenizers import Regex, Tokenizer, models, pre_tokenizers
        from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
        from trl import DPOConfig, DPOTrainer, GRPOConfig, GRPOTrainer, SFTConfig, SFTTrainer

        words = ["<pad>", "<eos>", "<unk>", *"0123456789+="]
        plain = Tokenizer(models.WordLevel({c: i for i, c in enumerate(words)}, unk_token="<unk>"))
        plain.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
        special = {"pad_token": "<pad>", "eos_token": "<eos>", "unk_token": "<unk>"}
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=plain, padding_side="left", **special)
        torch.manual_seed(0)
        sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
        config = LlamaConfig(vocab_size=len(words), max_position_embeddings=64, pad_token_id=0, eos_token_id=1, bos_token_id=None, **sizes)
        start = LlamaForCausalLM(config)
        model = copy.deepcopy(start)
        with torch.no_grad():
            for weight in model.parameters():
                weight += 0.05 * torch.randn_like(weight)
        # Sharper logits than a fresh model's, so that log-probabilities differ from token to token.
        for one in (start, model):
            one.lm_head.weight.data *= 3
        root = tmp_path_factory.mktemp("trl")
        start.save_pretrained(root / "start")
        common = {"use_cpu": True, "bf16": False, "gradient_checkpointing": False, "report_to": "none", "save_strategy": "no"}
        common |= {"disable_tqdm": True, "per_device_train_batch_size": 4}
        rows = [{"prompt": f"{i}+1=", "completion": f"{i + 1}"} for i in range(4)]
        sft = SFTTrainer(
            copy.deepcopy(model), SFTConfig(str(root / "s"), **common), train_dataset=Dataset.from_list(rows), processing_class=tokenizer
        )
        grpo = GRPOTrainer(
            copy.deepcopy(model),
            lambda completions, **_: [0.0] * len(completions),
            GRPOConfig(str(root / "g"), num_generations=4, max_completion_length=MAX_COMPLETION, beta=0.0, **common),
            train_dataset=Dataset.from_list([{"prompt": r["prompt"]} for r in rows]),
            processing_class=tokenizer,
        )
        reference = LlamaForCausalLM.from_pretrained(root / "start")
        pairs = [{"prompt": r["prompt"], "chosen": "1", "rejected": "2"} for r in rows]
        dpo = DPOTrainer(
            copy.deepcopy(model),
            reference,
            DPOConfig(str(root / "d"), **common),
            train_dataset=Dataset.from_list(pairs),
            processing_class=tokenizer,
        )
    for trainer in (sft, grpo, dpo):
        # In evaluation mode TRL divides by nothing that belongs to gradient accumulation.
        trainer.model.eval()
    return {"sft": sft, "grpo": grpo, "dpo": dpo, "model": model.eval(), "start": start.eval()}


def logprobs(model, ids_T):
    """f[T] of one unpadded sequence, 0 at its first token."""
    import torch

    logits = model(torch.as_tensor(ids_T)[None].long()).logits[0, :-1]
    picked = logits.log_softmax(-1).gather(1, torch.as_tensor(ids_T[1:]).long()[:, None])[:, 0]
    return torch.cat([picked.new_zeros(1), picked])


def padded(rows, left=False):
    """(ids, mask) i64[B,T] of ragged rows."""
    import torch

    width = max(map(len, rows))
    ids, mask = torch.zeros(len(rows), width, dtype=torch.long), torch.zeros(len(rows), width, dtype=torch.long)
    for i, row in enumerate(rows):
        where = slice(width - len(row), None) if left else slice(0, len(row))
        ids[i, where], mask[i, where] = torch.as_tensor(row).long(), 1
    return ids, mask


def sequences(seed=0):
    """(prompt ids, completion ids) of four ragged sequences."""
    rng = np.random.default_rng(seed)
    return [(rng.integers(3, 15, p), rng.integers(1, 15, c)) for p, c in zip(PROMPTS, COMPLETIONS, strict=True)]


def examples_of(rows, streams):
    """One single-payload example a row; streams are lists of arrays over a completion's items."""
    from selftaught.types import Example, Tokens

    examples = []
    for i, (prompt, completion) in enumerate(rows):
        ids = np.concatenate([prompt, completion]).astype(np.int32)
        sampled = np.arange(len(ids)) >= len(prompt)
        payload = Tokens(ids=ids, sampled=sampled, logprobs=np.zeros(len(ids), np.float32))
        data = {k: np.concatenate([np.zeros(len(prompt)), v[i]]).astype(np.float32) for k, v in streams.items()}
        examples.append(Example(payloads=(payload,), streams=data))
    return examples


def batch_of(examples, model):
    """What a learner hands a loss, in float32, with a graph to the model."""
    import torch

    payloads = [(d, v, p) for d, e in enumerate(examples) for v, p in enumerate(e.payloads)]
    out = {k: torch.tensor(np.concatenate([e.streams[k] for e in examples])) for k in examples[0].streams}
    out["logprobs"] = torch.cat([logprobs(model, p.ids) for _, _, p in payloads])
    out["example"] = torch.tensor([d for d, _, p in payloads for _ in p.ids])
    out["payload"] = torch.tensor([v for _, v, p in payloads for _ in p.ids])
    return {**out, "examples": len(examples)}


def gradient(loss, model):
    import torch

    model.zero_grad()
    loss.backward()
    return torch.cat([p.grad.flatten() for p in model.parameters()])


def compare(ours, model, theirs, trainer, record_property):
    """Values to 1e-5 and gradients to 1e-4 in relative norm."""
    mine, other = gradient(ours, model), gradient(theirs, trainer.model)
    value, gap = abs(ours.item() - theirs.item()), ((mine - other).norm() / other.norm()).item()
    record_property("value_difference", value)
    record_property("gradient_difference", gap)
    print(f"PARITY value {ours.item():.6f} difference {value:.2e} gradient {gap:.2e}")
    assert other.norm() > 1e-3 and value <= TOLERANCE and gap <= 1e-4


def test_sft(trl, record_property):
    from selftaught.train import NLL

    rows, trainer = sequences(), trl["sft"]
    ids, attention = padded([np.concatenate(r) for r in rows])
    labels = ids.masked_fill(attention == 0, -100)
    for i, (prompt, _) in enumerate(rows):
        labels[i, : len(prompt)] = -100
    theirs = trainer.compute_loss(trainer.model, {"input_ids": ids, "attention_mask": attention, "labels": labels})
    examples = examples_of(rows, {"weight": [np.ones(len(c)) for _, c in rows]})
    ours = NLL()(batch_of(examples, trl["model"])) / NLL().count(examples)
    compare(ours, trl["model"], theirs, trainer, record_property)


def test_sft_over_micro_batches(trl, record_property):
    from selftaught.train import NLL

    rows, trainer = sequences(4), trl["sft"]
    total, theirs, ours = sum(len(c) for _, c in rows), 0, 0
    examples = examples_of(rows, {"weight": [np.ones(len(c)) for _, c in rows]})
    for i, (prompt, completion) in enumerate(rows):
        ids, attention = padded([np.concatenate([prompt, completion])])
        inputs = {"input_ids": ids, "attention_mask": attention, "labels": ids.clone()}
        inputs["labels"][0, : len(prompt)] = -100
        theirs = theirs + trainer.compute_loss(trainer.model, inputs, num_items_in_batch=total)
        ours = ours + NLL()(batch_of(examples[i : i + 1], trl["model"])) / NLL().count(examples)
    compare(ours, trl["model"], theirs, trainer, record_property)


@pytest.mark.parametrize("variant", ["sigmoid", "ipo", "hinge"])
@pytest.mark.parametrize("beta", [0.1, 0.5])
def test_dpo(trl, variant, beta, record_property):
    import torch

    from selftaught.train import DPO
    from selftaught.types import Example

    trainer, rows = trl["dpo"], sequences(1)
    trainer.loss_types, trainer.loss_weights, trainer.beta = [variant], [1.0], beta
    rejected = [(p, c[::-1][: len(c) - i % 2 or 1].copy()) for i, (p, c) in enumerate(rows)]
    rejected = [(p, np.where(c == c[0], 1 + c[0] % 14, c)) for p, c in rejected]
    both = [*rows, *rejected]
    ids, attention = padded([np.concatenate(r) for r in both])
    completion = attention.clone()
    for i, (prompt, _) in enumerate(both):
        completion[i, : len(prompt)] = 0
    inputs = {"input_ids": ids, "attention_mask": attention, "completion_mask": completion}
    theirs = trainer.compute_loss(trainer.model, inputs)
    single = examples_of(both, {"mask": [np.ones(len(c)) for _, c in both]})
    with torch.no_grad():
        start = [logprobs(trl["start"], e.payloads[0].ids).numpy() for e in single]
    examples = []
    for i in range(len(rows)):
        sides = (i, i + len(rows))
        streams = {"mask": np.concatenate([single[s].streams["mask"] for s in sides])}
        streams["start_logprobs"] = np.concatenate([start[s] for s in sides])
        examples.append(Example(payloads=tuple(single[s].payloads[0] for s in sides), streams=streams))
    loss = DPO(beta=beta, variant=variant)
    ours = loss(batch_of(examples, trl["model"])) / loss.count(examples)
    compare(ours, trl["model"], theirs, trainer, record_property)


SETTINGS = {
    "grpo": ({"per": "sequence"}, {"loss_type": "grpo"}),
    "grpo-clip": ({"per": "sequence", "clip": 0.05, "clip_high": 0.4}, {"loss_type": "grpo"}),
    "grpo-kl": ({"per": "sequence", "kl": 0.04}, {"loss_type": "grpo"}),
    "grpo-kl-as-published": ({"per": "sequence", "kl": 0.04, "kl_ratio": False}, {"loss_type": "grpo"}),
    "bnpo": ({"per": "token"}, {"loss_type": "bnpo"}),
    "bnpo-kl": ({"per": "token", "kl": 0.5}, {"loss_type": "bnpo"}),
    "dapo": ({"per": "token", "clip_high": 0.28}, {"loss_type": "dapo"}),
    "dapo-kl": ({"per": "token", "kl": 0.04}, {"loss_type": "dapo"}),
    "dr_grpo": ({"per": "constant", "max_tokens": MAX_COMPLETION}, {"loss_type": "dr_grpo"}),
    "dr_grpo-kl": ({"per": "constant", "max_tokens": MAX_COMPLETION, "kl": 0.04}, {"loss_type": "dr_grpo"}),
    "gspo": ({"per": "sequence", "importance": "sequence"}, {"loss_type": "grpo"}),
    "gspo-clip-kl": ({"per": "sequence", "importance": "sequence", "clip": 0.05, "kl": 0.04}, {"loss_type": "grpo"}),
    "gspo-token-mean": ({"per": "token", "importance": "sequence", "clip": 0.05}, {"loss_type": "bnpo"}),
}


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("tools", [False, True], ids=["", "tools"])
def test_policy_gradient(trl, name, tools, record_property):
    import torch

    from selftaught.train import PolicyGradient

    options, setting = SETTINGS[name]
    loss, trainer, rows = PolicyGradient(**options), trl["grpo"], sequences(2)
    trainer.loss_type, trainer.beta, trainer.importance_sampling_level = setting["loss_type"], loss.kl, loss.importance
    trainer.args.use_bias_correction_kl = loss.kl_ratio
    trainer.epsilon_low, trainer.epsilon_high = loss.clip, loss.clip_high or loss.clip
    rng = np.random.default_rng(3)
    # Items in mid-completion that the model did not choose (a tool's reply).
    masks = [np.where((np.arange(len(c)) == 1) & tools & (len(c) > 2), 0, 1) for _, c in rows]
    with torch.no_grad():
        now = [logprobs(trl["model"], np.concatenate(r)).numpy()[len(r[0]) :] for r in rows]
        start = [logprobs(trl["start"], np.concatenate(r)).numpy()[len(r[0]) :] for r in rows]
    old = [x + rng.normal(0, 0.3, len(x)).astype(np.float32) for x in now]
    advantage = np.array([1.0, -0.5, 0.75, -1.25])

    def over_completions(arrays):
        full = np.zeros((len(arrays), max(map(len, arrays))), np.float32)
        for row, values in zip(full, arrays, strict=True):
            row[: len(values)] = values
        return torch.tensor(full)

    prompt_ids, prompt_mask = padded([p for p, _ in rows], left=True)
    completion_ids, completion_mask = padded([c for _, c in rows])
    inputs = {"prompt_ids": prompt_ids, "prompt_mask": prompt_mask, "completion_ids": completion_ids, "completion_mask": completion_mask}
    inputs |= {"advantages": torch.tensor(advantage, dtype=torch.float32), "old_per_token_logps": over_completions(old)}
    inputs |= {"ref_per_token_logps": over_completions(start), "tool_mask": over_completions(masks).long()}
    inputs["num_items_in_batch"] = torch.tensor(float(sum(m.sum() for m in masks)))
    theirs = trainer.compute_loss(trainer.model, inputs)
    streams = {"advantage": [a * m for a, m in zip(advantage, masks, strict=True)], "mask": masks, "sampler_logprobs": old}
    streams["start_logprobs"] = start
    examples = examples_of(rows, {k: streams[k] for k in loss.reads})
    batch = batch_of(examples, trl["model"])
    compare(loss(batch) / loss.count(examples), trl["model"], theirs, trainer, record_property)


@pytest.mark.parametrize("scale,name", [("std", "group"), ("none", "none")])
def test_advantages(trl, scale, name, record_property):
    """What TRL makes of given rewards for its own samples; None there and NaN here is a missing score."""
    from selftaught.train.credit.group_centred import centred

    trainer, rewards = trl["grpo"], [1.0, 0.25, None, 0.5]
    # The trainer is shared: a test before this one may have left a penalty on, for which TRL would look for a reference.
    trainer.beta = 0.0
    trainer.scale_rewards, trainer.reward_funcs = name, [lambda completions, **_: rewards]
    found = trainer._generate_and_score_completions([{"prompt": "1+1="}] * 4)["advantages"].numpy()
    scored = np.array([r is not None for r in rewards])
    ours = centred(np.array([r for r in rewards if r is not None], np.float32), scale)
    record_property("value_difference", float(np.abs(found[scored] - ours).max()))
    assert np.abs(found[scored] - ours).max() <= TOLERANCE and found[~scored].tolist() == [0]
