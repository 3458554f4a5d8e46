"""A small language model that reads: `python benchmarks/recall_reader.py`.

It learns, from scratch, to answer out of what stands in front of a question, in a system turn or as bare text, and to ask such
questions itself; who keeps what is drawn anew each time, so that it knows no record by heart. The claim of the recipe
cartridges is tested on it. Takes about ten minutes on one core; the same seed gives the same model.
"""

import argparse
import asyncio
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from selftaught.explore.study import SEEDS
from selftaught.format import Format
from selftaught.models.language.local import local_model
from selftaught.models.language.model import LanguageModel
from selftaught.stages import Objective
from selftaught.tasks.records import HEAD, PEOPLE, THINGS, question, written
from selftaught.train import NLL, AdamW
from selftaught.types import Example, Message, Tokens

SPECIAL = ("<pad>", "<end>", "<system>", "<user>", "<assistant>", "<unk>")
TEMPLATE = (
    "{% for m in messages %}{{ '<' + m['role'] + '>' + m['content'] + '<end>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<assistant>' }}{% endif %}"
)
# Below this loss documents become longer.
READS_WELL = 0.2
WORD = Regex(r"\w+|[^\w\s]")


def fresh(seed: int) -> LanguageModel:
    """The model before it has learned anything."""
    split = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(r"\s+"), "removed"), pre_tokenizers.Split(WORD, "isolated")])
    said = [word for text in (f"{HEAD} What does keep?.,", *SEEDS) for word, _ in split.pre_tokenize_str(text)]
    vocab = {token: i for i, token in enumerate(dict.fromkeys([*SPECIAL, *said, *PEOPLE, *THINGS]))}
    core = Tokenizer(models.WordLevel(vocab, unk_token="<unk>"))
    core.pre_tokenizer, core.decoder = split, decoders.WordPiece(prefix="##", cleanup=True)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token="<pad>", eos_token="<end>", unk_token="<unk>", extra_special_tokens=list(SPECIAL[2:5])
    )
    tokenizer.chat_template = TEMPLATE
    config = LlamaConfig(
        vocab_size=len(vocab), hidden_size=96, intermediate_size=192, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=4,
        max_position_embeddings=768, bos_token_id=None, eos_token_id=1, pad_token_id=0, tie_word_embeddings=True,
    )  # fmt: skip
    torch.manual_seed(seed)
    return local_model(LlamaForCausalLM(config), tokenizer, Format(), seed=seed)


def lesson(model: LanguageModel, rng: random.Random, most: int) -> Example:
    """A document of up to `most` people, as a system turn or bare and said once more in another order; then questions about it."""
    people = rng.sample(PEOPLE, rng.randint(2, most))
    known = {who: rng.choice(THINGS) for who in people}
    ids: list[int] = []
    trained: list[bool] = []

    def write(more: Sequence[int], learned: Sequence[bool]) -> None:
        ids.extend(more)
        trained.extend(learned)

    turns: list[Message] = []
    if rng.random() < 0.5:
        turns = [Message("system", "\n\n".join(written(known, 8)))]
    else:
        things = set(model.tokens((), " ".join(THINGS)).ids.tolist())
        for again in (False, True):
            more = model.tokens((), "\n\n".join(written({who: known[who] for who in people}, 8))).ids.tolist()
            write(more, [again and one in things for one in more])
            rng.shuffle(people)
    for _ in range(8):
        who = rng.choice(people)
        asks, says = (question(who), f"{known[who]}.") if rng.random() < 0.85 else (rng.choice(SEEDS), question(who))
        turn = model.tokens((*turns, Message("user", asks)), says)
        write(turn.ids.tolist(), turn.sampled.tolist())
        turns = []
    tokens = Tokens(ids=np.array(ids, np.int32), sampled=np.array(trained), logprobs=np.zeros(len(ids), np.float32))
    return Example(payloads=(tokens,), streams={"weight": tokens.sampled.astype(np.float32)})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/models/recall-reader"))
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    model, rng = fresh(args.seed), random.Random(args.seed)
    optimizer = AdamW(lr=3e-3, warmup=50, decay=args.steps, betas=(0.9, 0.98))
    # longer documents once short ones can be read
    most, mean = 4, 1.0
    for step in range(args.steps):
        lessons = [lesson(model, rng, most) for _ in range(16)]
        found = asyncio.run(model.learn(lessons, [Objective(loss=NLL(), optimizer=optimizer)]))
        mean += 0.1 * (found["loss/nll"] - mean)
        if mean < READS_WELL:
            if most == len(PEOPLE):
                break
            most, mean = min(len(PEOPLE), 2 * most), 1.0
        if step % 25 == 0 or step + 1 == args.steps:
            print(f"step {step}: loss {found['loss/nll']:.3f}, up to {most} people", flush=True)
            model.trainer.module.save_pretrained(args.out)
    model.trainer.module.save_pretrained(args.out)
    model.renderer.tokenizer.save_pretrained(args.out)
    print(f"{model.parameters:,} parameters in {args.out}")


if __name__ == "__main__":
    main()
