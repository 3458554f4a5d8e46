"""A run that collapses stops itself and hands back what it was before; watching moves nothing."""

import asyncio
import json

import numpy as np
import pytest

from scripted_run import live_run
from selftaught.format import Format
from selftaught.loop import improve
from selftaught.models.scripted import ScriptedModel, solve
from selftaught.monitors.alarms import DEFAULT_MONITORS
from selftaught.monitors.start_probe import look, power
from selftaught.recipe import all_recipes, get_recipe
from selftaught.run.folder import RunFolder
from selftaught.run.training import TrainingRun
from selftaught.tasks.splits import split
from selftaught.types import SamplerSettings

TASKS = ("sums:level=3",)


def collapses(after):
    """A script that solves, and after so many steps answers 7 to everything."""

    def script(request, rng, skill):
        head = request.key.split("/")[0]
        late = head.isdecimal() and int(head) >= after and request.weights == "policy"
        return "#### 7" if late else solve(request, rng, skill)

    return script


def opened(folder, monitors, *, steps=30, every=2, script=solve, name="ttrl", audit=(), resume=False, rate=0.0):
    recipe = get_recipe(name).with_options({"plan.tasks": 4, "plan.n": 4, "steps": steps, "every": every})
    pool, _ = split(TASKS, seed=0, counts={"held-out": 8, "development": 4, "audit": 4})
    return TrainingRun(
        recipe=recipe, model=ScriptedModel(0.8, script, rate), pool=pool, folder=RunFolder(folder, resume), format=Format(),
        settings=SamplerSettings(max_tokens=64), monitors=monitors, audit=audit,
    )  # fmt: skip


def play(run, stop_after=None):
    async def whole():
        if not await run.resume():
            await run.save()
        return await improve(run.recipe, run, lambda: stop_after is not None and run.position >= stop_after)

    run.finished = asyncio.run(whole())
    run.folder.journal.close()
    return run


def test_a_collapse_ends_the_run_and_the_good_generation_comes_back(tmp_path):
    run = play(opened(tmp_path / "run", DEFAULT_MONITORS, script=collapses(17)))
    assert run.finished and [alarm["name"] for alarm in run.alarms] == ["one-answer"]
    alarm = run.alarms[0]
    assert (alarm["step"], run.position) == (20, 20) and "one answer for everything" in alarm["message"]
    best = int(run.folder.pointers["best"])
    assert 0 < best <= 20 - 8, "a generation from before the trouble, and not the start"
    # Nothing was learned in the step that raised the alarm, and what comes back is what was saved then.
    rows = [json.loads(line) for line in (run.folder.path / "steps.jsonl").read_text().splitlines()]
    assert len(rows) == 20 and [row["generation"] for row in rows[-2:]] == [19, 19]
    assert run.generation == json.loads((run.folder.generation("best") / "state.json").read_text())["generation"] == best


def test_a_run_that_was_stopped_by_an_alarm_is_not_taken_up_again(tmp_path):
    first = play(opened(tmp_path / "run", DEFAULT_MONITORS, script=collapses(4)))
    (tmp_path / "run" / "run.json").write_text("{}")
    again = play(opened(tmp_path / "run", DEFAULT_MONITORS, script=collapses(4), resume=True))
    assert again.finished and again.position == first.position and again.alarms == first.alarms


def test_an_alarm_that_is_not_heeded_is_noted_once(tmp_path):
    run = opened(tmp_path / "run", DEFAULT_MONITORS, steps=16, script=collapses(4))
    run.heed = False
    play(run)
    assert run.position == 16 and [(alarm["name"], alarm["step"]) for alarm in run.alarms] == [("one-answer", 7)]


def test_without_monitors_nothing_stops_it(tmp_path):
    run = play(opened(tmp_path / "run", (), steps=16, script=collapses(4)))
    assert run.position == 16 and not run.alarms and run.ledger.summary()["tokens"]["evaluated"] == 0


@pytest.mark.parametrize("name", ["ttrl", "selftaught"])
def test_watching_moves_neither_weights_nor_budget(name, tmp_path):
    plain = play(opened(tmp_path / "plain", (), steps=6, name=name, rate=0.05))
    watched = play(opened(tmp_path / "watched", DEFAULT_MONITORS, steps=6, name=name, rate=0.05))
    assert watched.model.skill == plain.model.skill and watched.ledger.spent == plain.ledger.spent
    assert watched.pool.collisions == plain.pool.collisions
    assert watched.ledger.summary()["tokens"]["evaluated"] > plain.ledger.summary()["tokens"]["evaluated"] == 0
    assert watched.ledger.summary()["gold_read"] == plain.ledger.summary()["gold_read"]
    assert {"anchor", "length_ratio", "kl", "start_agreement"} <= set(watched.watcher.steps[-1])


