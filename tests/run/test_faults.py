"""One bad task, attempt, checker call or verdict of a judge among many is counted and the run goes on; most of a step's end it."""

import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from selftaught.loop import improve
from selftaught.models.scripted import ScriptedModel
from selftaught.parts import BadInput
from selftaught.recipe import get_recipe
from selftaught.run.faults import FEWEST, Faults
from selftaught.run.grader import Grader
from selftaught.run.ledger import Ledger
from selftaught.stages import TaskSource
from selftaught.tasks.grading.checkers import CheckerPool
from selftaught.tasks.own import family_class
from selftaught.types import SampleRequest, SamplerSettings, Task

OPTIONS = {"plan.tasks": 4, "plan.n": 4, "every": 1, "steps": 2}
RULED = {"recipe": "star", "source": "subset:level=2", "options": OPTIONS | {"read": "rule"}}
RUNS = {
    "attempts": {"recipe": "ttrl", "source": "sums:level=2", "options": OPTIONS}, "checks": RULED,
    "verdicts": {"recipe": "ttrl", "source": "sums:level=2", "options": OPTIONS | {"read": "judge:n=2"}},
}  # fmt: skip


def bad_attempts(patch, every):
    """Every so many requests has a prompt without room."""
    whole, count = ScriptedModel.sample, iter(range(10**6))

    async def sample(self, requests):
        made = await whole(self, requests)
        return [[replace(a, stop="error", error="no room") for a in group] if next(count) % every == 0 else group for group in made]

    patch.setattr(ScriptedModel, "sample", sample)


def bad_checks(patch, every):
    """Every so many checks raise."""
    count = iter(range(10**6))

    def check(self, task, answer, entry):
        if next(count) % every == 0:
            raise ZeroDivisionError("a checker's mistake")
        return 1.0

    patch.setattr(family_class("subset"), "check", check)
    patch.setattr("selftaught.run.grader.source_of", lambda text: family_class("subset")(level=2))


def bad_verdicts(patch, every):
    """Every so many replies of the judge say neither yes nor no."""
    whole, count = ScriptedModel.sample, iter(range(10**6))

    async def sample(self, requests):
        made = await whole(self, requests)
        return [
            [replace(a, text="perhaps" if next(count) % every == 0 else "yes") if request.role == "judge" else a for a in group]
            for request, group in zip(requests, made, strict=True)
        ]

    patch.setattr(ScriptedModel, "sample", sample)


BAD = {"attempts": bad_attempts, "checks": bad_checks, "verdicts": bad_verdicts}


def opened_with(opened, kind):
    how = RUNS[kind]
    return opened(get_recipe(how["recipe"]).with_options(how["options"]), sources=(how["source"],))


async def whole(run):
    await run.save()
    return await improve(run.recipe, run)


@pytest.mark.parametrize("kind", BAD)
def test_a_few_are_counted_and_the_run_goes_on(kind, opened, monkeypatch):
    BAD[kind](monkeypatch, 5)
    run = opened_with(opened, kind)
    assert asyncio.run(whole(run)) and run.position == 2
    count = run.ledger.total("faults", kind)
    assert count and {"table": "faults", "kind": kind} in [{key: row[key] for key in ("table", "kind")} for row in run.ledger.table()]
    steps = [json.loads(line) for line in (run.folder.path / "steps.jsonl").read_text().splitlines()]
    assert any(0 < step.get(f"faults/{kind}", 0) <= 0.5 for step in steps)


@pytest.mark.parametrize("kind", BAD)
def test_most_of_a_step_end_the_run_with_its_folder_kept(kind, opened, monkeypatch):
    BAD[kind](monkeypatch, 1)
    run = opened_with(opened, kind)
    with pytest.raises(BadInput, match=r"step 0: \d+ of \d+ .*up to half would do: .*start a new run") as told:
        asyncio.run(whole(run))
    assert "\n" not in str(told.value) and run.position == 0 and (run.folder.path / "generations" / "00000").is_dir()


def test_a_share_is_told_from_enough_of_them_alone():
    faults = Faults(Ledger())
    faults.count("checks", FEWEST - 1, FEWEST - 1)
    faults.refuse_most(3)
    faults.count("checks", 0, FEWEST - 1)
    assert faults.shares() == {"faults/checks": 0.5}
    faults.refuse_most(3)
    faults.count("checks", 1, 1)
    with pytest.raises(BadInput, match=f"step 3: {FEWEST} of {2 * FEWEST - 1} checks"):
        faults.refuse_most(3)


def test_a_source_whose_program_cannot_be_made_fails_that_answer_alone(monkeypatch):
    class Programs(TaskSource):
        def program(self, task, answer):
            raise KeyError(answer)

    monkeypatch.setattr("selftaught.tasks.source.parse_source", lambda text: Programs())
    pool = CheckerPool(unsafe_checkers=True)
    [(grade, kind)] = pool.replies([("programs", Task(id="t", prompt="p"), "1", None)])
    pool.close()
    assert grade != grade and kind == "error" and pool.failures == {"error": 1}
    assert Grader(None, Ledger()).faults.step == {}


def test_a_conversation_that_the_template_refuses_is_one_attempt_without_text(tmp_path):
    sys.path.insert(0, str(Path(__file__).parents[1] / "models"))
    from local_models import make_folder

    from selftaught.models.language.local import open_local
    from selftaught.types import Message

    folder = make_folder(tmp_path / "model", "llama")
    (folder / "chat_template.jinja").write_text(
        "{% for m in messages %}{{ raise_exception('no') if 'x' in m.content else m.content }}{% endfor %}"
    )
    model = open_local(folder, device="cpu")
    settings = SamplerSettings(max_tokens=2)
    asked = [
        SampleRequest(key=text, task=Task(id=text, prompt=text), messages=(Message("user", text),), settings=settings) for text in "axb"
    ]
    said = [attempt for [attempt] in asyncio.run(model.sample(asked))]
    assert [attempt.stop == "error" for attempt in said] == [False, True, False] and "refuses this conversation" in said[1].error
    assert model.count(asked[1].messages) == 0 < model.count(asked[0].messages)
