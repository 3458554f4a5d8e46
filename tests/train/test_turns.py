"""SCoRe by hand: who is paid for what in two turns, and the anchored penalty."""

import asyncio

import numpy as np
import pytest

from selftaught.train import Turns
from selftaught.types import Attempt, Group, Score, Task, Tokens


def conversation(pairs):
    """Drafts of 1 + 2 tokens and revisions that go on with 1 + 3, with rewards (r1, r2); NaN gives no score."""
    drafts, revised, scores = [], [], []
    for i, (r1, r2) in enumerate(pairs):
        sampled = np.array([0, 1, 1, 0, 1, 1, 1], bool)
        for name, size, reward, into in ((f"d{i}", 3, r1, drafts), (f"r{i}", 7, r2, revised)):
            payload = Tokens(
                ids=np.arange(size, dtype=np.int32), sampled=sampled[:size], logprobs=np.where(sampled, -0.5, 0).astype(np.float32)[:size]
            )
            into.append(Attempt(id=name, task="t", payload=payload, text=name, parents=(f"d{i}",) if size == 7 else ()))
            if not np.isnan(reward):
                scores.append(Score(attempt=name, value=reward, source="rule", judge="j"))
    return Group(key="t", task=Task(id="t", prompt="p"), attempts_G=(*drafts, *revised), scores=tuple(scores))


@pytest.fixture
def credit(make):
    return lambda part, pairs: asyncio.run(part.credit(make.Run(), [conversation(pairs)]))


def test_stage_two_pays_each_turn_its_own(credit):
    examples = credit(Turns(bonus=10.0, anchor_first=0.3, anchor_last=0.2), [(0, 1), (1, 1)])
    assert [e.attempt for e in examples] == ["r0", "r1"] and {e.source for e in examples} == {"rule"}
    # r2 + 10 (r2 - r1) is 11 and 1, centred 5 and -5; r1 is 0 and 1, centred -0.5 and 0.5
    assert examples[0].streams["advantage"] == pytest.approx([0, -0.5, -0.5, 0, 5, 5, 5])
    assert examples[1].streams["advantage"] == pytest.approx([0, 0.5, 0.5, 0, -5, -5, -5])
    assert examples[0].streams["anchor"] == pytest.approx([0, 0.3, 0.3, 0, 0.2, 0.2, 0.2])
    assert set(examples[0].streams) == set(Turns.writes)


def test_stage_one_pays_the_revision_alone(credit):
    examples = credit(Turns(first=False, bonus=0.0), [(1, 0), (0, 1), (1, 1)])
    assert [e.streams["advantage"][1] for e in examples] == [0, 0, 0]
    assert [e.streams["advantage"][-1] for e in examples] == pytest.approx([-2 / 3, 1 / 3, 1 / 3])


def test_without_difference_or_score_there_is_nothing(credit):
    assert credit(Turns(), [(1, 1), (1, 1)]) == []
    assert credit(Turns(), [(np.nan, 1), (1, np.nan)]) == []
    assert len(credit(Turns(), [(0, 1), (1, np.nan), (1, 0)])) == 2


def test_anchor_kl_by_hand():
    torch = pytest.importorskip("torch")
    from selftaught.train import AnchorKL, PolicyGradient

    logprobs = torch.tensor([0.0, -1.0, -2.0, float("-inf")], dtype=torch.float64)
    start, anchor = torch.tensor([0.0, -1.5, -1.0, 0.0], dtype=torch.float64), torch.tensor([0.0, 0.5, 2.0, 0.0], dtype=torch.float64)
    batch = {"logprobs": logprobs, "start_logprobs": start, "anchor": anchor, "sampler_logprobs": logprobs.clone()}
    batch["sampler_logprobs"][2] = -2.0 - np.log(1.5)
    by_hand = 0.5 * (np.exp(-0.5) + 0.5 - 1) + 1.5 * 2.0 * (np.exp(1.0) - 1 - 1)
    assert float(AnchorKL()(batch)) == pytest.approx(by_hand)
    mask = (anchor != 0).double()
    even = {**batch, "anchor": 0.7 * mask, "mask": mask, "advantage": 0 * mask, "example": torch.zeros(4, dtype=torch.int64), "examples": 1}
    assert float(AnchorKL()(even)) == pytest.approx(float(PolicyGradient(kl=0.7)(even)))
