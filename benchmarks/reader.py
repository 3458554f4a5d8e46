"""A small model that can call a search, read what it gives and write questions: `python benchmarks/reader.py`.

Its lesson book is towns of `pages` which no claim is tested on, each a new one, so it learns the forms of calls, questions and
answers and how to read, and no fact. It is left half taught. 1,300 steps take about nine minutes of one core; the same seed gives
the same model. The claim of the recipe search-self-play is tested on it.
"""

import argparse
import json
import random
import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, models, pre_tokenizers
from torch.nn.functional import cross_entropy
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from selftaught.explore import Converse
from selftaught.prompts import QUESTION, WRITE_QUESTION
from selftaught.tasks.pages import FRIEND, NAMES, VALUES, Pages
from selftaught.tools import Search
from selftaught.tools.search import Index
from selftaught.types import Task

SPECIAL = ["<|pad|>", "<|end|>", "<|unk|>", "<|user|>", "<|assistant|>", "<|system|>"]
TEMPLATE = (
    "{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
# Towns of lessons; those of claims are numbered below.
FIRST_WORLD, LESSONS_A_WORLD, PEOPLE = 1000, 150, 48
# Shares of the lessons: questions written; questions answered with a search. The others are answered from what is shown.
WRITES, SOLVES = 0.3, 0.4
TOOLS = Converse(tools=(Search(),))
Lesson = list[tuple[str, str]]


def opened(prompt: str) -> tuple[str, str]:
    """The first turn of who may search."""
    return "user", TOOLS.asked(Task(id="", prompt=prompt))[0].content


def call(query: str) -> tuple[str, str]:
    return "assistant", f"<call>search {query}</call>"


def result(index: Index, query: str) -> tuple[str, str]:
    """What a search is answered with."""
    tool = Search()
    return "user", "\n".join(index.best(query, tool.k, tool.k1, tool.b)) or "nothing found"


def lessons(seed: int) -> Iterator[Lesson]:
    """Conversations without end; the learner imitates the assistant's turns."""
    rng = random.Random(seed)
    world = FIRST_WORLD + seed * 100_000
    while True:
        world += 1
        source = Pages(people=PEOPLE, world=world)
        pages = source.library("train")
        found, names = partial(result, Index(pages)), sorted({page.split()[0] for page in pages})
        for _ in range(LESSONS_A_WORLD):
            kind, hops = rng.random(), rng.random() < 0.6
            name, what = rng.choice(names), rng.choice((*VALUES, FRIEND))
            if kind < WRITES:
                if lesson := written(found, str(source.truth(f"{what} of {name}?")), what, hops):
                    yield lesson
                continue
            whom = str(source.truth(f"{FRIEND} of {name}?")) if hops else name
            question = f"{what} of {f'{FRIEND} of ' * hops}{name}?"
            steps = [(name, FRIEND), (whom, what)] if hops else [(whom, what)]
            shown = [found(f"{who} {which}") for who, which in steps]
            known = all(lines(texts, rf"{who} (?:.* )?{which} .*") for (who, which), (_, texts) in zip(steps, shown, strict=True))
            said = ("assistant", f"#### {source.truth(question) if known else 'unknown'}")
            if kind < WRITES + SOLVES:
                turns = [turn for (who, which), told in zip(steps, shown, strict=True) for turn in (call(f"{who} {which}"), told)]
                yield [opened(question), *turns, said]
            else:
                rng.shuffle(shown)
                yield [("user", "\n".join([*(text for _, text in shown), question])), said]


def repeats(seed: int) -> Iterator[Lesson]:
    """Names and values said again: whoever reads must copy first, and from whole sequences of it that is learned soonest."""
    rng, every = random.Random(seed), [*NAMES, *(value for values in VALUES.values() for value in values)]
    while True:
        said = " ".join(rng.sample(every, rng.randint(4, 16)))
        yield [("user", said), ("assistant", said)]


def lines(texts: str, pattern: str) -> list[str]:
    """The lines of a result that are like this."""
    return [line for line in texts.split("\n") if re.fullmatch(pattern, line)]


def written(found: Callable[[str], tuple[str, str]], answer: str, what: str, hops: bool) -> Lesson:
    """A question for an answer: from a page that says it back to whoever has that page's person as a friend; none without one."""
    query = f"{FRIEND} {answer}" if what == FRIEND else answer
    ends = found(query)
    holds = lines(ends[1], rf".* {what} {answer}\W?.*")
    if not holds:
        return []
    whom = holds[0].split()[0]
    lesson = [opened(WRITE_QUESTION + answer), call(query), ends]
    asks = f"{what} of {whom}?"
    if hops:
        back = found(f"{FRIEND} {whom}")
        lesson += [call(f"{FRIEND} {whom}"), back]
        if who := lines(back[1], rf"\w+ {FRIEND} {whom} .*"):
            asks = f"{what} of {FRIEND} of {who[0].split()[0]}?"
    return [*lesson, ("assistant", f"{QUESTION[0]}{asks}{QUESTION[1]}")]


def make_tokenizer() -> PreTrainedTokenizerFast:
    """A token a word: those of the pages and of the forms."""
    said = " ".join(text for lesson in islice(lessons(1), 2000) for _, text in lesson)
    split = Regex(r"<\|\w+\|>|</?\w+>|####|\w+|[^\w\s]")
    splitter = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(r"\s+"), "removed"), pre_tokenizers.Split(split, "isolated")])
    words = sorted({word for word, _ in splitter.pre_tokenize_str(said)} | set(NAMES) | {v for values in VALUES.values() for v in values})
    core = Tokenizer(models.WordLevel({word: i for i, word in enumerate([*SPECIAL, *words])}, unk_token=SPECIAL[2]))
    core.pre_tokenizer = splitter
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, pad_token=SPECIAL[0], eos_token=SPECIAL[1], unk_token=SPECIAL[2])
    tokenizer.add_special_tokens({"additional_special_tokens": SPECIAL[3:]})
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def encoded(tokenizer: PreTrainedTokenizerFast, lesson: Lesson) -> tuple[list[int], list[int]]:
    """(ids, labels), -100 where a token is not graded."""
    ids: list[int] = []
    labels: list[int] = []
    for role, text in lesson:
        head = tokenizer.encode(f"<|{role}|>", add_special_tokens=False)
        body = tokenizer.encode(f"{text}<|end|>", add_special_tokens=False)
        ids += head + body
        labels += [-100] * len(head) + (body if role == "assistant" else [-100] * len(body))
    return ids, labels


