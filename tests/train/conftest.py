"""Small attempts, groups and batches by hand, and a run that scores with a fixed function."""

from types import SimpleNamespace

import numpy as np
import pytest

from selftaught.types import Attempt, Example, Group, Score, Task, Tokens


def tokens(prompt, sampled, logprob=-0.5, seed=0):
    """`prompt` tokens that were given and `sampled` that the model chose."""
    size = prompt + sampled
    mask = np.arange(size) >= prompt
    ids = np.random.default_rng(seed).integers(0, 50, size).astype(np.int32)
    return Tokens(ids=ids, sampled=mask, logprobs=np.where(mask, logprob, 0).astype(np.float32))


def group(rewards, *, name="reward", key="g", lengths=None, views=None, texts=None, roles=None, confidences=None):
    """A group with one score an attempt."""
    n = len(rewards)
    attempts = tuple(
        Attempt(
            id=f"{key}/{i}",
            task=key,
            payload=tokens(2, (lengths or [3] * n)[i], seed=i),
            text=(texts or [f"t{i}" for i in range(n)])[i],
            view=(views or [0] * n)[i],
            role=(roles or ["solver"] * n)[i],
        )
        for i in range(n)
    )
    scores = tuple(
        Score(attempt=a.id, value=v, source="peer", judge="j", name=name, confidence=c)
        for a, v, c in zip(attempts, rewards, confidences or [1.0] * n, strict=True)
    )
    return Group(key=key, task=Task(id=key, prompt="p"), attempts_G=attempts, scores=scores)


class FakeRun:
    """Scores the k-th token of any payload as -k/10; refuses tags in `broke`."""

    def __init__(self, state=None, broke=()):
        self.state, self.broke, self.notes, self.tags = dict(state or {}), broke, {}, []
        self.write = self.state.__setitem__

    async def score(self, tag, payload, *, outputs=("logprobs",), weights="policy", role="solver", start=0):
        assert tag not in self.tags and weights == "start"
        self.tags.append(tag)
        if any(word in tag for word in self.broke):
            return {}
        return {"logprobs": -np.arange(len(payload), dtype=np.float32) / 10}

    def note(self, name, value):
        self.notes[name] = value


def batch(examples, outputs):
    """What a learner hands a loss: float64 tensors over all items; outputs are lists of arrays, one an example."""
    import torch

    names = examples[0].streams
    out = {k: torch.tensor(np.concatenate([e.streams[k] for e in examples]), dtype=torch.float64) for k in names}
    out |= {k: torch.cat([torch.as_tensor(v, dtype=torch.float64) for v in values]) for k, values in outputs.items()}
    sizes = [(d, v, len(p)) for d, e in enumerate(examples) for v, p in enumerate(e.payloads)]
    out["example"] = torch.tensor([d for d, _, n in sizes for _ in range(n)])
    out["payload"] = torch.tensor([v for _, v, n in sizes for _ in range(n)])
    out["examples"] = len(examples)
    return out


def random_examples(count, streams, payloads=1, seed=0):
    """Ragged examples with random float streams and a 0/1 mask, the first item never trained."""
    rng = np.random.default_rng(seed)
    examples = []
    for d in range(count):
        made = tuple(tokens(1 + int(rng.integers(3)), 1 + int(rng.integers(6)), seed=d) for _ in range(payloads))
        n = sum(len(p) for p in made)
        data = {k: rng.normal(0, 0.5, n).astype(np.float32) for k in streams}
        mask = np.concatenate([p.sampled for p in made]).astype(np.float32)
        data |= {k: mask if k == "mask" else data[k] * mask for k in streams if k in ("mask", "weight", "advantage")}
        examples.append(Example(payloads=made, streams=data))
    return examples


@pytest.fixture
def make():
    return SimpleNamespace(tokens=tokens, group=group, Run=FakeRun, batch=batch, random_examples=random_examples)