def test_stopped_and_resumed_with_monitors_equals_uninterrupted(tmp_path):
    def traces(run):
        rows = [json.loads(line) for line in (run.folder.path / "steps.jsonl").read_text().splitlines()]
        return [{k: v for k, v in row.items() if k != "seconds"} for row in rows], run.ledger.snapshot(), run.alarms, run.model.skill

    whole = play(opened(tmp_path / "whole", DEFAULT_MONITORS, script=collapses(5), rate=0.05))
    for after in (1, 3, 6):
        folder = tmp_path / f"stopped-{after}"
        assert not play(opened(folder, DEFAULT_MONITORS, script=collapses(5), rate=0.05), stop_after=after).finished
        (folder / "run.json").write_text("{}")
        assert repr(traces(play(opened(folder, DEFAULT_MONITORS, script=collapses(5), rate=0.05, resume=True)))) == repr(traces(whole))


def test_the_probe_falls_when_the_policy_forgets_what_the_start_knew(tmp_path):
    class Forgets(ScriptedModel):
        """From step 3 on every token of the start's replies is less likely."""

        async def score(self, requests):
            replies = await super().score(requests)
            late = [r.weights == "policy" and r.key[:5] >= "00003" for r in requests]
            return [{"logprobs": reply["logprobs"] - 0.03 * done} for reply, done in zip(replies, late, strict=True)]

    run = opened(tmp_path / "run", DEFAULT_MONITORS, steps=12)
    model = Forgets(0.8)
    run.dispatcher.performers |= {"score": model.score}
    play(run)
    anchors = [step["anchor"] for step in run.watcher.steps]
    # The scripted model scores zero for what it is asked: the start's replies are certain to it.
    assert anchors[:3] == [anchors[0]] * 3 and anchors[3] < anchors[2] - 0.2
    assert [(alarm["name"], alarm["step"]) for alarm in run.alarms] == [("right-less", 6)]


class Moved(ScriptedModel):
    """From a step on, scores and what it samples are of another policy."""

    vocabulary = 256

    def __init__(self, at, logprob, sampled=None):
        super().__init__(0.8)
        self.at, self.logprob, self.drawn = at, logprob, sampled

    def late(self, request):
        head = request.key.split("/")[0]
        return request.weights == "policy" and head.isdecimal() and int(head) >= self.at

    async def score(self, requests):
        replies = await super().score(requests)
        fill = [np.full(len(r.payload), self.logprob, np.float32) for r in requests]
        return [{"logprobs": new} if self.late(r) else old for r, old, new in zip(requests, replies, fill, strict=True)]

    async def sample(self, requests):
        made = await super().sample(requests)
        for request, attempts in zip(requests, made, strict=True):
            for attempt in attempts if self.drawn is not None and self.late(request) else ():
                attempt.payload.logprobs[attempt.payload.sampled] = self.drawn
        return made


def moved(folder, model, steps=12, **options):
    run = opened(folder, DEFAULT_MONITORS, steps=steps, **options)
    run.model = model
    run.dispatcher.performers |= {"score": model.score, "sample": model.sample}
    return play(run)


@pytest.mark.parametrize(
    ("logprob", "sampled", "words"),
    [
        (-np.log(256), -np.log(256), "every token is about as likely"),
        (np.nan, None, "not finite"),
        (-np.inf, None, "not finite"),
        (0.0, np.nan, "not finite"),
        (-0.8, None, "broke in one step: the start's replies became less likely by 0.8"),
    ],
)
def test_a_broken_policy_is_an_alarm_at_the_very_next_step(logprob, sampled, words, tmp_path):
    run = moved(tmp_path / "run", Moved(5, logprob, sampled))
    assert [(alarm["name"], alarm["step"]) for alarm in run.alarms] == [("broken", 6)] and words in run.alarms[0]["message"]
    # The newest generation that was looked at and found well.
    assert int(run.folder.pointers["best"]) == 4 and run.position == 6


def test_what_the_last_step_breaks_is_not_handed_back(tmp_path):
    run = moved(tmp_path / "run", Moved(6, -np.log(256)), steps=6)
    assert [(alarm["name"], alarm["step"]) for alarm in run.alarms] == [("broken", 6)]
    assert int(run.folder.pointers["best"]) == 4 and run.position == 6


def test_nothing_to_learn_from_ends_the_run_after_a_few_steps(tmp_path):
    def unread(request, rng, skill):
        return ""

    run = play(opened(tmp_path / "run", DEFAULT_MONITORS, steps=40, script=unread))
    assert [alarm["name"] for alarm in run.alarms] == ["no-signal"] and run.alarms[0]["step"] == 9
    assert "no attempt of 8 steps could be scored" in run.alarms[0]["message"]


def gives_up(after):
    """A script that solves, and after so many steps gives no answer that it gave before."""

    def script(request, rng, skill):
        head = request.key.split("/")[0] if not request.key.startswith("audit/kept/") else request.key.split("/")[2]
        late = head.isdecimal() and int(head) >= after and request.weights == "policy"
        return f"#### {rng.randrange(10**6)}" if late else solve(request, rng, skill)

    return script


