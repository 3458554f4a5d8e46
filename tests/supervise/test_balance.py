"""B-STaR by hand: shares, balance scores, the settings that win."""

import asyncio
from types import SimpleNamespace

import numpy as np
import pytest

from selftaught.explore import Balance
from selftaught.supervise import Share
from selftaught.train import Above
from selftaught.types import Attempt, Group, SamplerSettings, Score, Task


def group(*rows):
    """Attempts from (text, temperature, score, right)."""
    attempts = tuple(
        Attempt(id=str(i), task="t", payload=None, text=text, settings=SamplerSettings(temperature=t))
        for i, (text, t, _, _) in enumerate(rows)
    )
    scores = [
        Score(attempt=str(i), value=v, source="self", judge="j", name=name)
        for i, row in enumerate(rows)
        for name, v in (("share", row[2]), ("reward", row[3]))
    ]
    return Group(key="t", task=Task(id="t", prompt="p"), attempts_G=attempts, scores=tuple(scores))


ROWS = (("a", 1.0, 0.9, 1), ("b", 1.0, 0.9, 1), ("b", 1.0, 0.9, 1), ("c", 1.0, 0.1, 0), ("d", 0.5, 0.9, 1), ("e", 0.5, 0.9, 0))


def test_balance_score_by_hand():
    part = Balance(wanted=4)
    assert part.balance(group(*ROWS), 1.0, 0.0) == pytest.approx(min(2 / 4, 1) * 2 / 4)
    assert part.balance(group(*ROWS), 1.0, 0.5) == pytest.approx(2 / 4 * 2 / 3)
    assert part.balance(group(*ROWS), 0.5, 0.5) == pytest.approx(1 / 4 * 1 / 2)
    assert Balance(wanted=1).balance(group(*ROWS), 1.0, 0.5) == pytest.approx(2 / 3)
    assert part.balance(group(*ROWS), 1.0, 0.95) == 0


def test_state_gets_the_best_pair():
    notes = {}
    state = {"settings": {"temperature": 0.1, "threshold": 0.0}}
    run = SimpleNamespace(state=state, write=state.__setitem__, note=notes.__setitem__)
    asyncio.run(Balance(thresholds=(0.0, 0.5)).update(run, [group(*ROWS)]))
    assert run.state["settings"] == {"temperature": 1.0, "threshold": 0.5} and notes["balance"] == pytest.approx(1 / 3)
    asyncio.run(Balance().update(run, []))
    assert run.state["settings"] == {"temperature": 1.0, "threshold": 0.5}, "without groups nothing changes"


def test_share_counts_within_a_temperature():
    run = SimpleNamespace(answer=lambda text, task: text or None)
    plain = group(("a", 1.0, 0, 0), ("a", 1.0, 0, 0), ("", 1.0, 0, 0), ("b", 1.0, 0, 0), ("a", 0.5, 0, 0))
    found = asyncio.run(Share(score="soft").read_group(run, plain)).values("soft")
    assert found == pytest.approx([0.5, 0.5, 0, 0.25, 1])


def test_above_drops_attempts_and_empty_groups():
    run = SimpleNamespace(state={"settings": {"threshold": 0.5}})
    cut = Above(score="share").select(run, [group(*ROWS), group(("a", 1.0, 0.5, 1)), group(("a", 1.0, np.nan, 1))])
    assert [[a.text for a in g.attempts_G] for g in cut] == [["a", "b", "b", "d", "e"]]
