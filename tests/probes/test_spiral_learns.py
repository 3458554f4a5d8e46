"""Self-play on a small random language model: exact exploitability falls."""

import asyncio

import pytest

from probes.helpers import live, whole
from selftaught.evaluate.exploitability import exploitability, text_policy
from selftaught.format import Format
from selftaught.recipe import get_recipe
from selftaught.tasks.games.kuhn import Kuhn
from selftaught.tasks.games.source import Games
from selftaught.types import SamplerSettings

WORDS = (
    *("check", "bet", "call", "fold", "pass", "J", "Q", "K", "You", "are", "player", "0", "1", "and", "hold", "or", "The", "other", "says"),
    *("Kuhn", "poker", "cards", "ante", "Answer", "with", "one", "word", "<", ".", ",", ":", "?"),
)


def tiny_model(seed=0):
    """A Llama of two layers that knows only the words of the game, from scratch."""
    import torch
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    from selftaught.models.local import LocalModel

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
    return LocalModel(LlamaForCausalLM(config), tokenizer, Format(plain="{prompt} :"), seed=seed)


def exploited(model):
    settings = SamplerSettings(max_tokens=1)
    return exploitability(Kuhn(), asyncio.run(text_policy(model, Kuhn(), n=256, settings=settings)))


def learned(path, *, recipe="spiral", games=256, steps=60, lr=1e-3, seed=0):
    """(exploitability before, after) of a run."""
    model = tiny_model(seed)
    before = exploited(model)
    chosen = get_recipe(recipe).with_options(
        {"explore.games": games, "explore.max_tokens": 1, "steps": steps, "optimizer.lr": lr, "every": steps}
    )
    run = whole(live(chosen, model, path, [Games()], settings=SamplerSettings(max_tokens=1), seed=seed))
    return before, exploited(model), run


@pytest.mark.slow
def test_exploitability_falls(tmp_path):
    before, after, run = learned(tmp_path)
    print(f"exploitability {before:.3f} before, {after:.3f} after, baselines {run.state['baseline']}")
    assert before > 1.5 and after < 0.6
    assert run.state["baseline"].keys() == {"player0", "player1"}
