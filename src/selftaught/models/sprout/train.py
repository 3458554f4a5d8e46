"""Makes sprout from procedural lessons: `python -m selftaught.models.sprout.train --out DIR`.

Llama architecture (about 2M parameters), byte-level BPE with single-digit tokens, Muon for the matrices and
AdamW for the rest, and the rates of `SCHEDULE`. Resumes from its own checkpoint.
"""

import argparse
import json
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from torch.nn.functional import cross_entropy
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from selftaught.models.sprout.data import Lesson, lessons

TEMPLATE = (
    "{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
# Steps, and the share of the full rate there; linear between. The last stretch runs at a constant rate and is not annealed:
# a base model in the middle of its training, which still has something to learn from itself.
SCHEDULE = ((0, 3250, 5200, 5201, 5600), (1.0, 0.567, 0.0, 0.4, 0.4))
SPECIAL = ["<|pad|>", "<|end|>", "<|user|>", "<|assistant|>", "<|system|>"]


def make_tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level BPE of 768 tokens over the lessons' words; every digit is a token of its own."""
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"\d"), "isolated"),
            pre_tokenizers.Split(Regex(r" ?####|[-+*=%/(),.]"), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=768, special_tokens=SPECIAL, min_frequency=50,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False,
    )  # fmt: skip
    core.train_from_iterator((text for lesson in islice(lessons(1), 40_000) for _, text, _ in lesson), trainer)
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=core, pad_token=SPECIAL[0], eos_token=SPECIAL[1]
    )
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def encode(tokenizer: PreTrainedTokenizerFast, lesson: Lesson) -> tuple[list[int], list[int]]:
    """A lesson as token ids and labels, -100 where a token is not graded."""
    ids: list[int] = []
    labels: list[int] = []
    for role, content, graded in lesson:
        head = tokenizer.encode(f"<|{role}|>", add_special_tokens=False)
        body = tokenizer.encode(f"{content}<|end|>", add_special_tokens=False)
        ids += head + body
        labels += [-100] * len(head) + (body if graded else [-100] * len(body))
    return ids, labels


def batches(tokenizer: PreTrainedTokenizerFast, seed: int, tokens: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Right-padded batches (ids_B_T, labels_B_T) of at most `tokens` positions, of similar lengths."""
    stream, order = lessons(seed), torch.Generator().manual_seed(seed)
    while True:
        pool = sorted((encode(tokenizer, lesson) for lesson in islice(stream, 4096)), key=lambda e: len(e[0]))
        chunks: list[list[tuple[list[int], list[int]]]] = [[]]
        for ids, labels in pool:
            if len(ids) > 256:
                continue
            if (len(chunks[-1]) + 1) * len(ids) > tokens:
                chunks.append([])
            chunks[-1].append((ids, labels))
        for i in torch.randperm(len(chunks), generator=order).tolist():
            width = max(len(ids) for ids, _ in chunks[i])
            yield (
                torch.tensor([ids + [0] * (width - len(ids)) for ids, _ in chunks[i]]),
                torch.tensor([labels + [-100] * (width - len(labels)) for _, labels in chunks[i]]),
            )


def main() -> None:
    """Train, saving every 250 steps."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=SCHEDULE[0][-1], help="optimizer steps")
    parser.add_argument("--batch", type=int, default=4096, help="positions a step")
    parser.add_argument("--rate", type=float, default=0.02, help="Muon's learning rate; AdamW takes a tenth")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--compile", action="store_true", help="compile the forward pass (needs a C++ compiler; 15% faster)")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(args.seed)
    tokenizer = make_tokenizer()
    tokenizer.save_pretrained(args.out)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=192,
            intermediate_size=512,
            num_hidden_layers=4,
            num_attention_heads=6,
            max_position_embeddings=1024,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=1,
            pad_token_id=0,
        )
    )
    matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
    others = [p for n, p in model.named_parameters() if p.ndim != 2 or "embed" in n]
    optimizers = [
        torch.optim.Muon(matrices, lr=args.rate, weight_decay=0.01, adjust_lr_fn="original"),
        torch.optim.AdamW(others, lr=args.rate / 10, betas=(0.9, 0.98), weight_decay=0.0),
    ]
    forward = torch.compile(model.model, dynamic=True) if args.compile else model.model
    rates = [[group["lr"] for group in o.param_groups] for o in optimizers]
    first, state = 0, args.out / "training.pt"
    if state.exists():
        saved = torch.load(state)
        model.load_state_dict(saved["model"])
        for optimizer, values in zip(optimizers, saved["optimizers"], strict=True):
            optimizer.load_state_dict(values)
        first = saved["step"]
    start, seen, mean, stream = time.time(), 0, 0.0, batches(tokenizer, args.seed + 100 + first, args.batch)
    for step in range(first, args.steps):
        ids_B_T, labels_B_T = next(stream)
        scale = min((step + 1) / 100, float(np.interp(step, *SCHEDULE)))
        for optimizer, base in zip(optimizers, rates, strict=True):
            for group, rate in zip(optimizer.param_groups, base, strict=True):
                group["lr"] = rate * scale
        with torch.autocast("cpu", torch.bfloat16):
            hidden = forward(input_ids=ids_B_T, use_cache=False).last_hidden_state[:, :-1]
            graded = labels_B_T[:, 1:] >= 0
            logits = model.lm_head(hidden[graded])
        loss = cross_entropy(logits.float(), labels_B_T[:, 1:][graded])
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        seen += ids_B_T.numel()
        mean = loss.item() if step == first else 0.98 * mean + 0.02 * loss.item()
        if step % 50 == 0:
            row = {"step": step, "loss": round(mean, 4), "positions": seen, "seconds": round(time.time() - start)}
            print(json.dumps(row), flush=True)
        if (step + 1) % 250 == 0 or step + 1 == args.steps:
            model.save_pretrained(args.out)
            torch.save({"model": model.state_dict(), "step": step + 1, "optimizers": [o.state_dict() for o in optimizers]}, state)


if __name__ == "__main__":
    main()
