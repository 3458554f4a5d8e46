"""A language model of two layers that knows the rules of Kuhn poker and nothing else: `python benchmarks/kuhn_player.py`.

It learns, from scratch, to say an allowed word, each as often; so what self-play teaches it is how to play. The claim of
the recipe spiral is tested on it. Takes about ten seconds on one core; the same seed gives the same model.
"""

import argparse
import asyncio
import random
from pathlib import Path

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from selftaught.explore.selfplay import shown
from selftaught.format import Format
from selftaught.models.language.local import local_model
from selftaught.models.language.model import LanguageModel
from selftaught.stages import Objective
from selftaught.train import NLL, AdamW
from selftaught.types import Attempt, Example, Task, Tokens
from selftaught.worlds.kuhn import Kuhn

GAMES = 64
WORDS = (
    *("check", "bet", "call", "fold", "pass", "J", "Q", "K", "You", "are", "player", "0", "1", "and", "hold", "or", "The", "other", "says"),
    *("Kuhn", "poker", "cards", "ante", "Answer", "with", "one", "word", "<", ".", ",", ":", "?", "Question"),
)


def fresh(seed: int) -> LanguageModel:
    """The model before it has learned anything."""
    vocab = {token: i for i, token in enumerate(["<pad>", "<end>", "<unk>", *WORDS])}
    core = Tokenizer(models.WordLevel(vocab, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(r"\s+"), "removed"), pre_tokenizers.Split(Regex(r"\w+|[^\w\s]"), "isolated")]
    )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, pad_token="<pad>", eos_token="<end>", unk_token="<unk>")
    config = LlamaConfig(
        vocab_size=len(vocab), hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=4,
        max_position_embeddings=256, bos_token_id=None, eos_token_id=1, pad_token_id=0, tie_word_embeddings=True,
    )  # fmt: skip
    torch.manual_seed(seed)
    return local_model(LlamaForCausalLM(config), tokenizer, Format(), seed=seed)


def games(model: LanguageModel, rng: random.Random) -> list[Example]:
    """Both seats of games in which every allowed word is as likely, each turn followed by the end of a turn."""
    game, examples = Kuhn(), []
    end = model.renderer.tokenizer.eos_token_id
    for _ in range(GAMES):
        game.reset(str(rng.random()))
        held: dict[int, Attempt] = {}
        over = False
        while not over:
            turn = game.observe()
            seat, seen = turn.seat, turn.view
            word, before = rng.choice(game.actions()), held.get(seat)
            opening = shown(Task(id="t", prompt=game.rules), seen, first=before is None)
            ids = [*model.renderer.context(opening, before), model.renderer.tokenizer.convert_tokens_to_ids(word), end]
            chosen_T = np.arange(len(ids)) >= len(ids) - 2
            tokens = Tokens(ids=np.array(ids, np.int32), sampled=chosen_T, logprobs=np.zeros(len(ids), np.float32))
            held[seat] = Attempt(id="a", task="t", payload=tokens, text=word, messages=opening)
            examples.append(Example(payloads=(tokens,), streams={"weight": chosen_T.astype(np.float32)}))
            over = game.step(word).over
    return examples


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/models/kuhn-player"))
    parser.add_argument("--steps", type=int, default=80)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    model, rng = fresh(args.seed), random.Random(args.seed)
    for step in range(args.steps):
        found = asyncio.run(model.learn(games(model, rng), [Objective(loss=NLL(), optimizer=AdamW(lr=3e-3))]))
        if (step + 1) % 20 == 0:
            print(f"step {step + 1}: loss {found['loss/nll']:.3f}")
    args.out.mkdir(parents=True, exist_ok=True)
    model.trainer.module.save_pretrained(args.out)
    model.renderer.tokenizer.save_pretrained(args.out)
    print(args.out)


if __name__ == "__main__":
    main()
