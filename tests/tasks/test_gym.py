"""reasoning-gym families: texts, seeds, options, refusals."""

import importlib.util
import sys
from pathlib import Path

import pytest

from selftaught.parts import BadInput
from selftaught.seals import GoldReader
from selftaught.tasks.gym.refusals import EXECUTES, HANGS, MANY_LINES, REFUSALS
from selftaught.tasks.gym.source import Gym
from selftaught.tasks.source import is_unsafe, parse_source

pytest.importorskip("reasoning_gym")
pytestmark = [pytest.mark.gym, pytest.mark.filterwarnings("ignore")]
FAST = ("chain_sum", "products", "gcd", "lcm", "leg_counting", "n_queens", "number_sorting", "simple_equations", "knights_knaves", "maze")
READER = GoldReader("audit", lambda: None)
BENCH = Path(__file__).resolve().parents[2] / "benchmarks" / "gym_families.py"


def all_families():
    from reasoning_gym.factory import DATASETS

    return sorted(DATASETS)


def loads(name):
    source = parse_source(f"gym:{name}")
    tasks = source.draw("a", 4, "train")
    entry = tasks[0].sealed.open(READER)
    assert len(tasks) == 4 and all(task.text and task.checker == "gold" and task.source == f"gym:{name}" for task in tasks)
    assert source.check(tasks[0], entry["answer"], entry) >= 0.99
    assert len({source.fingerprint(task) for task in tasks}) > 1


@pytest.mark.parametrize("name", FAST)
def test_family_loads_and_samples(name):
    loads(name)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", [name for name in all_families() if name not in REFUSALS and name not in FAST])
def test_every_family_that_is_not_refused_loads_and_samples(name):
    loads(name)


def test_texts_and_options():
    text = "gym:chain_sum,min_terms=4,max_terms=5"
    source = parse_source(text)
    assert isinstance(source, Gym) and source.text() == text and is_unsafe(source) and not is_unsafe(parse_source("sums"))
    assert all(4 <= len([w for w in task.text.replace("=", " ").split() if w.isdigit()]) <= 5 for task in source.draw("k", 9, "train"))
    for wrong, says in (
        ("gym:chain_sun", "did you mean 'chain_sum'"), ("gym:chain_sum,min_term=4", "did you mean 'min_terms'"),
        ("gym:chain_sum,min_terms=four", "not int"), ("gym:chain_sum,min_terms=9,max_terms=2", "does not accept"),
        ("gym:chain_sum,seed=4", "unknown option 'seed'"), ("gym:chain_sum,min_terms", "min_terms=VALUE"),
    ):  # fmt: skip
        with pytest.raises(BadInput, match=says) as caught:
            parse_source(wrong).draw("k", 1, "train")
        assert "\n" not in str(caught.value)


def test_neighboring_keys_and_splits_do_not_overlap():
    source = parse_source("gym:chain_sum,min_terms=4,max_terms=6,min_digits=3,max_digits=4")
    draws = [{t.text for t in source.draw(str(key), 60, split)} for key in range(3) for split in ("train", "held-out")]
    assert sum(map(len, draws)) == len(set.union(*draws)) == 360


def test_order_does_not_make_a_question_another_one():
    source = parse_source("gym:gcd")
    task = source.draw("k", 1, "train")[0]
    words = task.text.split()
    numbers = [i for i, word in enumerate(words) if word.strip(",.?").isdigit()]
    assert len(numbers) >= 2
    from dataclasses import replace

    first, last = (words[i].strip(",.?") for i in (numbers[0], numbers[-1]))
    swapped = task.text.replace(first, "#").replace(last, first).replace("#", last)
    assert source.fingerprint(replace(task, prompt=swapped.upper())) == source.fingerprint(task)
    assert source.fingerprint(replace(task, prompt=task.text.replace(first, first + "1"))) != source.fingerprint(task)


@pytest.mark.parametrize("name", REFUSALS)
def test_refused_by_name_with_the_reason(name):
    with pytest.raises(BadInput, match="is refused") as caught:
        parse_source(f"gym:{name}")
    assert REFUSALS[name] in str(caught.value)


def bench():
    spec = importlib.util.spec_from_file_location("gym_families", BENCH)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_refusals_hold_for_a_few_when_measured_again():
    names = ["string_insertion", "game_of_life_halting", "graph_color", "power_function", "coin_flip", "gcd"]
    module = bench()
    found = module.survey(names[::-1], power=0.5)
    assert {name: module.reason(found[name]) for name in names if module.reason(found[name])} == {
        n: REFUSALS[n] for n in names if n in REFUSALS
    }
    assert {name for name in names if found[name].get("executes")} == set(names) & set(EXECUTES)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_refusals_are_what_is_measured():
    found = {}
    module = bench()
    exec(module.table(module.survey(all_families())), found)
    assert found["REFUSALS"] == REFUSALS and found["EXECUTES"] == EXECUTES and found["MANY_LINES"] == MANY_LINES
    # How long is too long depends on the machine.
    assert set(HANGS) <= set(EXECUTES)
