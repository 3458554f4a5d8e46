"""A language model of three layers that looks things up in notes and knows nothing else: `python benchmarks/note_reader.py`.

It learns, from scratch, to answer questions of the family `shelves` from notes above the question, under rules that are
drawn anew for every lesson: so it cannot know the hidden rule of any house, and what it gets right there, a memory told it.
Without a note it guesses. The claim of the recipe omne-ltm is tested on it. Takes about two minutes on one core; the same
seed gives the same model.
"""

import argparse
import random
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, models, pre_tokenizers
from torch.nn.functional import cross_entropy
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from selftaught.explore import Recall
from selftaught.explore.memory import quoted, reminded
from selftaught.models.sprout.train import SPECIAL, TEMPLATE
from selftaught.tasks.english import SHOWN
from selftaught.tasks.families.shelves import CUSTOMERS, Shelves
from selftaught.types import Message

# Lessons a step, most notes of a lesson, the share of questions that a note answers, most pairs of a drill, a label that is not
# graded, and Muon's rate (AdamW takes a quarter).
LESSONS, NOTES, TOLD, PAIRS, IGNORED, RATE = 32, 6, 0.9, 8, -100, 0.02


def fresh_tokenizer() -> PreTrainedTokenizerFast:
    """Words alone: signs are not read, and words of nothing here are <unk>."""
    text = " ".join((Recall().heading, *Shelves.wordings, *CUSTOMERS, *SHOWN, *"123456789"))
    core = Tokenizer(models.WordLevel(unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(r"[^\w<|>]+"), "removed"), pre_tokenizers.Split(Regex(r"\w+"), "isolated")]
    )
    words = dict.fromkeys(word for word, _ in core.pre_tokenizer.pre_tokenize_str(text))
    core.model = models.WordLevel({token: i for i, token in enumerate([*SPECIAL, "<unk>", *words])}, unk_token="<unk>")
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, pad_token=SPECIAL[0], eos_token=SPECIAL[1], unk_token="<unk>")
    tokenizer.add_special_tokens({"additional_special_tokens": SPECIAL[2:]})
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def lesson(rng: random.Random) -> tuple[str, str]:
    """A question below notes under a rule of its own, and its answer."""
    family, rule = Shelves(customers=len(CUSTOMERS)), {name: rng.randint(1, 9) for name in CUSTOMERS}
    few = rng.sample(CUSTOMERS, rng.randint(2, NOTES))
    told = [rng.choice(few) for _ in range(rng.randint(2, NOTES))]

    def asked(customer: str) -> str:
        return family.render((customer, rng.choice(SHOWN)), rng.randrange(len(family.wordings)))

    notes = [{"cue": asked(name), "answer": str(rule[name])} for name in told]
    customer = rng.choice(told if rng.random() < TOLD else CUSTOMERS)
    question = (Message("user", asked(customer)),)
    return reminded(question, quoted(Recall().heading, notes))[0].content, str(rule[customer])


def drill(rng: random.Random) -> tuple[str, str]:
    """Customers and shelves said twice: whoever reads notes must copy first, and from whole sequences that is learned soonest."""
    rule = {name: str(rng.randint(1, 9)) for name in rng.sample(CUSTOMERS, rng.randint(3, PAIRS))}
    pairs, last = " ".join(f"{name} {shelf}" for name, shelf in rule.items()), rng.choice(sorted(rule))
    return f"{pairs} {pairs} {last}", rule[last]


def batch(
    tokenizer: PreTrainedTokenizerFast, made: Sequence[tuple[str, str]], graded: Collection[str]
) -> tuple[torch.Tensor, torch.Tensor]:
    """(ids_B_T, labels_B_T), graded on the reply, and on such words of a prompt as stand behind one that was there before."""
    wanted = {tokenizer.convert_tokens_to_ids(word) for word in graded}
    rows = tokenizer([f"{SPECIAL[2]}{prompt}{SPECIAL[1]}{SPECIAL[3]}{answer}{SPECIAL[1]}" for prompt, answer in made])["input_ids"]
    width = max(map(len, rows))
    ids_B_T = torch.tensor([row + [0] * (width - len(row)) for row in rows])
    labels_B_T = torch.full_like(ids_B_T, IGNORED)
    for b, row in enumerate(rows):
        known = [row[t] in wanted and row[t - 1] in row[: t - 1] for t in range(len(row) - 2)]
        labels_B_T[b, : len(row)] = torch.where(torch.tensor([*known, True, True]), ids_B_T[b, : len(row)], IGNORED)
    return ids_B_T, labels_B_T


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/models/note-reader"))
    parser.add_argument("--drills", type=int, default=250, help="steps of copying, before the lessons")
    parser.add_argument("--steps", type=int, default=350)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    tokenizer, rng = fresh_tokenizer(), random.Random(args.seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=64, intermediate_size=128, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=4,
        max_position_embeddings=1024, bos_token_id=None, eos_token_id=1, pad_token_id=0, tie_word_embeddings=True,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
    others = [p for n, p in model.named_parameters() if p.ndim != 2 or "embed" in n]
    optimizers = [
        torch.optim.Muon(matrices, lr=RATE, weight_decay=0.01, adjust_lr_fn="original"),
        torch.optim.AdamW(others, lr=RATE / 4, betas=(0.9, 0.98), weight_decay=0.0),
    ]
    right: list[float] = []
    for step in range(args.drills + args.steps):
        drilled = step < args.drills
        made = [drill(rng) if drilled else lesson(rng) for _ in range(2 * LESSONS if drilled else LESSONS)]
        ids_B_T, labels_B_T = batch(tokenizer, made, (*"123456789", *(CUSTOMERS if drilled else ())))
        hidden_B_T_E = model.model(input_ids=ids_B_T).last_hidden_state[:, :-1]
        graded_B_T = labels_B_T[:, 1:] != IGNORED
        logits_N_K, labels_N = model.lm_head(hidden_B_T_E[graded_B_T]), labels_B_T[:, 1:][graded_B_T]
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss = cross_entropy(logits_N_K, labels_N)
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
        found_B_T = torch.full(labels_B_T[:, 1:].shape, 0)
        found_B_T[graded_B_T] = logits_N_K.argmax(1)
        last_B = graded_B_T.shape[1] - 2 - graded_B_T.flip(1).int().argmax(1)
        rows_B = torch.arange(len(last_B))
        right.append(float((found_B_T[rows_B, last_B] == labels_B_T[:, 1:][rows_B, last_B]).float().mean()))
        if (step + 1) % 50 == 0:
            print(f"step {step + 1}: loss {loss.item():.3f}, right {np.mean(right[-50:]):.3f}", flush=True)
    model.save_pretrained(args.out)
    tokenizer.save_pretrained(args.out)


if __name__ == "__main__":
    main()
