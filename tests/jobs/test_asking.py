"""Before anything is spent: wordings, replies that cannot be read, prompts that do not fit."""

import asyncio
import json

import pytest

from selftaught import api
from selftaught.format import PLACE, QUESTION
from selftaught.jobs import session
from selftaught.jobs.asking import fitting
from selftaught.jobs.job import Job
from selftaught.jobs.session import open_session
from selftaught.models.scripted import ScriptedModel
from selftaught.parts import BadInput
from selftaught.prompts import wrapped
from selftaught.types import Message, Task

JOB = {"recipe": "ttrl", "model": "base", "tasks": ("sums:level=1",), "held_out_count": 12, "steps": 1}
SMALL = {"options": {"plan.tasks": 4, "plan.n": 4}, "forecast": False}


class Base(ScriptedModel):
    """A model without a chat template, which answers prompts in the wording it knows and rambles on others."""

    chat = False

    def __init__(self, knows):
        self.knows, self.around = knows, QUESTION

        def script(request, rng, skill):
            said = wrapped(request.messages, self.around)[-1].content
            body = request.task.text
            if said != self.knows.replace(PLACE, body):
                return "well well well, " + "who can say what that may mean to anybody at all " * 2
            cls_sum = sum(map(int, __import__("re").findall(r"\d+", body)))
            return f"#### {cls_sum}" if rng.random() < 0.9 else f"#### {cls_sum + rng.randrange(1, 9)}"

        super().__init__(0.5, script)

    def asked_by(self, format):
        self.around = format.around

    def shown(self, messages):
        return wrapped(messages, self.around)[-1].content


@pytest.fixture
def opened(monkeypatch, tmp_path):
    """`opened(knows)` opens a session on such a model."""

    def open_it(knows, **job):
        monkeypatch.setattr(session, "open_model", lambda job, recipe: Base(knows))
        return open_session(Job(**JOB | SMALL | job), tmp_path / "run")

    return open_it


@pytest.mark.parametrize(("knows", "called"), [(PLACE, "the prompt as it is"), (QUESTION, "question and answer")])
def test_a_model_without_a_template_is_asked_as_it_answers(opened, tmp_path, knows, called):
    lines, it = [], opened(knows)
    result = asyncio.run(api.improve_session(it, lines.append, lambda: False))
    assert any("no chat template" in line and f"asked in {called}" in line for line in lines)
    assert it.run.format.template == knows and json.loads((tmp_path / "run" / "run.json").read_text())["job"]["template"] == knows
    assert result["before"] > 0.5 and result["answered"]["before"] == 1 and result["gold_read"]["train"] == 0


def test_a_given_template_is_not_chosen_anew(opened):
    lines, it = [], opened(QUESTION, template=QUESTION)
    asyncio.run(it.prepare(lines.append))
    assert not lines and it.run.format.template == QUESTION
    it.close()


def test_replies_without_answers_end_the_run_before_anything_is_spent(opened):
    it = opened("never {prompt}")
    with pytest.raises(BadInput, match=r"no answer can be read from 64 attempts .*well well.*--template") as caught:
        asyncio.run(api.improve_session(it, lambda line: None, lambda: False))
    assert len(str(caught.value).splitlines()) == 1
    assert it.run.ledger.spent == 0
    it.close()


class Narrow:
    """A model of 20 tokens, one a character, that loses the letter q."""

    limit, chat = 20, True

    def count(self, messages):
        return sum(len(m.content) for m in messages)

    def shown(self, messages):
        return " ".join(m.content.replace("quiz", "") for m in messages)


def tasks(*prompts):
    return [Task(id=f"t{i}", prompt=prompt) for i, prompt in enumerate(prompts)]


def test_prompts_that_do_not_fit_are_named_and_left_out():
    asked = tasks(*["short"] * 39, "x" * 30)
    kept, line = fitting(Narrow(), asked, 8, "held-out")
    assert len(kept) == 39 and "1 of 40 held-out prompts do not fit" in line and "t39" in line
    assert fitting(Narrow(), asked[:5], 8, "held-out") == (asked[:5], "")


def test_many_prompts_that_do_not_fit_are_refused():
    with pytest.raises(BadInput, match=r"9 of 20 held-out prompts do not fit the model's 20 tokens with 8"):
        fitting(Narrow(), tasks(*["short"] * 11, *["x" * 30] * 9), 8, "held-out")
    with pytest.raises(BadInput, match=r"2 of 4 training prompts lose words"):
        fitting(Narrow(), tasks("a", "b", "quiz one", "quiz"), 8, "training")


def test_what_is_no_text_is_not_looked_at():
    games = [Task(id="g", prompt="x" * 90, start={"deal": 1})]
    assert fitting(Narrow(), games, 8, "held-out") == (games, "")


def test_a_system_turn_can_be_lost_too():
    talk = Task(id="t", prompt=(Message("system", "quiz"), Message("user", "one")))
    with pytest.raises(BadInput, match="lose words"):
        fitting(Narrow(), [talk], 1, "training")


def test_without_a_recipe_the_sampler_is_chosen_too_and_written_down(opened, tmp_path):
    lines, it = [], opened(PLACE, recipe="selftaught", options={})
    asyncio.run(it.prepare(lines.append))
    written = json.loads((tmp_path / "run" / "run.json").read_text())["job"]
    assert [line for line in lines if line.startswith("set for this model: --temperature 1 ")]
    assert written["temperature"] == it.run.settings.temperature == 1.0 and written["max_tokens"] == it.run.settings.max_tokens > 0
    assert not it.settles
    it.close()


def test_what_was_asked_for_is_not_chosen(opened):
    lines, it = [], opened(PLACE, recipe="selftaught", options={}, temperature=0.5, max_tokens=40)
    asyncio.run(it.prepare(lines.append))
    assert not any("set for this model" in line for line in lines) and it.run.settings.max_tokens == 40
    it.close()
