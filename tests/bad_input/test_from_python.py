"""The same from Python: BadInput, in one line, and nothing is left."""

from functools import partial

import pytest
from refusals import seen, thinned

from selftaught import BadInput, evaluate, improve, solve
from selftaught.compare.runs import Settings, compare
from selftaught.jobs.gate import gate

JOB = {"model": "scripted", "tasks": "sums:level=2"}
WRONG = {
    "temperature": [float("nan"), float("inf"), -1.0], "max_tokens": [-1], "template": ["no place"], "answer": ["("], "stop": [("",), [3]],
    "chat_template_kwargs": ["[1]"], "tasks": ["nowhere.jsonl", "summs", "sums:level=x", 3], "evaluation_seed": [-1], "held_out_count": [0],
}  # fmt: skip
MORE = {
    "improve": {
        "seed": [-1, 2**40], "budget": ["five", -5, float("nan")], "steps": [0, 10**12], "options": [{"nope": 1}, {"plan.n": 0}, {"optimizer.lr": float("nan")}],
        "without": ["sleep"], "adapter": ["rank"], "gate_share": [0, float("nan")], "recipe": ["ttlr", "ttrl/"], "resume": [True], "audit": [-1], "engine": ["warp"],
    },
    "gate": {"margin": [float("nan"), 0], "attempts": [-1, 10**9], "spent": [-5], "candidate": ["nowhere", None], "engine": ["warp"], "off_task": ["none.jsonl"]},
    "evaluate": {"count": [0, -1], "seed": [-1], "engine": ["warp"], "model": ["./nowhere"]},
    "solve": {"question": ["", "  "], "recipe": ["nope"], "seed": [-1], "engine": ["warp"]},
    "compare": {"budget": [float("nan"), 0], "model": ["./nowhere"], "options": [{"nope": 1}, {"steps": 3}], "adapter": ["rank"], "recipes": [["ttlr"]]},
}  # fmt: skip
# What another name stands for, or what only others take.
ABSENT = {"evaluate": {"evaluation_seed", "held_out_count"}, "solve": {"tasks", "held_out_count"}}


def compared(recipes=("ttrl",), **settings):
    settings["tasks"] = settings["tasks"] if isinstance(settings["tasks"], (list, int)) else (settings["tasks"],)
    return compare(recipes, Settings(**settings), [1], "out")


def asked(question="1+1", **job):
    return solve(question, **job)


CALLS = {
    "improve": partial(improve, gate=True, forecast=False), "gate": lambda candidate="scripted", model="", **given: gate("scripted", candidate, **given),
    "evaluate": evaluate, "solve": asked, "compare": compared,
}  # fmt: skip
CASES = [
    (name, option, value)
    for name in CALLS
    for option, values in (WRONG | MORE[name]).items()
    for value in values
    if option not in ABSENT.get(name, ())
]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """An empty folder."""
    return tmp_path_factory.mktemp("python")


@pytest.mark.parametrize(("name", "option", "value"), thinned([pytest.param(*case) for case in CASES]))
def test_it_raises_bad_input(prepared, monkeypatch, name, option, value):
    monkeypatch.chdir(prepared)
    before = seen(prepared)
    with pytest.raises(BadInput) as told:
        CALLS[name](**{**JOB, option: value})
    assert "\n" not in str(told.value) and seen(prepared) == before