def batches(
    tokenizer: PreTrainedTokenizerFast, stream: Iterator[Lesson], seed: int, positions: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Right-padded batches of at most so many positions, of lessons of similar lengths."""
    order = random.Random(seed)
    while True:
        rows, chunks = sorted((encoded(tokenizer, lesson) for lesson in islice(stream, 1024)), key=lambda row: len(row[0])), [[]]
        for row in rows:
            if (len(chunks[-1]) + 1) * len(row[0]) > positions:
                chunks.append([])
            chunks[-1].append(row)
        order.shuffle(chunks)
        for chunk in chunks:
            width = max(len(ids) for ids, _ in chunk)
            yield (
                torch.tensor([ids + [0] * (width - len(ids)) for ids, _ in chunk]),
                torch.tensor([labels + [-100] * (width - len(labels)) for _, labels in chunk]),
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/models/reader"))
    parser.add_argument("--steps", type=int, default=1300)
    parser.add_argument("--repeats", type=int, default=250, help="steps of copying, before the lessons")
    parser.add_argument("--anneal", type=int, default=300, help="last steps, over which the rate falls to nothing")
    parser.add_argument("--batch", type=int, default=2048, help="positions a step")
    parser.add_argument("--width", type=int, default=96)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--rate", type=float, default=0.02, help="Muon's; AdamW takes a quarter")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep-every", type=int, default=0, help="also save the model every so many steps")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    tokenizer = make_tokenizer()
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=args.width, intermediate_size=2 * args.width, num_hidden_layers=args.layers,
        num_attention_heads=4, max_position_embeddings=512, bos_token_id=None, eos_token_id=1, pad_token_id=0, tie_word_embeddings=True,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
    others = [p for n, p in model.named_parameters() if p.ndim != 2 or "embed" in n]
    optimizers = [
        torch.optim.Muon(matrices, lr=args.rate, weight_decay=0.01, adjust_lr_fn="original"),
        torch.optim.AdamW(others, lr=args.rate / 4, betas=(0.9, 0.98), weight_decay=0.0),
    ]
    rates = [[group["lr"] for group in optimizer.param_groups] for optimizer in optimizers]
    start, mean, seed = time.process_time(), 0.0, args.seed + 2
    streams = [batches(tokenizer, stream, seed, args.batch) for stream in (repeats(seed), lessons(seed))]

    def save(folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)

    for step in range(args.steps):
        ids_B_T, labels_B_T = next(streams[step >= args.repeats])
        # Up at once, down over the last steps: at the full rate it says at random what it reads well.
        scale = min(1.0, (step + 1) / 50, (args.steps - step) / args.anneal)
        for optimizer, base in zip(optimizers, rates, strict=True):
            for group, rate in zip(optimizer.param_groups, base, strict=True):
                group["lr"] = rate * scale
        hidden = model.model(input_ids=ids_B_T, use_cache=False).last_hidden_state[:, :-1]
        graded = labels_B_T[:, 1:] >= 0
        loss = cross_entropy(model.lm_head(hidden[graded]), labels_B_T[:, 1:][graded])
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        mean = loss.item() if step == 0 else 0.95 * mean + 0.05 * loss.item()
        if (step + 1) % 25 == 0:
            print(json.dumps({"step": step + 1, "loss": round(mean, 4), "cpu_seconds": round(time.process_time() - start)}), flush=True)
        if args.keep_every and (step + 1) % args.keep_every == 0:
            save(args.out.with_name(f"{args.out.name}-{step + 1}"))
    save(args.out)
    print(args.out)


if __name__ == "__main__":
    main()
