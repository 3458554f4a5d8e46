"""Self-play: Kuhn poker's rules and exact exploitability, seats as sequences, baselines as state."""

import asyncio

import numpy as np
import pytest

from probes.helpers import live, stopped_and_resumed, whole
from selftaught.measures.exploitability import best_response, expected_return, exploitability, points, text_policy, uniform
from selftaught.models.scripted import ScriptedModel
from selftaught.recipe import get_recipe
from selftaught.tasks.games import Games
from selftaught.worlds.kuhn import Kuhn

ILLEGAL = (("fold",), ("check", "call"), ("bet", "I say: nothing"))


def play(cards, moves):
    game = Kuhn()
    game.restore({"cards": cards, "moves": []})
    for move in moves[:-1]:
        outcome = game.step(move)
        assert not outcome.over and not outcome.rewards
    outcome = game.step(moves[-1])
    assert outcome.over and bool(outcome.error) == (tuple(moves) in ILLEGAL)
    return outcome.rewards


@pytest.mark.parametrize(
    ("moves", "paid"),
    [
        (("check", "check"), 1), (("bet", "call"), 2), (("bet", "fold"), 1), (("check", "bet", "fold"), -1),
        (("check", "bet", "call"), 2), (("fold",), -2), (("check", "call"), 2), (("bet", "I say: nothing"), 2),
        (("Do bet", "Call."), 2),
    ],
)  # fmt: skip
def test_returns_by_hand(moves, paid):
    assert play(["K", "J"], moves) == (paid, -paid)
    if moves[-1].lower() in ("check", "call") and paid in (1, 2) and moves != ("check", "call"):
        assert play(["J", "K"], moves) == (-paid, paid)


def test_snapshot_restores_and_reset_depends_on_the_key():
    game, other = Kuhn(), Kuhn()
    game.reset("a")
    other.reset("a")
    assert game.snapshot() == other.snapshot()
    game.step("check")
    saved = game.snapshot()
    game.step("bet")
    other.restore(saved)
    assert other.observe().seat == 1 and other.snapshot() == saved
    deals = set()
    for key in range(40):
        game.reset(str(key))
        deals.add(tuple(game.snapshot()["cards"]))
    assert len(deals) == 6


def equilibrium(game, alpha):
    """Kuhn's family of equilibria: probabilities of betting or calling by (seat, card, what was said)."""
    first, second = {"J": alpha, "Q": 0.0, "K": 3 * alpha}, {"J": 0.0, "Q": alpha + 1 / 3, "K": 1.0}
    replies = {"check": {"J": 1 / 3, "Q": 0.0, "K": 1.0}, "bet": {"J": 0.0, "Q": 1 / 3, "K": 1.0}}
    policy = {}
    for (seat, seen), actions in points(game).items():
        card = seen[0].split("hold ")[1][0]
        bold = (first if len(seen) == 1 else second)[card] if seat == 0 else replies["bet" if "says bet" in seen[0] else "check"][card]
        daring, meek = ("bet", "check") if "bet" in actions else ("call", "fold")
        policy[seat, seen] = {daring: bold, meek: 1 - bold}
    return policy


def test_exploitability_by_hand():
    game = Kuhn()
    assert len(points(game)) == 12
    # Against 50:50 play: 1/2 for player 0 and 5/12 for player 1, whose mean is 11/24.
    assert best_response(game, uniform(game), 0) == pytest.approx(1 / 2)
    assert best_response(game, uniform(game), 1) == pytest.approx(5 / 12)
    assert exploitability(game, uniform(game)) == pytest.approx(11 / 24)
    assert expected_return(game, uniform(game)) == pytest.approx(1 / 8)
    for alpha in (0.0, 0.2, 1 / 3):
        assert exploitability(game, equilibrium(game, alpha)) == pytest.approx(0, abs=1e-12)
        assert expected_return(game, equilibrium(game, alpha)) == pytest.approx(-1 / 18)


def words(request, rng, skill):
    """Plays at random, and says something that is not allowed now and then."""
    if rng.random() < 0.05:
        return "pass"
    return rng.choice(("call", "fold") if "call or fold" in request.messages[-1].content else ("check", "bet"))


def test_policy_is_read_off_a_model():
    policy = asyncio.run(text_policy(ScriptedModel(script=words), Kuhn(), n=400, by="count"))
    assert len(policy) == 12 and all(sum(shares.values()) == pytest.approx(1) for shares in policy.values())
    assert all(0.01 < shares[""] < 0.1 for shares in policy.values())
    assert 0.45 < exploitability(Kuhn(), policy) < 0.62


def small(path, script=words, games=8, steps=4, **options):
    recipe = get_recipe("spiral").with_options({"plan.tasks": games, "steps": steps, "every": 2})
    return live(recipe, ScriptedModel(script=script), path, [Games()], **options)


def test_one_sequence_a_seat_and_zero_sum_rewards(tmp_path):
    run, groups = small(tmp_path, games=200, steps=1), []
    run.record = groups.extend
    whole(run)
    assert len(groups) == 200 and run.model.calls["sample"] == 3
    longest = 0
    for group in groups:
        assert [a.role for a in group.attempts_G] == [f"player{seat}" for seat in range(len(group.attempts_G))]
        rewards = group.values()
        assert len(rewards) == 1 or rewards.sum() == 0
        for attempt in group.attempts_G:
            ends = np.flatnonzero(np.diff(attempt.payload.sampled.astype(int)) == 1)
            longest = max(longest, len(ends))
            assert attempt.payload.sampled.any() and not attempt.payload.sampled[0]
    assert longest == 2
    assert set(run.state["baseline"]) == {"player0", "player1"}
    assert run.state["baseline"]["player0"] == pytest.approx(-run.state["baseline"]["player1"], abs=0.1)


def test_stop_and_resume_is_the_same_run(tmp_path):
    one = whole(small(tmp_path / "one"))
    for stop in (0, 1, 2):
        two = stopped_and_resumed(lambda path, **options: small(path, **options), tmp_path / f"two{stop}", stop)
        assert one.state == two.state and one.ledger.snapshot() == two.ledger.snapshot() and one.model.skill == two.model.skill
        assert (tmp_path / "one/journal.bin").read_bytes() == (tmp_path / f"two{stop}/journal.bin").read_bytes()


def test_budget_ends_a_game_without_pay(tmp_path):
    run = whole(small(tmp_path, steps=50, budget=20_000))
    assert 0 < run.position < 50 and run.ledger.spent <= 20_000 and run.ledger.reserved == 0


def test_fixed_opponent_trains_one_seat(tmp_path):
    recipe = get_recipe("spiral/fixed-opponent").with_options({"plan.tasks": 16, "steps": 1})
    run, groups = live(recipe, ScriptedModel(script=words), tmp_path, [Games()]), []
    run.record = groups.extend
    whole(run)
    assert {len(group.attempts_G) for group in groups} <= {0, 1} and {a.sampler for g in groups for a in g.attempts_G} == {"policy"}
