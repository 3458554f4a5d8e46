"""What a model known by name needs is filled in, said, and never overrules what was asked for."""

import pytest

from selftaught.compare.opened import open_recipe
from selftaught.jobs.job import Job
from selftaught.jobs.known import KNOWN, filled
from selftaught.parts import BadInput
from selftaught.recipe import get_recipe


def test_models_nobody_knows_are_left_alone():
    for job in (Job(), Job(model="scripted"), Job(model="some/folder", recipe="ttrl")):
        assert filled(job) == (job, [])


def test_what_is_left_open_is_filled_in_and_said():
    job, [line] = filled(Job(model="smollm2"))
    known = KNOWN["smollm2"]
    assert (job.tasks, job.adapter, job.max_tokens, job.steps) == (known.tasks, known.adapter, known.max_tokens, known.steps)
    assert job.resolved().options()["optimizer.lr"] == known.options["optimizer.lr"] and job.temperature == known.temperature
    assert "smollm2" in line and "--adapter lora" in line and f"--max-tokens {known.max_tokens}" in line
    assert filled(job) == (job, [])


def test_what_was_asked_for_stays():
    asked = Job(model="smollm2", tasks=("sums:level=3,words=plain",), max_tokens=40, steps=3, options={"plan.n": 4, "optimizer.lr": 1e-5})
    job, _ = filled(asked)
    assert (job.tasks, job.max_tokens, job.steps) == (asked.tasks, 40, 3) and job.options["plan.n"] == 4
    assert job.options["optimizer.lr"] == 1e-5 and job.options["every"] == KNOWN["smollm2"].options["every"]
    whole, lines = filled(Job(model="smollm2", adapter="none"))
    assert whole.adapter == "" and not lines


def test_other_recipes_take_what_they_have():
    job, _ = filled(Job(model="smollm2", recipe="ttrl"))
    assert job.steps is None and set(job.options) <= set(get_recipe("ttrl").options())
    at_test_time, _ = filled(Job(model="smollm2", recipe="self-consistency"))
    assert not at_test_time.options and at_test_time.adapter == ""


def test_a_control_stays_what_it_is():
    """Whatever the model needs, and whoever asks."""
    for name, option in (("zero-lr", "optimizer.lr"), ("cooler-start", "plan.temperature")):
        job, _ = filled(Job(model="smollm2", recipe=name))
        assert option not in job.options and option not in get_recipe(name).options()
        with pytest.raises(BadInput, match=f"'{name}' is what its {option} makes it"):
            Job(recipe=name, options={option: 0.5}).resolved()
        taken = open_recipe(name, {option: 0.5}).recipe.phases[0]
        assert taken.plan == get_recipe(name).phases[0].plan and taken.objectives == get_recipe(name).phases[0].objectives


def test_a_temperature_that_was_asked_for_is_kept_though_it_is_the_usual_one():
    job, _ = filled(Job(model="smollm2", temperature=1.0))
    assert job.heat == 1.0 and filled(Job(model="smollm2"))[0].heat == 0.4
