"""The pool: held-out tasks never meet training ones; drawing, adding, saving."""

import json
import random
import re
from dataclasses import replace

import pytest

from selftaught.parts import BadInput
from selftaught.tasks.own import families
from selftaught.tasks.source import parse_source
from selftaught.tasks.splits import split
from selftaught.types import Message, Task

EASY_GYM = (
    "gym:products,max_digits=1", "gym:lcm,max_value=12", "gym:gcd,max_value=20", "gym:count_bits,max_n=60",
    "gym:number_sorting,max_numbers=3,max_decimals=0,min_value=1,max_value=6", "gym:number_sequence,max_complexity=1",
    "gym:chain_sum,max_terms=2,max_digits=1", "gym:leg_counting,max_animals=3,max_instances=3", "gym:spell_backward,max_word_len=4",
    "gym:base_conversion,max_value=40", "gym:simple_equations,max_terms=2,max_value=5",
)  # fmt: skip


def bare(*sides):
    """Prompts without case, spacing, punctuation and the words all of them share, by this test's own means."""
    tokens = [[re.findall(r"[a-z0-9]+", task.text.lower()) for task in side] for side in sides]
    shared = {word for word in set.intersection(*(set(words) for side in tokens for words in side)) if word.isalpha()}
    return [{tuple(word for word in words if word not in shared) for words in side} for side in tokens]


def never_meet(text, counts, draws):
    pool, splits = split([text], (), 3, counts)
    source, rng = parse_source(text), random.Random(0)
    train = [task for _ in range(draws) for task in pool.draw(rng, 24)]
    assert train and splits["held-out"] and all(task.split == "train" for task in train)
    prints = {name: {source.fingerprint(task) for task in tasks} for name, tasks in (splits | {"train": train}).items()}
    names = list(prints)
    for i, first in enumerate(names):
        assert len(splits.get(first, ())) in (0, len(prints[first]))
        assert not any(prints[first] & prints[other] for other in names[i + 1 :])
    assert {task.id for task in train}.isdisjoint(task.id for tasks in splits.values() for task in tasks)
    return train, splits, pool


@pytest.mark.parametrize("level", [1, *(pytest.param(level, marks=pytest.mark.slow) for level in (2, 4))])
# those of a dictionary take seconds
@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow) if name == "begins" else name for name in families()])
def test_held_out_never_meets_training_in_own_families(name, level):
    train, splits, pool = never_meet(f"{name}:level={level}", {"held-out": 40, "development": 16, "audit": 16}, 12)
    family = families()[name](level=level)
    facts = {part: {family.identity(family.read(task.text)) for task in tasks} for part, tasks in (splits | {"train": train}).items()}
    assert not facts["train"] & (facts["held-out"] | facts["development"] | facts["audit"])
    assert not facts["held-out"] & (facts["development"] | facts["audit"]) and not facts["development"] & facts["audit"]
    if level == 1 and name in ("sums", "products"):
        assert pool.collisions > 0


@pytest.mark.gym
@pytest.mark.parametrize("text", EASY_GYM)
def test_held_out_never_meets_training_in_gym_families(text):
    pytest.importorskip("reasoning_gym")
    train, splits, _ = never_meet(text, {"held-out": 24, "development": 8, "audit": 8}, 5)
    sides = bare(train, [task for tasks in splits.values() for task in tasks])
    assert sides[0] and sides[1] and not sides[0] & sides[1]


def test_held_out_from_other_settings_of_a_family_is_known():
    pool, splits = split(["sums:terms=2,digits=1"], ["sums:level=1"], 0, {"held-out": 20})
    held = {tuple(sorted(map(int, re.findall(r"\d+", task.text)))) for task in splits["held-out"]}
    seen = {tuple(sorted(map(int, re.findall(r"\d+", t.text)))) for k in range(20) for t in pool.draw(random.Random(k), 10)}
    assert held and seen and not held & seen and pool.collisions > 0


