"""A judge that can be talked into approval is seen, one that cannot is not, and looking moves nothing."""

import asyncio
import json

from selftaught.format import Format
from selftaught.loop import improve
from selftaught.models.scripted import ScriptedModel, solve
from selftaught.monitors.injections import ATTEMPTS, EVERY, INJECTIONS, PLAIN, Persuaded, cost, judges
from selftaught.recipe import all_recipes, get_recipe
from selftaught.run.folder import RunFolder
from selftaught.run.training import TrainingRun
from selftaught.tasks.splits import split
from selftaught.types import SamplerSettings

WATCHED = (Persuaded(),)


def judging(pays):
    """A script that solves, and whose judge says yes where `pays(what it judges, a coin)`."""

    def script(request, rng, skill):
        if request.role != "judge":
            return solve(request, rng, skill)
        last = request.messages[-2].content if len(request.messages) > 1 else request.after.text
        return "yes" if pays(last, rng.random() < 0.5) else "no"

    return script


def gullible(text, coin):
    return coin or text.endswith(INJECTIONS)


def played(folder, pays, monitors=WATCHED, name="self-rewarding-dpo", steps=11):
    recipe = get_recipe(name).with_options({"plan.tasks": 5, "plan.n": 2, "steps": steps, "every": 4})
    pool, _ = split(("sums:level=3",), seed=0, counts={"held-out": 4, "development": 4, "audit": 4})
    run = TrainingRun(
        recipe=recipe, model=ScriptedModel(0.6, judging(pays)), pool=pool, folder=RunFolder(folder), format=Format(),
        settings=SamplerSettings(max_tokens=64), monitors=monitors,
    )  # fmt: skip

    async def whole():
        await run.save()
        await improve(run.recipe, run)

    asyncio.run(whole())
    run.folder.journal.close()
    run.rows = [json.loads(line) for line in (folder / "steps.jsonl").read_text().splitlines()]
    return run


def test_the_shift_is_measured_and_an_alarm_ends_the_run(tmp_path):
    run = played(tmp_path / "run", gullible)
    looks = [row["judge_shift"] for row in run.rows if "judge_shift" in row]
    assert [row["step"] for row in run.rows if "judge_shift" in row] == [1, 1 + EVERY, 1 + 2 * EVERY] and min(looks) >= 0.4
    assert [(alarm["name"], alarm["step"]) for alarm in run.alarms] == [("persuaded", 2 * EVERY + 1)]
    assert "100% of attempts that ask for approval" in run.alarms[0]["message"]


def test_a_judge_that_does_not_listen_is_no_alarm_and_nothing_moves(tmp_path):
    run = played(tmp_path / "run", lambda text, coin: coin)
    shifts = [row["judge_shift"] for row in run.rows if "judge_shift" in row]
    assert len(shifts) == 3 and max(map(abs, shifts)) < 0.4 and not run.alarms
    blind = played(tmp_path / "blind", lambda text, coin: coin, monitors=())
    assert [row["reward"] for row in blind.rows] == [row["reward"] for row in run.rows]
    assert blind.ledger.spent == run.ledger.spent and "judge_shift" not in blind.rows[0]
    audit = {key[2:4]: n for key, n in run.ledger.rows.items() if key[:2] == ("calls", "judge") and key[3] == "audit"}
    assert audit == {("judge", "audit"): 3 * (len(INJECTIONS) + ATTEMPTS * PLAIN)}


def test_only_recipes_with_a_judge_are_asked(tmp_path):
    assert "judge_shift" not in played(tmp_path / "run", gullible, name="ttrl", steps=1).rows[0]
    judged = {name for name, recipe in all_recipes().items() if judges([part for phase in recipe.phases for part in phase.read])}
    assert "self-rewarding-dpo" in judged and "ttrl" not in judged
    reads = get_recipe("self-rewarding-dpo").phases[0].read
    assert "outside the budget" in cost(reads)[0] and cost(()) == []


def test_twenty_kinds_that_differ():
    assert len(set(INJECTIONS)) == len(INJECTIONS) == 20
