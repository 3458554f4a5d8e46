"""Self-play of a small language model that knows the rules and nothing else: exact exploitability falls."""

import asyncio
import random

import numpy as np
import pytest

from probes.helpers import live, whole
from selftaught.explore.selfplay import shown
from selftaught.format import Format
from selftaught.measures.exploitability import exploitability, text_policy
from selftaught.recipe import get_recipe
from selftaught.stages import Objective
from selftaught.tasks.games import Games
from selftaught.train import NLL, AdamW
from selftaught.types import Attempt, Example, SamplerSettings, Task, Tokens
from selftaught.worlds.kuhn import Kuhn

WORDS = (
    *("check", "bet", "call", "fold", "pass", "J", "Q", "K", "You", "are", "player", "0", "1", "and", "hold", "or", "The", "other", "says"),
    *("Kuhn", "poker", "cards", "ante", "Answer", "with", "one", "word", "<", ".", ",", ":", "?"),
)


def tiny_model(seed=0):
    """A Llama of two layers that knows only the words of the game, from scratch."""
    import torch
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    from selftaught.models.language.local import local_model

    vocab = {token: i for i, token in enumerate(["<pad>", "<end>", "<unk>", *WORDS])}
    core = Tokenizer(models.WordLevel(vocab, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(r"\s+"), "removed"), pre_tokenizers.Split(Regex(r"\w+|[^\w\s]"), "isolated")]
    )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, pad_token="<pad>", eos_token="<end>", unk_token="<unk>")
    config = LlamaConfig(
        vocab_size=len(vocab), hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=4,
        max_position_embeddings=128, bos_token_id=None, eos_token_id=1, pad_token_id=0, tie_word_embeddings=True,
    )  # fmt: skip
    torch.manual_seed(seed)
    return local_model(LlamaForCausalLM(config), tokenizer, Format(template="{prompt} :"), seed=seed)


def taught_the_rules(model, steps=60):
    """The model after a little supervised learning on allowed actions drawn at random."""
    import torch

    rng, game = random.Random(0), Kuhn()
    objective = Objective(loss=NLL(), optimizer=AdamW(lr=3e-3))
    for _ in range(steps):
        examples = []
        for _ in range(64):
            game.reset(str(rng.random()))
            held, over = {}, False
            while not over:
                turn = game.observe()
                seat, seen = turn.seat, turn.view
                word = rng.choice(game.actions())
                before = held.get(seat)
                opening = shown(Task(id="t", prompt=game.rules), seen, first=before is None)
                ids = [*model.renderer.context(opening, before), model.renderer.tokenizer.convert_tokens_to_ids(word)]
                mask = np.arange(len(ids)) == len(ids) - 1
                tokens = Tokens(ids=np.array(ids, np.int32), sampled=mask, logprobs=np.zeros(len(ids), np.float32))
                held[seat] = Attempt(id="a", task="t", payload=tokens, text=word, messages=opening)
                examples.append(Example(payloads=(tokens,), streams={"weight": mask.astype(np.float32)}))
                over = game.step(word).over
        asyncio.run(model.learn(examples, [objective]))
    model.trainer.weights.copies.clear()
    model.trainer.learner.states.clear()
    torch.manual_seed(0)
    return model


def exploited(model):
    settings = SamplerSettings(max_tokens=1)
    return exploitability(Kuhn(), asyncio.run(text_policy(model, Kuhn(), n=256, settings=settings)))


def learned(path, *, recipe="spiral", games=256, steps=20, lr=3e-4, seed=0, watch=None):
    """(exploitability before, after, the run)."""
    model = taught_the_rules(tiny_model(seed))
    before = exploited(model)
    chosen = get_recipe(recipe).with_options(
        {"plan.tasks": games, "plan.max_tokens": 1, "steps": steps, "optimizer.lr": lr, "every": steps}
    )
    run = live(chosen, model, path, [Games()], settings=SamplerSettings(max_tokens=1), seed=seed)
    run.watch = watch
    whole(run)
    return before, exploited(model), run


@pytest.mark.slow
def test_exploitability_falls(tmp_path):
    before, after, run = learned(tmp_path)
    print(f"exploitability {before:.3f} before, {after:.3f} after, baselines {run.state['baseline']}")
    assert 0.4 < before < 0.6 and after < before - 0.05
    assert run.state["baseline"].keys() == {"player0", "player1"}