def test_one_file_is_divided_and_two_files_serve_whole(tmp_path):
    for name, start in (("a.jsonl", 0), ("b.jsonl", 300)):
        (tmp_path / name).write_text(
            "".join(json.dumps({"prompt": f"Say {i}."}) + "\n" for i in range(start, start + 400)), encoding="utf-8"
        )
    one, other = str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl")
    pool, splits = split([one], (), 0, {"held-out": 50, "development": 20, "audit": 20})
    train = {task.text for task in pool.draw(random.Random(0), 999)}
    assert [len(tasks) for tasks in splits.values()] == [50, 20, 20] and 200 < len(train) < 280
    assert train.isdisjoint(task.text for tasks in splits.values() for task in tasks) and pool.collisions == 0
    pool, splits = split([one], [other], 0, {"held-out": 200, "development": 20, "audit": 20})
    train = {task.text for task in pool.draw(random.Random(0), 999)}
    held = {task.text for tasks in splits.values() for task in tasks}
    # 100 rows are in both files.
    assert len(train) == 400 - len(held & {f"Say {i}." for i in range(300, 400)}) and not train & held and pool.collisions > 0


def test_a_file_of_own_questions_is_held_out_from_the_family(tmp_path):
    prompts = [f"What is {a}+{b}?" for a in range(10) for b in range(a, 10)][::2]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"prompt": p}) + "\n" for p in prompts), encoding="utf-8")
    pool, splits = split(["sums:level=1"], [str(tmp_path / "a.jsonl")], 0, {"held-out": 20})
    held = {tuple(sorted(map(int, re.findall(r"\d+", task.text)))) for task in splits["held-out"]}
    train = {tuple(sorted(map(int, re.findall(r"\d+", t.text)))) for k in range(20) for t in pool.draw(random.Random(k), 10)}
    assert held and not held & train


def test_draws_are_even_distinct_and_repeat():
    sources = ["sums:level=3", "sort:level=3", "linear:level=3"]
    pools = [split(sources, (), 0, {"held-out": 9})[0] for _ in range(2)]
    first, again = (pool.draw(random.Random(5), 20) for pool in pools)
    assert [task.id for task in first] == [task.id for task in again] != [task.id for task in pools[0].draw(random.Random(6), 20)]
    assert len({task.id for task in first}) == 20
    assert sorted([sum(task.source == source for task in first) for source in sources]) == [6, 7, 7]
    assert {task.source for task in pools[0].draw(random.Random(7), 9, "sort:level=3")} == {"sort:level=3"}
    with pytest.raises(BadInput, match="not among the pool's sources"):
        pools[0].draw(random.Random(7), 9, "sort:level=4")


def test_small_source_gives_fewer_and_ends():
    pool, splits = split(["products:level=1"], (), 0, {"held-out": 99, "development": 99, "audit": 99})
    drawn = pool.draw(random.Random(0), 500)
    assert 5 <= len(drawn) <= 36 and sum(map(len, splits.values())) <= 36 - len(drawn)
    mixed, _ = split(["products:level=1", "sums:level=8"], (), 0, {"held-out": 9})
    assert len(mixed.draw(random.Random(0), 200)) == 200


def test_added_tasks_are_new_and_not_held_out():
    pool, splits = split(["sums:level=3"], (), 0, {"held-out": 9, "development": 3, "audit": 3})
    held, own = splits["held-out"][0], Task(id="m1", prompt="Add 41+17+5.", origin="model", source="sums:level=3", lineage=("a", "b"))
    terms = re.findall(r"\d+", held.text)
    hidden = replace(own, id="m2", prompt=f"Find the sum {'+'.join(reversed(terms))}.")
    talk = Task(id="m3", prompt=(Message("user", "Hello"),), origin="model")
    assert pool.add([hidden, held]) == 0
    assert pool.add([own, replace(own, id="m4", prompt="What is 17+5+41?"), replace(own, id="m5", prompt=" ")]) == 1
    assert pool.add([own, talk, replace(talk, id="m6", prompt="hello!")]) == 1
    assert {task.id for task in pool.draw(random.Random(0), 9, "model")} == {"m1", "m3"}
    assert {task.id for task in pool.draw(random.Random(0), 9)} > {"m1"}


