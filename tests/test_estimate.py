"""--dry-run: a few tokens, then arithmetic; and a run that is not expected to help asks first."""

import asyncio
from types import SimpleNamespace

import pytest

from selftaught import api
from selftaught.jobs import cost, forecast
from selftaught.jobs.cost import Rates, expected_length, rates_of
from selftaught.jobs.estimate import estimate, lines, remedy
from selftaught.jobs.forecast import Size, size_of
from selftaught.jobs.job import Job
from selftaught.jobs.session import open_session
from selftaught.models.scripted import ScriptedModel
from selftaught.parts import BadInput

SMALL = {"model": "scripted", "tasks": ("sums:level=3",), "held_out_count": 8}


def test_lengths_by_hand():
    assert expected_length([3, 5], [True, True], 100) == 4
    # Nothing ended: as long as allowed.
    assert expected_length([8, 8], [False, False], 512) == 512
    # One of 16 tokens was the last: the other goes on for (1 - (15/16)^92) / (1/16) more.
    assert expected_length([8, 8], [True, False], 100) == pytest.approx((8 + 8 + 16 * (1 - (15 / 16) ** 92)) / 2)


def test_a_dry_run_asks_for_few_tokens_and_keeps_nothing(tmp_path, monkeypatch):
    asked = []
    sample = ScriptedModel.sample

    async def counted(self, requests):
        asked.extend((request.n, request.settings.max_tokens) for request in requests)
        return await sample(self, requests)

    monkeypatch.setattr(ScriptedModel, "sample", counted)
    monkeypatch.setattr("selftaught.jobs.cost.PATIENCE", 0.0)
    monkeypatch.chdir(tmp_path)
    found = estimate(Job(recipe="ttrl", steps=5, max_tokens=512, **SMALL))
    assert sum(n * tokens for n, tokens in asked) <= 8 * (1 + 8 * 8 + 2 * 8)
    assert found["steps"] == 5 and 0 < found["tokens"]["expected"] <= found["tokens"]["worst"] and not list(tmp_path.iterdir())
    assert len(lines(found)) == 2 and lines(found)[0].startswith("time: about")


def test_the_run_does_not_notice_that_its_speed_was_measured(tmp_path):
    session = open_session(Job(recipe="ttrl", **SMALL), tmp_path / "run")
    before = session.run.pool.snapshot(), session.run.ledger.snapshot(), (tmp_path / "run" / "journal.bin").read_bytes()
    rates = asyncio.run(rates_of(session))
    assert rates.attempt > 5 and rates.cut == 0 and rates.prompt > 0
    assert before == (session.run.pool.snapshot(), session.run.ledger.snapshot(), (tmp_path / "run" / "journal.bin").read_bytes())
    session.close()


@pytest.mark.parametrize(("run", "evaluation"), [(2000.0, 530.0), (100.0, 5.0), (30.0, 300.0)])
def test_over_an_hour_three_settings_are_named_and_what_they_give_is_under_one(run, evaluation):
    rates = Rates(prompt=40, attempt=400, cut=0.9, forward=500, sampled=400)
    found = remedy({"run": run, "evaluation": evaluation}, steps=40, held=200, most=512, rates=rates)
    assert list(found["settings"]) == ["--max-tokens", "--held-out-count", "--steps"] and found["minutes"] <= 60
    assert 32 <= found["settings"]["--max-tokens"] <= 512 and 60 <= found["settings"]["--held-out-count"] <= 200
    assert 1 <= found["settings"]["--steps"] <= 40


def test_what_no_setting_brings_under_an_hour_is_said():
    rates = Rates(prompt=40, attempt=400, cut=0.9, forward=500, sampled=400)
    found = remedy({"run": 30.0, "evaluation": 5000.0}, steps=40, held=200, most=512, rates=rates)
    assert found["minutes"] > 60 and found["settings"] == {"--max-tokens": 32, "--held-out-count": 60, "--steps": 40}