def test_giving_up_the_starts_answers_is_an_alarm_at_the_second_step(tmp_path):
    run = opened(tmp_path / "run", DEFAULT_MONITORS, steps=20, script=gives_up(6))
    run.recipe = run.recipe.with_options({"plan.tasks": 16})
    play(run)
    assert [(alarm["name"], alarm["step"]) for alarm in run.alarms] == [("kept", 8)]
    assert "gives up what the start was sure of: 100%" in run.alarms[0]["message"]
    assert [step["kept"] for step in run.watcher.steps] == [1.0] * 6 + [0.0] * 2


def test_what_learns_from_answers_is_not_held_to_the_start(tmp_path):
    run = play(opened(tmp_path / "run", DEFAULT_MONITORS, steps=2, name="star"))
    assert run.recipe.reads_gold and "kl" in run.watcher.steps[0] and "anchor" not in run.watcher.steps[0]


def test_the_anchor_weighs_what_the_start_was_sure_of(tmp_path):
    class Told:
        async def score(self, tag, payload, *, start=0):
            sure = payload.ids[0] == 0
            return {"logprobs": np.float32([0, np.log(0.8), np.log(0.5)] if sure else [0, np.log(0.1), 0])}

    replies = [{"ids": [0, 1, 2], "opened": 1, "logprob": np.log(0.5)}, {"ids": [1, 1, 2], "opened": 1, "logprob": np.log(0.25)}]
    found = asyncio.run(look(Told(), replies))
    # q is 0.8 * 0.5 and 0.1 where p was 0.5 and 0.25.
    assert found["start_agreement"] == pytest.approx((0.5 * 0.4 + 0.25 * 0.1) / 0.75)
    assert found["anchor"] == pytest.approx((0.5 * -0.1 + 0.25 * -0.15) / 0.75)
    # 64 tokens count as 32: the square root of their probability.
    assert power(np.log(0.25), {"ids": [0] * 70, "opened": 6}) == pytest.approx(0.5)


def test_lengths_are_held_against_the_first_ones_of_the_same_source(tmp_path):
    def longer(request, rng, skill):
        text = solve(request, rng, skill)
        return text + " " * len(text) if request.key[:5].isdecimal() and request.key[:5] >= "00002" else text

    run = play(opened(tmp_path / "run", DEFAULT_MONITORS, steps=12, script=longer))
    assert [(alarm["name"], alarm["step"]) for alarm in run.alarms] == [("lengths", 5)]


def test_the_audit_set_is_read_under_its_own_purpose_and_changes_nothing(tmp_path):
    _, splits = split(TASKS, seed=0, counts={"held-out": 8, "development": 4, "audit": 4})
    plain = play(opened(tmp_path / "plain", (), steps=4))
    run = play(opened(tmp_path / "run", (), steps=4, audit=splits["audit"]))
    rows = run.watcher.steps
    assert [("audit_accuracy" in row) for row in rows] == [False, True, False, True]
    assert 0.5 < rows[1]["audit_accuracy"] <= 1 and rows[1]["audit_vote"] >= rows[1]["audit_accuracy"] - 0.2
    assert 0 <= rows[1]["audit_calibration"] <= 1
    read = run.ledger.summary()["gold_read"]
    assert read["audit"] == 2 * 4 and read["train"] == read["select"] == 0
    assert run.ledger.spent == plain.ledger.spent and run.model.skill == plain.model.skill


def test_generations_kept_for_an_alarm_are_few_and_old_enough(tmp_path):
    run = live_run(get_recipe("ttrl"), tmp_path / "run")

    async def saves():
        for run.position in range(0, 41, 5):
            run.folder.mark_best = True
            await run.save()

    asyncio.run(saves())
    run.folder.journal.close()
    kept = {int(path.name) for path in (run.folder.path / "generations").iterdir()}
    assert kept == {0, 30, 40} | {int(run.folder.pointers["waiting"])} and int(run.folder.pointers["sure"]) <= 40 - 8


@pytest.mark.parametrize("name", [name for name, recipe in all_recipes().items() if recipe.trains and not recipe.model])
def test_every_recipe_can_be_watched(name, opened_recipe):
    plain, watched = opened_recipe(name, ()), opened_recipe(name, DEFAULT_MONITORS)
    watched.heed = False
    for run in (plain, watched):
        play(run)
    assert watched.model.skill == plain.model.skill and watched.ledger.spent == plain.ledger.spent
    # A game has no question to hold against the start.
    held = not watched.recipe.reads_gold and name != "spiral"
    sampled = watched.ledger.total("tokens", "sampled") > 0
    assert ("kl" in watched.watcher.steps[0]) == sampled and ("anchor" in watched.watcher.steps[0]) == held


@pytest.fixture
def opened_recipe(tmp_path):
    """`opened_recipe(name, monitors)`: an unstarted run of a recipe's tiny form."""

    def make(name, monitors):
        recipe = get_recipe(name).with_options(get_recipe(name).tiny)
        run = live_run(recipe, tmp_path / f"{name}-{len(monitors)}")
        run.watcher.monitors = monitors
        return run

    return make