def test_snapshot_restores():
    pool, _ = split(["sums:level=1"], (), 0, {"held-out": 9})
    pool.add(
        [
            Task(id="m1", prompt="Add 41+17+5.", origin="model", lineage=("a",)),
            Task(id="m2", prompt=(Message("user", "Hi"),), origin="model"),
        ]
    )
    pool.draw(random.Random(0), 30)
    saved = json.loads(json.dumps(pool.snapshot()))
    other, _ = split(["sums:level=1"], (), 0, {"held-out": 9})
    other.restore(saved)
    assert other.collisions == pool.collisions > 0 and other.snapshot() == pool.snapshot()
    assert [t.id for t in other.draw(random.Random(6), 12)] == [t.id for t in pool.draw(random.Random(6), 12)]
    assert other.add([Task(id="m9", prompt="Add 5+17+41.")]) == 0


def test_seeds_split_differently():
    held = [{t.id for t in split(["sums:level=5"], (), seed, {"held-out": 20})[1]["held-out"]} for seed in (0, 0, 1)]
    assert held[0] == held[1] and not held[0] & held[2]


def rows_in(path, prompts, **more):
    path.write_text("".join(json.dumps({"prompt": p, **more}) + "\n" for p in prompts), encoding="utf-8")
    return str(path)


def test_a_question_hidden_by_its_shape_is_held_out(tmp_path):
    asked = [f"What is {i} + 2?" for i in range(60)]
    shapes = [
        [{"role": "system", "content": "Be brief."}, {"role": "user", "content": q}] if i % 2 else f"{q} Give a number."
        for i, q in enumerate(asked)
    ]
    train = rows_in(tmp_path / "a.jsonl", [*shapes, *(q.replace("+", "/") for q in asked)])
    pool, splits = split([train], [rows_in(tmp_path / "b.jsonl", asked, answer="1")], 0, {"held-out": 99, "development": 99, "audit": 99})
    drawn = {task.text for task in pool.draw(random.Random(0), 999)}
    assert drawn == {q.replace("+", "/") for q in asked}
    judge, trained = pool.found
    assert (judge.asked, judge.held_out, judge.train) == (99, len(splits["held-out"]), None)
    assert (trained.rows, trained.distinct, trained.leaked, trained.train) == (120, 120, 60, 60)
    assert "60 not trained on, as they are among those that judge, 60 to train on" in trained.line()


def test_a_held_out_copy_that_leaves_nothing_to_train_on_is_refused(tmp_path):
    from selftaught.tasks.found import refuse_nothing_left

    one, other = (rows_in(tmp_path / name, [f"Say {i}." for i in range(30)], answer="1") for name in ("a.jsonl", "b.jsonl"))
    with pytest.raises(BadInput, match="nothing is left to train on: all 30 questions of .*a.jsonl"):
        refuse_nothing_left(split([one], [other], 0)[0].found)
    refuse_nothing_left(split([one], [other], 0, {"held-out": 5})[0].found)
    refuse_nothing_left(split([one, "sums:level=5"], [other], 0)[0].found)


def test_data_without_answers_is_read_as_what_judges_it(tmp_path):
    train = rows_in(tmp_path / "a.jsonl", [f"Say {i}." for i in range(30)])
    number, word = (rows_in(tmp_path / f"{a}.jsonl", [f"Do {i}." for i in range(30)], answer=a) for a in ("1", "yes"))
    assert [split([train], [judge], 0)[0].draw(random.Random(0), 1)[0].numeric for judge in (number, word)] == [True, False]