def test_a_long_job_says_what_to_change(tmp_path, monkeypatch):
    async def slow(session):
        return Rates(prompt=40, attempt=400, cut=0.9, forward=50, sampled=40)

    monkeypatch.setattr("selftaught.jobs.estimate.rates_of", slow)
    said = lines(estimate(Job(recipe="ttrl", max_tokens=512, **SMALL)))
    assert len(said) == 3 and said[2].startswith("that is over an hour: --max-tokens ")


@pytest.fixture
def dear(monkeypatch):
    """As if nothing were cheap."""
    monkeypatch.setattr(cost, "CHEAP_MINUTES", -1.0)
    monkeypatch.setattr(cost, "CHEAP_FLOPS", -1.0)


def test_no_help_expected_asks_before_anything_is_spent(dear, tmp_path):
    said, out = [], tmp_path / "run"
    job = dict(SMALL, steps=1, options={"plan.tasks": 4}, out=out)
    with pytest.raises(BadInput, match="--anyway") as refusal:
        api.improve("zero-lr", say=said.append, **job)
    assert "\n" not in str(refusal.value) and said[0].startswith("forecast: no help expected") and len(said) == 1
    assert not out.exists(), "the same folder can be given again"
    result = api.improve("zero-lr", say=said.append, anyway=True, **job)
    assert result["forecast"]["help"] is False and result["steps"] == 1


def test_what_else_lies_in_the_folder_stays(dear, tmp_path):
    out = tmp_path / "run"
    out.mkdir()
    (out / "asked.json").write_text("{}")
    with pytest.raises(BadInput):
        api.improve("zero-lr", steps=1, out=out, **SMALL)
    assert [path.name for path in out.iterdir()] == ["asked.json"]


def test_help_expected_no_forecast_and_cheap_runs_are_not_asked(tmp_path, monkeypatch):
    few = dict(SMALL, gate=False, options={"plan.tasks": 4}, steps=1)
    assert api.improve("zero-lr", out=tmp_path / "cheap", **few)["steps"] == 1
    monkeypatch.setattr(cost, "CHEAP_MINUTES", -1.0)
    monkeypatch.setattr(cost, "CHEAP_FLOPS", -1.0)
    assert api.improve("zero-lr", out=tmp_path / "blind", forecast=False, **few)["steps"] == 1
    rule = few | {"tasks": ("countdown:level=1",), "options": {"plan.tasks": 4, "optimizer.lr": 0.05}}
    result = api.improve("ttrl", out=tmp_path / "helps", **(rule | {"options": rule["options"] | {"read": "rule"}}))
    assert result["forecast"]["help"] and result["steps"] == 1


def sized(parameters, max_tokens, n=8, tasks=32, budget=None, steps=40):
    phase = SimpleNamespace(plan=SimpleNamespace(n=n, tasks=tasks), objectives=(1,))
    run = SimpleNamespace(
        settings=SimpleNamespace(max_tokens=max_tokens), model=SimpleNamespace(parameters=parameters),
        ledger=SimpleNamespace(budget=SimpleNamespace(tokens=budget)),
    )  # fmt: skip
    return SimpleNamespace(run=run, recipe=SimpleNamespace(phases=[phase], schedule=lambda: [(phase, 0, 0)] * steps))


def test_the_forecast_costs_a_share_of_the_run_where_it_is_dear():
    assert size_of(sized(1_900_000, 64, steps=1)) == Size(tasks=48, attempts=8, rehearsed=16)
    assert size_of(sized(135_000_000, 32, tasks=24, steps=14)) == Size()
    short = size_of(sized(135_000_000, 512, tasks=24, steps=2))
    assert short == Size(tasks=16, attempts=4, rehearsed=5)
    # 5% of a long run is a whole forecast.
    assert size_of(sized(135_000_000, 512, tasks=32, steps=400)) == Size()
    assert size_of(sized(135_000_000, 512, tasks=32, steps=400, budget=1_000_000)).tasks == 16
    assert forecast.LEAST == 16
